//! What a decoder is told before its first byte: which side it is on, and how much it will hold.

/// Which end of the connection this is. A server takes masked frames only, a client unmasked ones only
/// (RFC 6455, 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Accepts connections; its own frames are not masked.
    Server,
    /// Opens connections; its own frames are masked.
    Client,
}

/// Bounds on what a peer may send. Exceeding one ends the connection with 1009.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload of one frame, in bytes. Default 1 MiB.
    pub max_frame_bytes: usize,
    /// Payload of one message over all its fragments, in bytes. Default 1 MiB.
    pub max_message_bytes: usize,
    /// Frames that one message may be cut into. Default 131 072, so that the default message limit can be used in
    /// fragments of 8 bytes, and 8 MiB in fragments of 64. A fragment costs no memory beyond its bytes.
    pub max_fragments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_frame_bytes: 1 << 20, max_message_bytes: 1 << 20, max_fragments: 1 << 17 }
    }
}
