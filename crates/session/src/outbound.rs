//! What waits in a session's outbox.

use std::sync::Arc;

use serde_json::value::to_raw_value;
use tidegate_message::{Class, Event, Priority, StreamId};
use tidegate_queue::Item;

use crate::message::{Message, Shared};

/// Texts of one stream are merged up to this many bytes, so that a chunk stays a chunk.
const MAX_MERGED_BYTES: usize = 16 * 1024;

/// What an envelope adds to a piece of text, roughly; counted so that many small pieces count.
const ENVELOPE_BYTES: usize = 64;

/// One entry of an outbox.
#[derive(Clone, Debug)]
pub enum Outbound {
    /// For this session alone.
    Own(Message),
    /// For this session among others.
    Shared(Arc<Shared>),
    /// A piece of a stream's text; neighbours are merged while they wait (Q6).
    Text {
        /// The stream.
        stream: StreamId,
        /// The text.
        text: String,
    },
}

impl Outbound {
    /// The order key under which everything of one stream goes.
    #[must_use]
    pub fn stream_key(stream: StreamId) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *stream.as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// The entry as a message of its own.
    pub(crate) fn into_message(self) -> Message {
        match self {
            Self::Own(message) => message,
            Self::Shared(shared) => shared.message().clone(),
            Self::Text { stream, text } => {
                // A string always has a JSON form.
                let data = to_raw_value(&text).unwrap_or_default();
                Message::new(&Event::StreamChunk { stream, data })
            }
        }
    }

    /// The message that decides what may become of the entry; a text has none.
    pub(crate) fn facts(&self) -> Option<&Message> {
        match self {
            Self::Own(message) => Some(message),
            Self::Shared(shared) => Some(shared.message()),
            Self::Text { .. } => None,
        }
    }
}

impl Item for Outbound {
    fn class(&self) -> Class {
        self.facts().map_or(Class::Coalescible, |message| message.class)
    }

    fn priority(&self) -> Priority {
        self.facts().map_or(Priority::Normal, |message| message.priority)
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text { text, .. } => text.len() + ENVELOPE_BYTES,
            _ => self.facts().map_or(0, |message| message.json.len()),
        }
    }

    fn order_key(&self) -> Option<u64> {
        match self {
            Self::Text { stream, .. } => Some(Self::stream_key(*stream)),
            _ => self.facts().and_then(|message| message.order_key),
        }
    }

    fn waits(&self) -> bool {
        !matches!(self, Self::Text { .. })
    }

    fn merge(&mut self, later: Self) -> Result<(), Self> {
        match (self, later) {
            (Self::Text { stream, text }, Self::Text { stream: other, text: more })
                if *stream == other && text.len() + more.len() <= MAX_MERGED_BYTES =>
            {
                text.push_str(&more);
                Ok(())
            }
            (_, later) => Err(later),
        }
    }
}
