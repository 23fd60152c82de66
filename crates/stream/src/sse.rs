//! Server-sent events (WHATWG HTML, sections 9.2.5 and 9.2.6): lines to events. Knows no vocabulary.
//!
//! Different from the standard on two points, on purpose. Data that is not UTF-8 is an error, not U+FFFD:
//! a gateway does not change an answer in silence. And an event that the body's clean end left without
//! its blank line is given out, since there are servers that forget the last one.

use std::time::Duration;

use crate::ParseError;
use crate::lines::{Ending, Lines};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event, complete.
pub(crate) struct Message<'a> {
    /// Where its first line begins.
    pub(crate) at: u64,
    /// The `event` field; empty if there was none.
    pub(crate) name: &'a str,
    /// The `data` lines, joined by LF.
    pub(crate) data: &'a str,
}

/// Finds events.
#[derive(Debug)]
pub(crate) struct Sse {
    lines: Lines,
    fields: Fields,
}

/// What the lines since the last blank one have said.
#[derive(Debug)]
struct Fields {
    max_event_bytes: usize,
    /// Where this event begins; `None` between events.
    at: Option<u64>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    id: Option<String>,
    retry: Option<Duration>,
}

impl Sse {
    pub(crate) const fn new(max_event_bytes: usize) -> Self {
        Self {
            lines: Lines::new(Ending::Any, max_event_bytes),
            fields: Fields {
                max_event_bytes,
                at: None,
                name: Vec::new(),
                data: Vec::new(),
                has_data: false,
                id: None,
                retry: None,
            },
        }
    }

    pub(crate) fn push(
        &mut self,
        chunk: &[u8],
        mut on_event: impl FnMut(Message<'_>) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        let fields = &mut self.fields;
        self.lines.push(chunk, |at, line| {
            let line = if at == 0 { line.strip_prefix(BOM).unwrap_or(line) } else { line };
            if line.is_empty() { fields.dispatch(&mut on_event) } else { fields.read(at, line) }
        })
    }

    /// The event that the end of the body cut off, if its last lines say anything.
    pub(crate) fn finish(
        mut self,
        on_event: impl FnMut(Message<'_>) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        let (at, rest) = self.lines.into_rest();
        if !rest.is_empty() {
            self.fields.read(at, &rest)?;
        }
        self.fields.dispatch(on_event)
    }

    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.fields.id.as_deref()
    }

    pub(crate) const fn retry(&self) -> Option<Duration> {
        self.fields.retry
    }
}

impl Fields {
    fn read(&mut self, at: u64, line: &[u8]) -> Result<(), ParseError> {
        let (field, value) = match memchr::memchr(b':', line) {
            Some(0) => return Ok(()), // a comment
            Some(colon) => {
                let (field, value) = line.split_at(colon);
                let value = value.strip_prefix(b":").unwrap_or(value);
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        let at = *self.at.get_or_insert(at);
        match field {
            b"data" => self.append(at, value)?,
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            b"id" if !value.contains(&0) => self.id = Some(text(at, value)?.to_owned()),
            b"retry" => self.retry = milliseconds(value).or(self.retry),
            _ => {}
        }
        Ok(())
    }

    fn append(&mut self, at: u64, value: &[u8]) -> Result<(), ParseError> {
        if self.data.len().saturating_add(value.len()).saturating_add(1) > self.max_event_bytes {
            return Err(ParseError::TooLarge { at, max: self.max_event_bytes });
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.has_data = true;
        Ok(())
    }

    fn dispatch(
        &mut self,
        mut on_event: impl FnMut(Message<'_>) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        if let Some(at) = self.at.take()
            && self.has_data
        {
            on_event(Message { at, name: text(at, &self.name)?, data: text(at, &self.data)? })?;
        }
        self.name.clear();
        self.data.clear();
        self.has_data = false;
        Ok(())
    }
}

fn text(at: u64, bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|_| ParseError::Utf8 { at })
}

/// A `retry` value: ASCII digits alone, else the field is ignored.
fn milliseconds(value: &[u8]) -> Option<Duration> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok().map(Duration::from_millis)
}
