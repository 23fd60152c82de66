//! Bytes in, events out: frames are read strictly, unmasked where they lie, inflated as they come, and joined to
//! messages.
//!
//! It knows no socket. A frame that is complete in the input is split off it and not copied.

mod frame;
mod inflate;
mod message;

use std::task::Waker;

use bytes::{Buf, Bytes, BytesMut};

use self::frame::{Check, Frame};
use self::message::Message;
use crate::close;
use crate::deflate::Inflating;
use crate::error::{ProtocolError, Violation};
use crate::event::{Event, Fragment};
use crate::header::{Opcode, Rest, Start};
use crate::limits::{Limits, Role};
use crate::mask::mask;
use crate::text::Text;
use crate::utf8::Utf8;

/// Reads one peer's stream. At rest it owns no heap memory but the agreement on compression, if there is one; while
/// a fragmented or compressed message is open it owns what has come of it.
///
/// ```
/// use bytes::BytesMut;
/// use tidegate_ws::{Decoder, Event, Limits, Role};
///
/// let mut decoder = Decoder::new(Role::Server, Limits::default());
/// let mut input = BytesMut::from(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f][..]);
/// assert_eq!(decoder.decode(&mut input), Ok(None));
/// input.extend_from_slice(&[0x4d, 0x51, 0x58]);
/// assert_eq!(decoder.decode(&mut input), Ok(Some(Event::Text("Hello".into()))));
/// ```
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    /// Fragments are given as they come.
    by_fragment: bool,
    /// The input holds more of a compressed message than may wait for an inflater.
    blocked: bool,
    state: State,
    limits: Limits,
    /// Place in the stream of the input's first byte.
    offset: u64,
    frame: Option<Frame>,
    message: Option<Box<Message>>,
    utf8: Utf8,
    inflating: Option<Box<Inflating>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    Failed(ProtocolError),
}

enum Step {
    Event(Event),
    /// A fragment was added to its message: there may be more input.
    Fragment,
    /// More input is needed, or an inflater.
    Starved,
}

impl Decoder {
    /// A decoder before the first byte after the handshake.
    #[must_use]
    pub const fn new(role: Role, limits: Limits) -> Self {
        Self {
            role,
            by_fragment: false,
            blocked: false,
            state: State::Open,
            limits,
            offset: 0,
            frame: None,
            message: None,
            utf8: Utf8::new(),
            inflating: None,
        }
    }

    /// Reads compressed messages as [`Agreed`](crate::Agreed). To be set before the first byte.
    #[must_use]
    pub fn inflating(mut self, inflating: Inflating) -> Self {
        self.inflating = Some(Box::new(inflating));
        self
    }

    /// Gives the frames of a fragmented message one by one, as [`Event::Fragment`], and does not join them. Limits
    /// count as before. To be set before the first byte.
    #[must_use]
    pub const fn by_fragment(mut self) -> Self {
        self.by_fragment = true;
        self
    }

