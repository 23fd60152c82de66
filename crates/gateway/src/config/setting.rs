//! How a value of each type is read from a file, read from the environment or a flag, and written.
//!
//! It knows no key.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use http::Uri;

use super::error::Unfit;
use super::node::{Node, Value, shown_text};
use super::secret::Secret;
use super::size::Size;
use super::{duration, from_toml};

/// A type that a key may have.
pub(crate) trait Setting: Sized {
    /// The type's name in the reference.
    const KIND: &'static str;
    /// What would do, in error messages.
    const EXPECTED: &'static str;

    /// Reads a value of a file.
    fn read(node: &Node) -> Result<Self, Unfit>;
    /// Reads the text of an environment variable or a flag.
    fn parse(text: &str) -> Result<Self, Unfit>;
    /// Writes the value as it may stand in a TOML file; secrets as `"***"`.
    fn render(&self) -> String;
}

/// The kind of all whole numbers.
const INTEGER: &str = "integer";

/// A value as its source gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Given<'a> {
    Node(&'a Node),
    Text(&'a str),
}

impl Given<'_> {
    pub(crate) fn take<T: Setting>(self) -> Result<T, Unfit> {
        match self {
            Self::Node(node) => T::read(node),
            Self::Text(text) => T::parse(text),
        }
    }

    pub(crate) fn take_within<T: Setting + PartialOrd>(
        self,
        range: &RangeInclusive<T>,
    ) -> Result<T, Unfit> {
        match self.take::<T>() {
            Ok(value) if range.contains(&value) => Ok(value),
            Ok(value) => Err(Unfit::new(render_range(range), value.render())),
            Err(unfit) if T::KIND == INTEGER && self.is_integer() => {
                Err(Unfit { expected: render_range(range), ..unfit })
            }
            Err(unfit) => Err(unfit),
        }
    }

    /// Whether it is a whole number, of any size.
    fn is_integer(self) -> bool {
        match self {
            Self::Node(node) => matches!(node.value, Value::Integer(_)),
            Self::Text(text) => text.trim().parse::<i128>().is_ok(),
        }
    }
}

/// `1 to 9`, `"1ms" to "24h"`.
pub(crate) fn render_range<T: Setting>(range: &RangeInclusive<T>) -> String {
    format!("{} to {}", range.start().render(), range.end().render())
}

/// A text as TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

pub(crate) fn unfit<T: Setting>(value: &Value) -> Unfit {
    Unfit::new(T::EXPECTED, value.shown())
}

pub(crate) fn unfit_text<T: Setting>(text: &str) -> Unfit {
    Unfit::new(T::EXPECTED, shown_text(text))
}

impl Setting for bool {
    const KIND: &'static str = "boolean";
    const EXPECTED: &'static str = "true or false";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match node.value {
            Value::Bool(value) => Ok(value),
            ref other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        match text.trim() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(unfit_text::<Self>(text)),
        }
    }

    fn render(&self) -> String {
        self.to_string()
    }
}

