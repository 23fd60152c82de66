//! A message on its way out: canonical JSON with the facts that decide its fate, and its encodings, each made
//! once for all sessions that share it.

use std::sync::OnceLock;

use bytes::Bytes;
use tidegate_message::{Class, Event, Priority};
use tidegate_payload_codec::{Codec, CodecError, Form};
use tidegate_ws::Broadcast;

use crate::encoder;

/// One message as JSON, before any client's form.
#[derive(Clone, Debug)]
pub struct Message {
    /// Canonical JSON.
    pub json: Bytes,
    /// What may happen to it when the reader is slow.
    pub class: Class,
    /// Which goes first when several wait.
    pub priority: Priority,
    /// What it must not overtake nor be overtaken by; see [`tidegate_queue::Item::order_key`].
    pub order_key: Option<u64>,
    /// Whether it may be abbreviated and compressed for clients that agreed (C9).
    pub optimize: bool,
    /// Whether it may stand in a batch for clients that agreed (C9).
    pub batch: bool,
}

impl Message {
    /// A message of an event's own class.
    #[must_use]
    pub fn new(event: &Event) -> Self {
        let class = event.class();
        let priority = if class == Class::Critical { Priority::Critical } else { Priority::Normal };
        Self::from_json(event.to_json()).ranked(class, priority)
    }

    /// A message that is JSON already, of the default class.
    #[must_use]
    pub fn from_json(json: impl Into<Bytes>) -> Self {
        Self {
            json: json.into(),
            class: Class::default(),
            priority: Priority::default(),
            order_key: None,
            optimize: true,
            batch: true,
        }
    }

    /// The same under an order key.
    #[must_use]
    pub const fn ordered(mut self, key: u64) -> Self {
        self.order_key = Some(key);
        self
    }

    /// The same with a class and a priority of its sender's choice.
    #[must_use]
    pub const fn ranked(mut self, class: Class, priority: Priority) -> Self {
        self.class = class;
        self.priority = priority;
        self
    }

    /// The form in which this message goes to a client that agreed on `form`.
    pub(crate) const fn form(&self, form: Form) -> Form {
        if self.optimize { form } else { Form { optimize: false, compression: None, ..form } }
    }
}

/// A message for many sessions. The first that needs a form makes it; the others share the bytes.
#[derive(Debug)]
pub struct Shared {
    message: Message,
    frames: [OnceLock<Framed>; encoder::FORMS],
    parts: [OnceLock<Bytes>; encoder::TRANSFORMS],
}

/// A frame ready for the socket, and what it is for the statistics.
#[derive(Debug)]
pub(crate) struct Framed {
    /// Compressed by the transport once for all receivers that agreed to the same.
    pub(crate) frame: Broadcast,
    pub(crate) payload_bytes: usize,
}

impl Shared {
    /// Shares a message.
    #[must_use]
    pub fn new(message: Message) -> Self {
        Self { message, frames: Default::default(), parts: Default::default() }
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    pub(crate) fn framed(&self, codec: &Codec, form: Form) -> Result<&Framed, CodecError> {
        let form = self.message.form(form);
        cached(&self.frames[encoder::form_index(form)], || {
            let (frame, payload_bytes) = encoder::framed(codec, self.part(codec, form)?, form);
            Ok(Framed { frame: Broadcast::new(frame), payload_bytes })
        })
    }

    pub(crate) fn part(&self, codec: &Codec, form: Form) -> Result<Bytes, CodecError> {
        cached(&self.parts[encoder::transform_index(form)], || {
            encoder::transform(codec, self.message.json.clone(), form)
        })
        .cloned()
    }
}

fn cached<T>(
    cell: &OnceLock<T>,
    make: impl FnOnce() -> Result<T, CodecError>,
) -> Result<&T, CodecError> {
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}
