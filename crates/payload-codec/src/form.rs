//! What one client agreed to, and what leaves for it. Knows nothing of how either is made.

use bytes::Bytes;

/// How the value itself is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// JSON text (RFC 8259), in text frames.
    #[default]
    Json,
    /// MessagePack, in binary frames.
    MessagePack,
}

/// What a large payload is compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// gzip (RFC 1952), tag 1.
    Gzip,
    /// One LZ4 block behind its original size (`u32`, little endian), tag 2.
    Lz4,
}

impl Compression {
    /// The byte that announces it in a binary frame.
    pub(crate) fn tag(self) -> u8 {
        match self {
            Self::Gzip => 1,
            Self::Lz4 => 2,
        }
    }

    pub(crate) fn from_tag(tag: u8) -> Option<Self> {
        match tag {
            1 => Some(Self::Gzip),
            2 => Some(Self::Lz4),
            _ => None,
        }
    }
}

/// What one client agreed to; sessions of equal form share one encoding of a message.
///
/// The default is plain JSON, uncompressed: what a client gets that agreed to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Form {
    /// JSON or MessagePack.
    pub encoding: Encoding,
    /// Whether keys and timestamps are abbreviated.
    pub optimize: bool,
    /// What large payloads are compressed with, if at all. Leave it `None` where the transport
    /// itself compresses (permessage-deflate): compressing twice costs time and saves nothing.
    pub compression: Option<Compression>,
}

/// Which kind of WebSocket frame a payload travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A text frame: always JSON.
    Text,
    /// A binary frame: MessagePack, or a tag and compressed data.
    Binary,
}

/// The payload of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The bytes.
    pub bytes: Bytes,
    /// The frame they belong into.
    pub kind: Kind,
}