    /// Puts other limits into force, from the next frame on. A frame or message that is held already was
    /// judged by the old ones: a compressed message that is being inflated gets no more room.
    pub const fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes the next event off the input; `None` if more input is needed, or [an inflater](Self::is_blocked).
    ///
    /// What stays in `input` belongs to a frame that is not complete. It has been partly unmasked in place:
    /// only append to it. After a Close what follows is thrown away (RFC 6455, 1.4).
    ///
    /// # Errors
    /// The first rule that the peer breaks, as soon as the byte that breaks it has come, however the stream is
    /// cut. Only a compressed text that is no UTF-8 and ends too early may be named either. Every later call gives the same error.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Event>, ProtocolError> {
        loop {
            match self.state {
                State::Open if input.is_empty() && self.frame.is_none() => return Ok(None),
                State::Open => {}
                State::Failed(error) => return Err(error),
                State::Closed => {
                    self.skip(input.len(), input);
                    return Ok(None);
                }
            }
            match self.step(input) {
                Ok(Step::Event(event)) => return Ok(Some(event)),
                Ok(Step::Fragment) => {}
                Ok(Step::Starved) => return Ok(None),
                Err(error) => self.end(State::Failed(error)),
            }
        }
    }

    /// Whether all inflaters are lent and no more compressed bytes may wait: read nothing more, and decode again
    /// when one [is back](Self::wake_when_free).
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Has a task woken when an inflater is back. [`decode`](Self::decode) has to be called once more after
    /// this: it may be back already.
    pub fn wake_when_free(&self, waker: &Waker) {
        if let Some(inflating) = &self.inflating {
            inflating.wake_when_free(waker);
        }
    }

    /// Whether the stream may end here without cutting a frame or a message, `input` being what is left.
    #[must_use]
    pub fn is_between_messages(&self, input: &BytesMut) -> bool {
        input.is_empty() && self.frame.is_none() && self.message.is_none()
    }

    /// Works on one frame.
    #[inline]
    fn step(&mut self, input: &mut BytesMut) -> Result<Step, ProtocolError> {
        let mut frame = match self.frame.take() {
            Some(frame) => frame,
            None => match self.header(input)? {
                Some(frame) => frame,
                None => return Ok(Step::Starved),
            },
        };
        if frame.compressed {
            return self.inflate(frame, input);
        }
        self.absorb(&mut frame, input)?;
        if frame.seen < frame.length {
            self.frame = Some(frame);
            return Ok(Step::Starved);
        }
        let payload = take_front(input, frame.length);
        let step = self.complete(frame, payload)?;
        self.offset += frame.length as u64;
        Ok(step)
    }

    /// Reads a header off the input, if it is complete, and judges all that it says.
    #[inline]
    fn header(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, ProtocolError> {
        let Some(&first) = input.first() else { return Ok(None) };
        let start = Start::parse(first, self.inflating.is_some())
            .map_err(|broken| self.error(broken, 0))?;
        self.judge_sequence(start.opcode).map_err(|broken| self.error(broken, 0))?;
        let Some(rest) = Rest::parse(input, self.role, start.opcode.is_control())
            .map_err(|(broken, at)| self.error(broken, at))?
        else {
            return Ok(None);
        };
        let continued = match start.opcode {
            Opcode::Continuation => self.message.as_deref(),
            _ => None,
        };
        let compressed = start.compressed || continued.is_some_and(|message| message.compressed);
        let text = start.opcode == Opcode::Text || continued.is_some_and(|message| message.text);
        let alone = start.fin && continued.is_none();
        self.judge_size(start.opcode, compressed, rest.payload)
            .map_err(|broken| self.error(broken, 1))?;
        self.skip(rest.size, input);
        let length = rest.payload as usize;
        let check = Check::of(text, alone && input.len() >= length);
        Ok(Some(Frame { start, compressed, check, key: rest.key, length, seen: 0 }))
    }

    /// Whether a frame of this kind may come now (RFC 6455, 5.4).
    #[inline]
    fn judge_sequence(&self, opcode: Opcode) -> Result<(), Violation> {
        match (opcode, &self.message) {
            (Opcode::Continuation, None) => Err(Violation::StrayContinuation),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(Violation::Interleaved),
            (Opcode::Continuation, Some(message))
                if message.fragments >= self.limits.max_fragments =>
            {
                Err(Violation::ManyFragments)
            }
            _ => Ok(()),
        }
    }

    /// Whether a payload of this length may be held.
    #[inline]
    fn judge_size(&self, opcode: Opcode, compressed: bool, payload: u64) -> Result<(), Violation> {
        if opcode.is_control() {
            return Ok(());
        }
        let room = |max: usize| max as u64 + if compressed { inflate::overhead(max) } else { 0 };
        if payload > room(self.limits.max_frame_bytes) {
            return Err(Violation::LargeFrame);
        }
        let received = self.message.as_ref().map_or(0, |message| message.received);
        if payload > room(self.limits.max_message_bytes).saturating_sub(received) {
            return Err(Violation::LargeMessage);
        }
        Ok(())
    }

    /// Unmasks and checks what has come of the payload since last time.
    #[inline]
    fn absorb(&mut self, frame: &mut Frame, input: &mut [u8]) -> Result<(), ProtocolError> {
        let end = frame.length.min(input.len());
        let fresh = input.get_mut(frame.seen..end).unwrap_or_default();
        if let Some(key) = frame.key {
            mask(key, frame.seen, fresh);
        }
        if frame.check == Check::Arriving {
            self.utf8
                .push(fresh, self.offset + frame.seen as u64)
                .map_err(|at| ProtocolError::new(Violation::NotUtf8, at))?;
        }
        frame.seen = end;
        Ok(())
    }

    /// Makes of a complete frame what it means.
    #[inline]
    fn complete(&mut self, frame: Frame, payload: BytesMut) -> Result<Step, ProtocolError> {
        let Start { fin, opcode, .. } = frame.start;
        Ok(Step::Event(match opcode {
            Opcode::Text if fin => {
                self.utf8.finish().map_err(|at| ProtocolError::new(Violation::NotUtf8, at))?;
                Event::Text(self.text(payload.freeze())?)
            }
            Opcode::Binary if fin => Event::Binary(payload.freeze()),
            Opcode::Ping => Event::Ping(payload.freeze()),
            Opcode::Pong => Event::Pong(payload.freeze()),
            Opcode::Close => {
                let close = close::parse(payload.freeze())
                    .map_err(|(broken, at)| self.error(broken, at))?;
                self.end(State::Closed);
                Event::Close(close)
            }
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                let mut message = self.message.take().unwrap_or_else(|| Message::begin(&frame));
                message.append(payload);
                if fin {
                    self.utf8.finish().map_err(|at| ProtocolError::new(Violation::NotUtf8, at))?;
                }
                return self.join(message, &frame);
            }
        }))
    }

    /// Counts a complete fragment of the message; the last one ends it.
    fn join(&mut self, mut message: Box<Message>, frame: &Frame) -> Result<Step, ProtocolError> {
        let fin = frame.start.fin;
        message.fragments += 1;
        message.received += frame.length as u64;
        if self.by_fragment && (message.fragments > 1 || !fin) {
            let fragment = Fragment {
                is_text: message.text,
                is_first: message.fragments == 1,
                is_last: fin,
                payload: message.take(),
            };
            self.message = (!fin).then_some(message);
            return Ok(Step::Event(Event::Fragment(fragment)));
        }
        if !fin {
            self.message = Some(message);
            return Ok(Step::Fragment);
        }
        let bytes = message.take();
        if !message.text {
            return Ok(Step::Event(Event::Binary(bytes)));
        }
        // Only a compressed text that came whole can fail: its payload has been taken off the input.
        let begin = self.offset.saturating_sub(frame.length as u64);
        let text =
            Text::try_from(bytes).map_err(|_| ProtocolError::new(Violation::NotUtf8, begin))?;
        Ok(Step::Event(Event::Text(text)))
    }

    /// Makes a text. Only one that came whole can fail here: others were checked as they arrived.
    #[inline]
    fn text(&self, bytes: Bytes) -> Result<Text, ProtocolError> {
        Text::try_from(bytes).map_err(|fault| self.error(Violation::NotUtf8, fault.valid_up_to()))
    }

    /// Lets go of what was held: nothing more is given.
    fn end(&mut self, state: State) {
        self.message = None;
        self.inflating = None;
        self.blocked = false;
        self.state = state;
    }

    #[inline]
    fn skip(&mut self, bytes: usize, input: &mut BytesMut) {
        input.advance(bytes);
        self.offset += bytes as u64;
    }

    fn error(&self, violation: Violation, index: usize) -> ProtocolError {
        ProtocolError::new(violation, self.offset + index as u64)
    }
}

/// Splits off the front. An input that holds nothing else is taken as it is: that saves the allocation by
/// which two halves share one buffer.
#[inline]
fn take_front(input: &mut BytesMut, length: usize) -> BytesMut {
    if length == 0 {
        BytesMut::new()
    } else if length == input.len() && input.capacity() == length {
        std::mem::take(input)
    } else {
        input.split_to(length)
    }
}