/// Whole numbers, each limited by its range and its type.
macro_rules! whole_numbers {
    ($($Number:ty),+) => {$(
        impl Setting for $Number {
            const KIND: &'static str = INTEGER;
            const EXPECTED: &'static str = "a whole number";

            fn read(node: &Node) -> Result<Self, Unfit> {
                match &node.value {
                    Value::Integer(number) => {
                        (*number).try_into().map_err(|_| unfit::<Self>(&node.value))
                    }
                    other => Err(unfit::<Self>(other)),
                }
            }

            fn parse(text: &str) -> Result<Self, Unfit> {
                text.trim().parse().map_err(|_| unfit_text::<Self>(text))
            }

            fn render(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

whole_numbers!(u8, u32, usize);

impl Setting for String {
    const KIND: &'static str = "text";
    const EXPECTED: &'static str = "a text in quotes";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(text) => Ok(text.clone()),
            other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        Ok(text.to_owned())
    }

    fn render(&self) -> String {
        quoted(self)
    }
}

impl Setting for Secret {
    const KIND: &'static str = "secret";
    const EXPECTED: &'static str = "a text in quotes";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(text) => Ok(Self::new(text.as_str())),
            other => Err(Unfit::new(Self::EXPECTED, other.shown_kind())),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        Ok(Self::new(text))
    }

    fn render(&self) -> String {
        format!("{self:?}")
    }
}

impl Setting for Duration {
    const KIND: &'static str = "duration";
    const EXPECTED: &'static str = "a duration such as \"30s\"";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(text) => Self::parse(text),
            Value::Integer(number) => {
                let hint = format!("add a unit: \"{number}s\" or \"{number}ms\"");
                Err(unfit::<Self>(&node.value).hint(hint))
            }
            other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        let number = text.trim();
        duration::parse(text).ok_or_else(|| match number.parse::<u64>() {
            Ok(_) => unfit_text::<Self>(text)
                .hint(format!("add a unit: \"{number}s\" or \"{number}ms\"")),
            Err(_) => unfit_text::<Self>(text).hint("units are ms, s, m, h, d"),
        })
    }

    fn render(&self) -> String {
        quoted(&duration::render(*self))
    }
}

impl Setting for Size {
    const KIND: &'static str = "size";
    const EXPECTED: &'static str = "a size such as \"64KiB\"";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(text) => <Self as Setting>::parse(text),
            Value::Integer(number) => {
                (*number).try_into().map(Self::from_bytes).map_err(|_| unfit::<Self>(&node.value))
            }
            other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        Self::parse(text).ok_or_else(|| {
            unfit_text::<Self>(text)
                .hint("units are B, KB, KiB, MB, MiB, GB, GiB; none means bytes")
        })
    }

    fn render(&self) -> String {
        quoted(&Self::render(*self))
    }
}

impl Setting for SocketAddr {
    const KIND: &'static str = "address";
    const EXPECTED: &'static str = "an IP address and a port such as \"127.0.0.1:8765\"";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(text) => Self::parse(text),
            other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        let local = text.trim().strip_prefix("localhost:").and_then(|port| port.parse().ok());
        match local {
            Some(port) => Ok(Self::from((Ipv4Addr::LOCALHOST, port))),
            None => text.trim().parse().map_err(|_| unfit_text::<Self>(text)),
        }
    }

    fn render(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for Uri {
    const KIND: &'static str = "address";
    const EXPECTED: &'static str = "an address such as \"http://127.0.0.1:8080/chat\"";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(text) => Self::parse(text),
            other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        let uri: Self = text.trim().parse().map_err(|_| unfit_text::<Self>(text))?;
        match (uri.scheme_str(), uri.authority()) {
            (_, Some(authority)) if authority.as_str().contains('@') => {
                Err(Unfit::new(Self::EXPECTED, "one with a user or a password")
                    .hint("put credentials into `headers`"))
            }
            (Some("http"), Some(_)) => Ok(uri),
            (Some("https"), _) => Err(unfit_text::<Self>(text).hint("only http is spoken so far")),
            _ => Err(unfit_text::<Self>(text)),
        }
    }

    fn render(&self) -> String {
        quoted(&self.to_string())
    }
}

/// A setting that may be left empty.
impl<T: Setting> Setting for Option<T> {
    const KIND: &'static str = T::KIND;
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(text) if text.is_empty() => Ok(None),
            _ => T::read(node).map(Some),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }

    fn render(&self) -> String {
        self.as_ref().map_or_else(|| "\"\"".to_owned(), T::render)
    }
}

impl Setting for Vec<String> {
    const KIND: &'static str = "list of texts";
    const EXPECTED: &'static str = "a list of texts such as [\"a\", \"b\"]";

    fn read(node: &Node) -> Result<Self, Unfit> {
        let Value::List(items) = &node.value else {
            return Err(unfit::<Self>(&node.value));
        };
        let text = |item: &Node| match &item.value {
            Value::Text(text) => Ok(text.clone()),
            other => Err(Unfit::new(Self::EXPECTED, format!("{} in the list", other.shown()))),
        };
        items.iter().map(text).collect()
    }

    /// `a, b`, or a list as TOML writes it.
    fn parse(text: &str) -> Result<Self, Unfit> {
        if text.trim_start().starts_with('[') {
            let node = from_toml::value(text.trim()).ok_or_else(|| unfit_text::<Self>(text))?;
            return Self::read(&node);
        }
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        Ok(words.map(str::to_owned).collect())
    }

    fn render(&self) -> String {
        let items: Vec<String> = self.iter().map(|text| quoted(text)).collect();
        format!("[{}]", items.join(", "))
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    const KIND: &'static str = "table of texts";
    const EXPECTED: &'static str = "a table such as { a = \"b\" }";

    fn read(node: &Node) -> Result<Self, Unfit> {
        let Value::Table(entries) = &node.value else {
            return Err(Unfit::new(Self::EXPECTED, node.value.shown_kind()));
        };
        let pair = |key: &String, node: &Node| match T::read(node) {
            Ok(value) => Ok((key.clone(), value)),
            Err(unfit) => Err(Unfit { found: format!("{} for {key:?}", unfit.found), ..unfit }),
        };
        entries.iter().map(|entry| pair(&entry.key, &entry.node)).collect()
    }

    /// `{ a = "b" }`, as TOML writes it, or nothing.
    fn parse(text: &str) -> Result<Self, Unfit> {
        if text.trim().is_empty() {
            return Ok(Self::new());
        }
        let node = from_toml::value(text.trim());
        Self::read(&node.ok_or_else(|| Unfit::new(Self::EXPECTED, "something else"))?)
    }

    fn render(&self) -> String {
        if self.is_empty() {
            return "{}".to_owned();
        }
        let pairs: Vec<String> = self
            .iter()
            .map(|(key, value)| format!("{} = {}", quoted(key), value.render()))
            .collect();
        format!("{{ {} }}", pairs.join(", "))
    }
}
