//! What a decoder tells: whole messages and control frames.

use bytes::Bytes;

use crate::close::CloseFrame;
use crate::text::Text;

/// Something the peer sent, complete and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A text message, its fragments joined.
    Text(Text),
    /// A binary message, its fragments joined.
    Binary(Bytes),
    /// A part of a fragmented message. Only from a decoder that was asked for
    /// [fragments](crate::Decoder::by_fragment).
    Fragment(Fragment),
    /// A ping of at most 125 bytes. It is to be answered by a pong with the same bytes; `Socket` does so.
    Ping(Bytes),
    /// A pong of at most 125 bytes, asked for or not.
    Pong(Bytes),
    /// The peer closes; nothing follows. `None` if it gave no code (1005 in the RFC's words).
    Close(Option<CloseFrame>),
}

/// One frame of a fragmented message, inflated if it was compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The message is text. Its UTF-8 has been checked as far as it has come; a character may be cut by the end of
    /// the payload.
    pub is_text: bool,
    /// The message begins here.
    pub is_first: bool,
    /// The message ends here.
    pub is_last: bool,
    /// The bytes of the message that came with this frame.
    pub payload: Bytes,
}
