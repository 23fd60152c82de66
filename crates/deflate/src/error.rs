//! What a peer can do wrong: at which byte, and which close code says so. It does not know how a connection ends.

use crate::WindowBits;

/// A violation by the peer (but for [`AfterFailure`](Self::AfterFailure)): the handshake or the connection has to fail with [`close_code`](Self::close_code).
///
/// Its text is at most 123 bytes, so that it fits a Close frame as the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `Sec-WebSocket-Extensions` does not follow the grammar of RFC 6455 section 9.1.
    #[error("malformed list of extensions (at byte {offset})")]
    MalformedHeader {
        /// In bytes from the start of the header's value.
        offset: usize,
    },
    /// The server's answer breaks a rule of RFC 7692 section 7.1, so the client fails the connection.
    #[error("answer to permessage-deflate refused: {fault} (at byte {offset})")]
    BadAnswer {
        /// The rule.
        fault: Fault,
        /// Of the parameter or the extension, in bytes from the start of the header's value.
        offset: usize,
    },
    /// The bytes are not a DEFLATE stream (RFC 1951), or refer to what lies before their window.
    #[error("corrupt compressed data (near byte {offset})")]
    Corrupt {
        /// In compressed bytes from the start of the message.
        offset: u64,
    },
    /// The message ended inside a block.
    #[error("compressed message ends too early (at byte {offset})")]
    Truncated {
        /// The length of the compressed message.
        offset: u64,
    },
    /// The message is longer, inflated, than this end accepts. No more than one byte above the limit was inflated, none kept.
    #[error("message inflates to more than {limit} bytes (at byte {offset})")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// In compressed bytes from the start of the message.
        offset: u64,
    },
    /// More blocks with BFINAL in one message than [`MAX_FINAL_BLOCKS`](crate::MAX_FINAL_BLOCKS): each costs a reset.
    #[error("too many final blocks in one message (at byte {offset})")]
    ManyFinalBlocks {
        /// In compressed bytes from the start of the message.
        offset: u64,
    },
    /// The caller's mistake, not the peer's: it went on after an error, or after the end of a message without beginning the next.
    #[error("compressed message goes on after its end")]
    AfterFailure,
}

impl Error {
    /// The code for the Close frame that answers this: 1002, 1007 or 1009.
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        match self {
            Self::Corrupt { .. } | Self::Truncated { .. } => 1007,
            Self::TooLarge { .. } => 1009,
            _ => 1002,
        }
    }

    /// Where, in bytes: of the header's value, or of the compressed message. `None` if it has no place.
    #[must_use]
    pub const fn offset(&self) -> Option<u64> {
        match self {
            Self::MalformedHeader { offset } | Self::BadAnswer { offset, .. } => {
                Some(*offset as u64)
            }
            Self::Corrupt { offset }
            | Self::Truncated { offset }
            | Self::TooLarge { offset, .. }
            | Self::ManyFinalBlocks { offset } => Some(*offset),
            Self::AfterFailure => None,
        }
    }
}

/// Which rule of RFC 7692 section 7.1 a list of parameters breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A parameter that section 7.1 does not define.
    #[error("unknown parameter")]
    UnknownParameter,
    /// One parameter twice.
    #[error("parameter given twice")]
    DuplicateParameter,
    /// A value where none may be, none where one must be, or not 8 to 15.
    #[error("invalid value of a parameter")]
    InvalidValue,
    /// The extension stands twice in an answer.
    #[error("extension accepted twice")]
    AcceptedTwice,
    /// `server_max_window_bits` is missing or larger than offered (7.1.2.1).
    #[error("server's window is larger than {0} bits")]
    ServerWindow(WindowBits),
    /// `server_no_context_takeover` was offered and is not in the answer (7.1.1.1).
    #[error("server_no_context_takeover is missing")]
    ServerTakeover,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_fits_a_close_reason() {
        let offset = u64::MAX;
        let refused = |fault| Error::BadAnswer { fault, offset: usize::MAX };
        for error in [
            Error::MalformedHeader { offset: usize::MAX },
            refused(Fault::UnknownParameter),
            refused(Fault::DuplicateParameter),
            refused(Fault::InvalidValue),
            refused(Fault::AcceptedTwice),
            refused(Fault::ServerWindow(WindowBits::MAX)),
            refused(Fault::ServerTakeover),
            Error::Corrupt { offset },
            Error::Truncated { offset },
            Error::TooLarge { limit: usize::MAX, offset },
            Error::ManyFinalBlocks { offset },
            Error::AfterFailure,
        ] {
            assert!(error.to_string().len() <= 123, "{error}");
        }
    }
}
