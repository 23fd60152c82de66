//! Why a socket gives no more events.

use std::io;

use crate::error::ProtocolError;

/// The end of a connection, by who ended it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke the protocol. The Close that says so is queued.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Io(#[from] io::Error),
    /// The connection is over: by a Close from both ends, or the peer's stream ended without one (1006 in the
    /// RFC's words, if no [`Event::Close`](crate::Event::Close) came before).
    #[error("the connection is closed")]
    Closed,
}
