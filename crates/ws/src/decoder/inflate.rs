//! The decoder's way for compressed messages: what comes is inflated and taken off the input at once.
//!
//! An error names a place that does not depend on how the stream was cut: for broken DEFLATE data the byte near
//! which it shows, else the first byte of the payload in which it shows.

use bytes::BytesMut;

use super::frame::{Check, Frame};
use super::message::Message;
use super::{Decoder, Step};
use crate::deflate::{Fault, Pushed};
use crate::error::{ProtocolError, Violation};
use crate::mask::mask;

/// What a sender may need above a message's length if it compresses what does not get smaller: five bytes for each
/// stored block (RFC 1951, 3.2.4), of which no compressor in use makes smaller ones than 16 KiB.
pub(super) const fn overhead(max: usize) -> u64 {
    (max as u64 >> 11) + 64
}

impl Decoder {
    pub(super) fn inflate(
        &mut self,
        mut frame: Frame,
        input: &mut BytesMut,
    ) -> Result<Step, ProtocolError> {
        let begin = self.offset - frame.seen as u64;
        let left = frame.length - frame.seen;
        let length = left.min(input.len());
        let mut message = self.message.take().unwrap_or_else(|| Message::begin(&frame));
        if length > 0 || left == 0 {
            let piece = input.get_mut(..length).unwrap_or_default();
            let pushed = self.push(&mut message, &frame, piece, begin)?;
            self.blocked = pushed == Pushed::Blocked;
            if !self.blocked {
                self.skip(length, input);
                frame.seen += length;
                if frame.seen == frame.length {
                    if frame.start.fin {
                        let ended = self.utf8.finish();
                        ended.map_err(|_| ProtocolError::new(Violation::NotUtf8, begin))?;
                    }
                    return self.join(message, &frame);
                }
            }
        }
        (self.message, self.frame) = (Some(message), Some(frame));
        Ok(Step::Starved)
    }

    /// Unmasks, inflates and checks a piece of a frame that begins at `begin`.
    fn push(
        &mut self,
        message: &mut Message,
        frame: &Frame,
        piece: &mut [u8],
        begin: u64,
    ) -> Result<Pushed, ProtocolError> {
        let Some(inflating) = &mut self.inflating else {
            return Err(ProtocolError::new(Violation::ReservedBits, begin));
        };
        let unmask = |piece: &mut [u8]| {
            if let Some(key) = frame.key {
                mask(key, frame.seen, piece);
            }
        };
        unmask(piece);
        let last = frame.start.fin && frame.seen + piece.len() == frame.length;
        let (before, max) = (message.inflated().len(), self.limits.max_message_bytes);
        match inflating.push(piece, last, max, message.inflated()) {
            Ok(Pushed::Blocked) => {
                unmask(piece); // masks it again: nothing of it was taken
                return Ok(Pushed::Blocked);
            }
            Ok(Pushed::Taken) if message.inflated_length() > max => {
                return Err(ProtocolError::new(Violation::LargeMessage, begin));
            }
            Ok(Pushed::Taken) if frame.check == Check::Arriving => {
                let checked = self.utf8.push(message.inflated_since(before), begin);
                checked.map_err(|_| ProtocolError::new(Violation::NotUtf8, begin))?;
            }
            Ok(Pushed::Taken) => {}
            Err(fault) => return Err(self.broken(fault, frame, message, before, begin)),
        }
        Ok(Pushed::Taken)
    }

    /// The error of a message whose compressed data are at fault. What came before the fault and is no UTF-8 is refused
    /// first, as it would be in smaller pieces (RFC 6455, 8.1); where a message ends too early is no such place.
    #[cold]
    fn broken(
        &mut self,
        fault: Fault,
        frame: &Frame,
        message: &Message,
        before: usize,
        begin: u64,
    ) -> ProtocolError {
        let is_checked = message.text && fault.violation != Violation::TruncatedDeflate;
        if is_checked && self.utf8.push(message.inflated_since(before), begin).is_err() {
            return ProtocolError::new(Violation::NotUtf8, begin);
        }
        let within = fault.at.map_or(0, |at| at.saturating_sub(message.received));
        ProtocolError::new(fault.violation, begin + within.min(frame.length as u64))
    }
}
