//! Bytes in, events out: frames are read strictly, unmasked where they lie, and joined to messages.
//!
//! It knows no socket. A frame that is complete in the input is split off it and not copied.

use bytes::{Buf, Bytes, BytesMut};

use crate::close;
use crate::error::{ProtocolError, Violation};
use crate::event::Event;
use crate::header::{Opcode, Rest, Start};
use crate::limits::{Limits, Role};
use crate::mask::{self, Key};
use crate::text::Text;
use crate::utf8::Utf8;

/// The RSV bits that an extension has given a meaning: none.
const AGREED_RSV: u8 = 0;

/// Reads one peer's stream. At rest it owns no heap memory; while a fragmented message is open it owns what
/// has come of it.
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
    limits: Limits,
    /// Place in the stream of the input's first byte.
    offset: u64,
    frame: Option<Frame>,
    message: Option<Box<Message>>,
    utf8: Utf8,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    Failed(ProtocolError),
}

/// A frame whose header has been read and whose payload begins the input.
#[derive(Clone, Copy, Debug)]
struct Frame {
    start: Start,
    key: Option<Key>,
    length: usize,
    /// Bytes of payload that have been unmasked and checked.
    seen: usize,
    check: Check,
}

/// How the UTF-8 of a frame's payload is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// It is not text.
    None,
    /// A whole message that came in one piece: when it is made into a [`Text`].
    Whole,
    /// As it arrives.
    Arriving,
}

/// A message of which the last fragment has not come.
#[derive(Debug)]
struct Message {
    text: bool,
    bytes: BytesMut,
    fragments: usize,
}

impl Decoder {
    /// A decoder before the first byte after the handshake.
    #[must_use]
    pub const fn new(role: Role, limits: Limits) -> Self {
        Self {
            role,
            limits,
            offset: 0,
            frame: None,
            message: None,
            utf8: Utf8::new(),
            state: State::Open,
        }
    }

