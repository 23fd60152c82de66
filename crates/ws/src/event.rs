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
    /// A ping of at most 125 bytes. It is to be answered by a pong with the same bytes; `Socket` does so.
    Ping(Bytes),
    /// A pong of at most 125 bytes, asked for or not.
    Pong(Bytes),
    /// The peer closes; nothing follows. `None` if it gave no code (1005 in the RFC's words).
    Close(Option<CloseFrame>),
}
