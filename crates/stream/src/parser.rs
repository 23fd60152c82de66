//! The parser: a framing and a vocabulary, put together. It holds one unfinished event and no more.

use std::sync::Arc;
use std::time::Duration;

use crate::lines::{Ending, Lines};
use crate::sse::Sse;
use crate::utf8::Utf8;
use crate::vocabulary::{Critical, Reader, Unit, push_text};
use crate::{Event, Framing, ParseError, Vocabulary};

/// What a parser refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, and the most data of one event, in bytes. 1 MiB by default; plain text has no events.
    ///
    /// A parser never holds more than twice this.
    pub max_event_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_event_bytes: 1024 * 1024 }
    }
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum End {
    /// Nothing is missing: [`Event::Done`] or [`Event::Failed`] was given, or the vocabulary has no terminal event.
    Complete,
    /// The upstream stopped before it was done: no `[DONE]` and no `finish_reason` where the vocabulary has them,
    /// or half a unit, or half a character.
    Truncated,
}

/// Reads one body.
///
/// ```
/// use tidegate_stream::{End, Event, Framing, Limits, Parser, Vocabulary};
///
/// let mut parser = Parser::new(Framing::Ndjson, Vocabulary::Json, Limits::default());
/// let mut events = Vec::new();
/// parser.push(b"\"Hel", &mut events)?; // cut anywhere
/// parser.push(b"lo\"\n", &mut events)?;
/// assert_eq!(events, [Event::Text("Hello".to_owned())]);
/// assert_eq!(parser.finish(&mut events), End::Complete);
/// # Ok::<(), tidegate_stream::ParseError>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    frames: Frames,
    reader: Reader,
    error: Option<ParseError>,
}

#[derive(Debug)]
enum Frames {
    Sse(Sse),
    Lines(Lines),
    Text(Utf8),
}

impl Parser {
    /// A parser for one body. The critical kinds are [`CRITICAL_MESSAGE_TYPES`](crate::CRITICAL_MESSAGE_TYPES).
    #[must_use]
    pub fn new(framing: Framing, vocabulary: Vocabulary, limits: Limits) -> Self {
        let frames = match (framing, vocabulary) {
            (Framing::Sse, _) => Frames::Sse(Sse::new(limits.max_event_bytes)),
            (Framing::Text, _) | (Framing::Ndjson, Vocabulary::Text) => {
                Frames::Text(Utf8::default())
            }
            (Framing::Ndjson, _) => Frames::Lines(Lines::new(Ending::Lf, limits.max_event_bytes)),
        };
        let vocabulary =
            if matches!(frames, Frames::Text(_)) { Vocabulary::Text } else { vocabulary };
        Self { frames, reader: Reader::new(vocabulary), error: None }
    }

    /// The same with another list of critical kinds (the configuration's `critical_message_types`).
    #[must_use]
    pub fn critical(mut self, kinds: Arc<[String]>) -> Self {
        self.reader.critical = Critical::Listed(kinds);
        self
    }

    /// Reads the next bytes of the body and appends what they say. After `Done` or `Failed` the rest is ignored.
    ///
    /// # Errors
    /// [`ParseError`] if the body is broken; `out` then holds all that was right before the fault, and each
    /// further call gives the same error.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Event>) -> Result<(), ParseError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if self.reader.ended {
            return Ok(());
        }
        let verdict = self.read(chunk, out);
        // What stands behind the last event is nobody's fault.
        let verdict = if self.reader.ended { Ok(()) } else { verdict };
        self.error = verdict.as_ref().err().cloned();
        verdict
    }

    /// Reads what the body's clean end left unfinished, and says whether something is missing.
    ///
    /// Not for a body that broke off: whoever reads the body knows that, and says so.
    pub fn finish(mut self, out: &mut Vec<Event>) -> End {
        if self.reader.ended {
            return End::Complete;
        }
        if self.error.is_some() {
            return End::Truncated;
        }
        let reader = &mut self.reader;
        let whole = match self.frames {
            Frames::Sse(sse) => sse
                .finish(|event| {
                    reader.read(Unit { at: event.at, name: event.name, data: event.data }, out)
                })
                .is_ok(),
            Frames::Lines(lines) => {
                let (at, rest) = lines.into_rest();
                line(reader, at, &rest, out).is_ok()
            }
            Frames::Text(utf8) => !utf8.is_cut(),
        };
        if whole && self.reader.may_end() { End::Complete } else { End::Truncated }
    }

    /// Why the model stopped (`stop`, `length`, `tool_calls`, …), once an OpenAI upstream has said it.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&str> {
        self.reader.finish_reason.as_deref()
    }

    /// The last `id` of a server-sent event: what a `Last-Event-ID` header would carry.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        match &self.frames {
            Frames::Sse(sse) => sse.last_event_id(),
            Frames::Lines(_) | Frames::Text(_) => None,
        }
    }

    /// How long the upstream asks to wait before reconnecting (`retry`).
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        match &self.frames {
            Frames::Sse(sse) => sse.retry(),
            Frames::Lines(_) | Frames::Text(_) => None,
        }
    }

    fn read(&mut self, chunk: &[u8], out: &mut Vec<Event>) -> Result<(), ParseError> {
        let reader = &mut self.reader;
        match &mut self.frames {
            Frames::Sse(sse) => sse.push(chunk, |event| {
                reader.read(Unit { at: event.at, name: event.name, data: event.data }, out)
            }),
            Frames::Lines(lines) => lines.push(chunk, |at, bytes| line(reader, at, bytes, out)),
            Frames::Text(utf8) => {
                let (text, verdict) = utf8.push(chunk);
                push_text(text, out);
                verdict
            }
        }
    }
}

fn line(
    reader: &mut Reader,
    at: u64,
    bytes: &[u8],
    out: &mut Vec<Event>,
) -> Result<(), ParseError> {
    let data = std::str::from_utf8(bytes).map_err(|_| ParseError::Utf8 { at })?;
    reader.read(Unit { at, name: "", data }, out)
}
