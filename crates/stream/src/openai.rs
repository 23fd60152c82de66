//! The vocabulary of the OpenAI chat-completions API with `"stream": true`.
//!
//! ```text
//! data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}          nothing
//! data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}             Text("Hel")
//! data: {"choices":[{"index":0,"delta":{"tool_calls":[…]}}]}            Agent, kind "tool_calls", the delta as it is
//! data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}     noted
//! data: {"choices":[],"usage":{…}}                                      nothing
//! data: {"error":{"code":"rate_limit_exceeded","message":"…"}}          Failed
//! data: [DONE]                                                          Done
//! ```
//! Of several choices (`n` above 1) only that of index 0 is read.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::vocabulary::{Reader, Unit, from_json, push_text};
use crate::{Event, ParseError};

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(default)]
    finish_reason: Option<String>,
}

pub(crate) fn read(
    reader: &mut Reader,
    unit: Unit<'_>,
    out: &mut Vec<Event>,
) -> Result<(), ParseError> {
    let data = unit.data.trim_ascii();
    if data.is_empty() {
        return Ok(());
    }
    if !data.starts_with('{') {
        from_json::<&RawValue>(unit.at, data)?;
        return Err(ParseError::Shape { at: unit.at, expected: "an object" });
    }
    let chunk: Chunk<'_> = from_json(unit.at, data)?;
    if let Some(error) = chunk.error {
        reader.fail(error, out);
        return Ok(());
    }
    for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
        if let Some(raw) = choice.delta {
            delta(reader, unit.at, raw, out)?;
        }
        if choice.finish_reason.is_some() {
            reader.finish_reason = choice.finish_reason;
        }
    }
    Ok(())
}

fn delta(reader: &Reader, at: u64, raw: &RawValue, out: &mut Vec<Event>) -> Result<(), ParseError> {
    let delta: Delta = from_json(at, raw.get())?;
    push_text(delta.content, out);
    if let Some(kind) = delta.other {
        reader.agent(raw, kind, out);
    }
    Ok(())
}

/// What a delta says: its text, and the first member besides `role` and the text that says something.
#[derive(Default)]
struct Delta {
    content: String,
    other: Option<String>,
}

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Delta;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a delta object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Delta, A::Error> {
        let mut delta = Delta::default();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if name == "content" && value.get().starts_with('"') {
                delta.content =
                    serde_json::from_str(value.get()).map_err(serde::de::Error::custom)?;
            } else if name != "role" && delta.other.is_none() && says_something(value) {
                delta.other = Some(name);
            }
        }
        Ok(delta)
    }
}

fn says_something(value: &RawValue) -> bool {
    !matches!(value.get(), "null" | "\"\"" | "[]" | "{}")
}
