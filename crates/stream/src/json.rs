//! The vocabulary of agent events: a JSON string is text, an object is an event with its own `type`.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::vocabulary::{Reader, Unit, from_json, push_text};
use crate::{Event, ParseError};

/// What of an object is looked at. The rest passes by.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// A name that a server-sent event has by default, and one that says failure.
const UNNAMED: &str = "message";
const ERROR: &str = "error";

pub(crate) fn read(
    reader: &mut Reader,
    unit: Unit<'_>,
    out: &mut Vec<Event>,
) -> Result<(), ParseError> {
    let data = unit.data.trim_ascii();
    if data.is_empty() {
        return Ok(());
    }
    let raw: &RawValue = from_json(unit.at, data)?;
    match data.as_bytes().first() {
        Some(b'{') => object(reader, unit, raw, out),
        Some(b'"') if unit.name == ERROR => {
            reader.fail(raw, out);
            Ok(())
        }
        Some(b'"') => {
            push_text(from_json(unit.at, data)?, out);
            Ok(())
        }
        Some(b'n') => Ok(()), // null keeps a connection warm
        _ => Err(ParseError::Shape { at: unit.at, expected: "an object or a string" }),
    }
}

fn object(
    reader: &mut Reader,
    unit: Unit<'_>,
    raw: &RawValue,
    out: &mut Vec<Event>,
) -> Result<(), ParseError> {
    let head: Head<'_> = from_json(unit.at, raw.get())?;
    let kind = head.kind.and_then(|kind| serde_json::from_str::<String>(kind.get()).ok());
    match (kind, head.error) {
        (Some(kind), _) => reader.agent(raw, kind, out),
        (None, Some(error)) => reader.fail(error, out),
        (None, None) if unit.name == ERROR => reader.fail(raw, out),
        (None, None) if unit.name == UNNAMED => reader.agent(raw, String::new(), out),
        (None, None) => reader.agent(raw, unit.name.to_owned(), out),
    }
    Ok(())
}
