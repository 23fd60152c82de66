//! A message of which the last byte has not come. It knows neither frames nor the text's encoding.

use bytes::{Bytes, BytesMut};

use super::frame::Frame;
use crate::header::Opcode;

#[derive(Debug)]
pub(super) struct Message {
    pub(super) text: bool,
    pub(super) compressed: bool,
    /// Complete frames.
    pub(super) fragments: usize,
    /// Bytes of their payloads, as they came.
    pub(super) received: u64,
    /// Bytes given away already, in fragments.
    given: usize,
    /// What has come of it and was not given away: one of the two.
    plain: BytesMut,
    inflated: Vec<u8>,
}

impl Message {
    /// The message that a first frame begins.
    pub(super) fn begin(frame: &Frame) -> Box<Self> {
        Box::new(Self {
            text: frame.start.opcode == Opcode::Text,
            compressed: frame.compressed,
            fragments: 0,
            received: 0,
            given: 0,
            plain: BytesMut::new(),
            inflated: Vec::new(),
        })
    }

    /// Adds a payload that is not compressed; the first one is not copied.
    pub(super) fn append(&mut self, payload: BytesMut) {
        if self.plain.is_empty() {
            self.plain = payload;
        } else {
            self.plain.extend_from_slice(&payload);
        }
    }

    /// Where inflated bytes are added.
    pub(super) fn inflated(&mut self) -> &mut Vec<u8> {
        &mut self.inflated
    }

    /// Of the inflated bytes that were not given away, those from the `start`th on.
    pub(super) fn inflated_since(&self, start: usize) -> &[u8] {
        self.inflated.get(start..).unwrap_or_default()
    }

    /// Inflated bytes so far, also those given away.
    pub(super) fn inflated_length(&self) -> usize {
        self.given + self.inflated.len()
    }

    /// Gives away what has come.
    pub(super) fn take(&mut self) -> Bytes {
        let bytes = match self.compressed {
            true => Bytes::from(std::mem::take(&mut self.inflated)),
            false => std::mem::take(&mut self.plain).freeze(),
        };
        self.given += bytes.len();
        bytes
    }
}
