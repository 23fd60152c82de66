//! YAML to [`Node`]s. It knows no key.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::node::{Entry, Node, SyntaxError, Value};

/// How deep values may be nested. The configuration needs five levels; reading recurses.
const MAX_DEPTH: usize = 16;

/// How many values there may be, aliases counted as often as they are used.
const MAX_NODES: usize = 50_000;

/// Reads a whole document. An empty one is an empty table.
///
/// # Errors
/// The first place where `text` is not YAML, or a key is no text.
pub(crate) fn document(text: &str) -> Result<Node, Vec<SyntaxError>> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options) {
        Ok(Spanned { value: Value::Nothing, .. }) => {
            Ok(Node { line: 1, value: Value::Table(Vec::new()) })
        }
        Ok(spanned) => Ok(node(spanned)),
        Err(error) => {
            let line = error.location().map_or(0, line);
            Err(vec![SyntaxError { line, message: message(&error) }])
        }
    }
}

/// The first line of the error: what follows is a picture of the place, which the caller names itself.
fn message(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}

fn line(location: Location) -> u32 {
    u32::try_from(location.line()).unwrap_or(u32::MAX)
}

fn node(spanned: Spanned<Value>) -> Node {
    Node { line: line(spanned.referenced), value: spanned.value }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

/// Takes whatever stands there.
struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Integer(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Other(format!("the number {number}")))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(node(item));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut table = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let node = node(entries.next_value::<Spanned<Value>>()?);
            table.push(Entry { line: line(key.referenced), key: key.value, node });
        }
        Ok(Value::Table(table))
    }
}
