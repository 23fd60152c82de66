//! What can go wrong, whose fault it is, and at which byte.
//!
//! Knows nothing of close codes or replies: the shells map a [`CodecError`] to those.

use thiserror::Error;

/// A refusal of this crate. Its variant names the guilty side, its text the byte at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The JSON handed over for encoding cannot be sent in the form asked for.
    #[error("outbound message, byte {offset}: {fault}")]
    Outbound {
        /// Where in the JSON text, in bytes from its start.
        offset: usize,
        /// What is wrong there.
        fault: Fault,
    },
    /// The payload received from the peer cannot be decoded.
    #[error("received payload, byte {offset}: {fault}")]
    Inbound {
        /// Where, in bytes from the start: of the frame for tags and compressed data, of what came
        /// out of decompression (or of the MessagePack) for all else.
        offset: usize,
        /// What is wrong there.
        fault: Fault,
    },
    /// A dictionary was given that could not be reversed.
    #[error("dictionary {id:?}, entry {entry:?}: {reason}")]
    Dictionary {
        /// The id of the dictionary.
        id: String,
        /// The long key or the code at fault; empty when it is the id itself.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl CodecError {
    /// The byte at fault, for messages and payloads.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::Outbound { offset, .. } | Self::Inbound { offset, .. } => Some(*offset),
            Self::Dictionary { .. } => None,
        }
    }

    /// What is wrong, for messages and payloads.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Outbound { fault, .. } | Self::Inbound { fault, .. } => Some(fault),
            Self::Dictionary { .. } => None,
        }
    }

    /// Whether the message was refused for its size alone (close code 1009 where it was inbound).
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self.fault(), Some(Fault::TooLarge { .. }))
    }
}

/// What is wrong at the byte that a [`CodecError`] names.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not JSON (RFC 8259); the text says what was expected.
    #[error("not JSON: expected {0}")]
    Json(&'static str),
    /// Not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// More containers inside one another than the limit allows.
    #[error("nested deeper than {limit}")]
    TooDeep {
        /// The limit, in containers.
        limit: usize,
    },
    /// Larger than the limit allows, as received or after decoding.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Not MessagePack, or a part of it that JSON cannot hold; the text says which.
    #[error("MessagePack: {0}")]
    MessagePack(&'static str),
    /// Half of a surrogate pair in an object's key, which MessagePack cannot hold.
    #[error("unpaired surrogate in a key")]
    UnpairedSurrogate,
    /// The value under a timestamp's code is not of the form that stands for a timestamp.
    #[error("not an abbreviated timestamp")]
    Timestamp,
    /// A binary frame begins with a tag that this version does not know.
    #[error("unknown tag {0:#04x}")]
    Tag(u8),
    /// A binary frame ends before its tag.
    #[error("no tag")]
    NoTag,
    /// The compressed data is damaged; the text names the format.
    #[error("damaged {0} data")]
    Compressed(&'static str),
}

/// A fault and its place, before it is known whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) offset: usize,
    pub(crate) fault: Fault,
}

impl Fail {
    pub(crate) fn new(offset: usize, fault: Fault) -> Self {
        Self { offset, fault }
    }

    pub(crate) fn outbound(self) -> CodecError {
        CodecError::Outbound { offset: self.offset, fault: self.fault }
    }

    pub(crate) fn inbound(self) -> CodecError {
        CodecError::Inbound { offset: self.offset, fault: self.fault }
    }
}

/// The bytes as text, or the offset of the first that is not UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Fail> {
    std::str::from_utf8(bytes).map_err(|error| Fail::new(error.valid_up_to(), Fault::Utf8))
}
