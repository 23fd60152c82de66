//! The fields a client's message may have, each still as JSON text. Syntax is checked here, meaning in
//! [`crate::Command`], so that an error can name the field at fault.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::rejection::{Code, Rejection};

#[derive(Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) to: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) exclude: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) class: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) priority: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) group: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) weight: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) stream: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) query: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) input: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) route: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) token: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) agree: Option<&'a RawValue>,
    #[serde(borrow)]
    confirm: Option<&'a RawValue>,
    #[serde(borrow)]
    deliver_at: Option<&'a RawValue>,
    #[serde(borrow)]
    delay_ms: Option<&'a RawValue>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    merge_key: Option<&'a RawValue>,
    #[serde(borrow)]
    since: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, Rejection> {
        serde_json::from_slice(json).map_err(|error| malformed(json, &error))
    }

    /// The first field that is known but not served yet: it is refused, never ignored.
    pub(crate) fn unsupported_field(&self) -> Option<&'static str> {
        [
            ("confirm", self.confirm),
            ("deliver_at", self.deliver_at),
            ("delay_ms", self.delay_ms),
            ("key", self.key),
            ("merge_key", self.merge_key),
            ("since", self.since),
        ]
        .into_iter()
        .find_map(|(name, value)| value.map(|_| name))
    }

    /// `"stream": true` asks any message's answer as a stream; elsewhere `stream` is a stream's id.
    pub(crate) fn wants_stream(&self) -> bool {
        self.stream.is_some_and(|raw| raw.get() == "true")
    }
}

/// Reads a field that must be there.
pub(crate) fn required<T: DeserializeOwned>(
    name: &'static str,
    raw: Option<&RawValue>,
    expected: &str,
) -> Result<T, Rejection> {
    optional(name, raw, expected)?.ok_or_else(|| {
        Rejection::new(
            Code::InvalidField,
            format!("field `{name}` is missing: expected {expected}"),
        )
    })
}

/// Reads a field that may be absent or `null`.
pub(crate) fn optional<T: DeserializeOwned>(
    name: &'static str,
    raw: Option<&RawValue>,
    expected: &str,
) -> Result<Option<T>, Rejection> {
    match raw {
        None => Ok(None),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| Rejection::field(name, expected)),
    }
}

/// A field's JSON text, which must be there and is passed on as it is.
pub(crate) fn raw(name: &'static str, raw: Option<&RawValue>) -> Result<Box<RawValue>, Rejection> {
    raw.map(ToOwned::to_owned).ok_or_else(|| {
        Rejection::new(
            Code::InvalidField,
            format!("field `{name}` is missing: expected any JSON value"),
        )
    })
}

/// The text of `type` without a copy where it has no escapes.
pub(crate) fn kind<'a>(raw: Option<&'a RawValue>) -> Result<Cow<'a, str>, Rejection> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Some(raw) = raw else {
        return Err(Rejection::new(
            Code::InvalidField,
            "field `type` is missing: expected a string",
        ));
    };
    serde_json::from_str::<Text<'_>>(raw.get())
        .map(|text| text.0)
        .map_err(|_| Rejection::field("type", "a string"))
}

fn malformed(json: &[u8], error: &serde_json::Error) -> Rejection {
    let start = json.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let (what, offset) = if error.is_data() && json.get(start) != Some(&b'{') {
        ("expected a JSON object".to_owned(), start)
    } else {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        (format!("not JSON: {what}"), offset(json, error.line(), error.column()))
    };
    Rejection::new(Code::Malformed, format!("{what} (byte {offset})")).at(offset)
}

/// serde_json counts lines from 1 and columns, in bytes, from 1 (0 at a line's start).
fn offset(json: &[u8], line: usize, column: usize) -> usize {
    let start: usize = json
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (start + column.saturating_sub(1)).min(json.len())
}