    /// Puts other limits into force, from the next frame on. A frame or message that is held already was
    /// judged by the old ones.
    pub const fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes the next event off the input; `None` if more input is needed.
    ///
    /// What stays in `input` belongs to a frame that is not complete. It has been partly unmasked in place:
    /// only append to it. After a Close what follows is thrown away (RFC 6455, 1.4).
    ///
    /// # Errors
    /// The first rule that the peer breaks, as soon as the byte that breaks it has come, however the stream is
    /// cut. Every later call gives the same error.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Event>, ProtocolError> {
        loop {
            match self.state {
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
                Err(error) => {
                    self.message = None;
                    self.state = State::Failed(error);
                }
            }
        }
    }

    /// Whether the stream may end here without cutting a frame or a message, `input` being what is left.
    #[must_use]
    pub fn is_between_messages(&self, input: &BytesMut) -> bool {
        input.is_empty() && self.frame.is_none() && self.message.is_none()
    }

    /// Works on one frame.
    fn step(&mut self, input: &mut BytesMut) -> Result<Step, ProtocolError> {
        let mut frame = match self.frame.take() {
            Some(frame) => frame,
            None => match self.header(input)? {
                Some(frame) => frame,
                None => return Ok(Step::Starved),
            },
        };
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
    fn header(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, ProtocolError> {
        let Some(&first) = input.first() else { return Ok(None) };
        let start = Start::parse(first, AGREED_RSV).map_err(|broken| self.error(broken, 0))?;
        self.judge_sequence(start.opcode).map_err(|broken| self.error(broken, 0))?;
        let Some(rest) = Rest::parse(input, self.role, start.opcode.is_control())
            .map_err(|(broken, at)| self.error(broken, at))?
        else {
            return Ok(None);
        };
        self.judge_size(start.opcode, rest.payload).map_err(|broken| self.error(broken, 1))?;
        self.skip(rest.size, input);
        let length = rest.payload as usize;
        let check = self.check(start, input.len() >= length);
        Ok(Some(Frame { start, key: rest.key, length, seen: 0, check }))
    }

    /// Whether a frame of this kind may come now (RFC 6455, 5.4).
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
    fn judge_size(&self, opcode: Opcode, payload: u64) -> Result<(), Violation> {
        if opcode.is_control() {
            return Ok(());
        }
        if payload > self.limits.max_frame_bytes as u64 {
            return Err(Violation::LargeFrame);
        }
        let held = self.message.as_ref().map_or(0, |message| message.bytes.len());
        if payload > self.limits.max_message_bytes.saturating_sub(held) as u64 {
            return Err(Violation::LargeMessage);
        }
        Ok(())
    }

    fn check(&self, start: Start, whole: bool) -> Check {
        let text = match start.opcode {
            Opcode::Text => true,
            Opcode::Continuation => self.message.as_ref().is_some_and(|message| message.text),
            _ => false,
        };
        match (text, whole && start.fin && start.opcode == Opcode::Text) {
            (false, _) => Check::None,
            (true, true) => Check::Whole,
            (true, false) => Check::Arriving,
        }
    }

    /// Unmasks and checks what has come of the payload since last time.
    fn absorb(&mut self, frame: &mut Frame, input: &mut [u8]) -> Result<(), ProtocolError> {
        let end = frame.length.min(input.len());
        let fresh = input.get_mut(frame.seen..end).unwrap_or_default();
        if let Some(key) = frame.key {
            mask::apply(key, frame.seen, fresh);
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
    fn complete(&mut self, frame: Frame, payload: BytesMut) -> Result<Step, ProtocolError> {
        let Start { fin, opcode } = frame.start;
        Ok(Step::Event(match opcode {
            Opcode::Ping => Event::Ping(payload.freeze()),
            Opcode::Pong => Event::Pong(payload.freeze()),
            Opcode::Close => {
                let close = close::parse(payload.freeze())
                    .map_err(|(broken, at)| self.error(broken, at))?;
                self.message = None;
                self.state = State::Closed;
                Event::Close(close)
            }
            Opcode::Text | Opcode::Binary if !fin => {
                let text = opcode == Opcode::Text;
                self.message = Some(Box::new(Message { text, bytes: payload, fragments: 1 }));
                return Ok(Step::Fragment);
            }
            Opcode::Text => self.text(payload.freeze(), self.offset)?,
            Opcode::Binary => Event::Binary(payload.freeze()),
            Opcode::Continuation => return self.join(fin, &payload),
        }))
    }

    /// Adds a fragment to the open message.
    fn join(&mut self, fin: bool, payload: &[u8]) -> Result<Step, ProtocolError> {
        let Some(mut message) = self.message.take() else {
            return Err(self.error(Violation::StrayContinuation, 0));
        };
        message.bytes.extend_from_slice(payload);
        message.fragments += 1;
        if !fin {
            self.message = Some(message);
            return Ok(Step::Fragment);
        }
        let bytes = message.bytes.freeze();
        Ok(Step::Event(if message.text {
            self.text(bytes, self.offset)?
        } else {
            Event::Binary(bytes)
        }))
    }

    /// Ends a text. Only one that came whole can fail the second check: others were checked as they arrived.
    fn text(&mut self, bytes: Bytes, offset: u64) -> Result<Event, ProtocolError> {
        self.utf8.finish().map_err(|at| ProtocolError::new(Violation::NotUtf8, at))?;
        Text::try_from(bytes).map(Event::Text).map_err(|error| {
            ProtocolError::new(Violation::NotUtf8, offset + error.valid_up_to() as u64)
        })
    }

    fn skip(&mut self, bytes: usize, input: &mut BytesMut) {
        input.advance(bytes);
        self.offset += bytes as u64;
    }

    fn error(&self, violation: Violation, index: usize) -> ProtocolError {
        ProtocolError::new(violation, self.offset + index as u64)
    }
}

enum Step {
    Event(Event),
    /// A fragment was added to its message: there may be more input.
    Fragment,
    /// More input is needed.
    Starved,
}

/// Splits off the front. An input that holds nothing else is taken as it is: that saves the allocation by
/// which two halves share one buffer.
fn take_front(input: &mut BytesMut, length: usize) -> BytesMut {
    if length == 0 {
        BytesMut::new()
    } else if length == input.len() && input.capacity() == length {
        std::mem::take(input)
    } else {
        input.split_to(length)
    }
}
