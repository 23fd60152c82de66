//! Violations of RFC 6455: which rule, at which byte of the stream, and which close code says so.

/// The rule that the peer broke. It names the peer as the guilty side: nothing here is a fault of this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// RSV1, RSV2 or RSV3 is set and no extension was agreed (5.2).
    #[error("reserved bit set without an agreed extension")]
    ReservedBits,
    /// Op codes 3-7 and 11-15 (5.2).
    #[error("reserved op code")]
    ReservedOpcode,
    /// A control frame without FIN (5.5).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A control frame of more than 125 bytes (5.5).
    #[error("control frame longer than 125 bytes")]
    LongControl,
    /// A continuation although no message is open (5.4).
    #[error("continuation without a message to continue")]
    StrayContinuation,
    /// A new message before the last fragment of the open one (5.4).
    #[error("new message inside a fragmented message")]
    Interleaved,
    /// A client's frame without a mask (5.1).
    #[error("client frame is not masked")]
    Unmasked,
    /// A server's frame with a mask (5.1).
    #[error("server frame is masked")]
    Masked,
    /// A length in more bytes than it needs (5.2).
    #[error("payload length is not in its shortest form")]
    LongLength,
    /// A 64-bit length with its highest bit set (5.2).
    #[error("payload length has its highest bit set")]
    HugeLength,
    /// A Close body of one byte (5.5.1).
    #[error("close frame with a body of one byte")]
    CloseBody,
    /// A close code that may not stand in a frame (7.4).
    #[error("close code is not allowed in a frame")]
    CloseCode,
    /// A close reason that is not UTF-8 (5.5.1).
    #[error("close reason is not UTF-8")]
    CloseReason,
    /// A text message that is not UTF-8 (8.1).
    #[error("text message is not UTF-8")]
    NotUtf8,
    /// A frame above [`Limits::max_frame_bytes`](crate::Limits::max_frame_bytes).
    #[error("frame is larger than this end accepts")]
    LargeFrame,
    /// A message above [`Limits::max_message_bytes`](crate::Limits::max_message_bytes).
    #[error("message is larger than this end accepts")]
    LargeMessage,
    /// A message of more than [`Limits::max_fragments`](crate::Limits::max_fragments) frames.
    #[error("message has more fragments than this end accepts")]
    ManyFragments,
    /// A compressed message that is no DEFLATE stream, or refers to what lies before its window (RFC 7692, 7.2.2).
    #[error("compressed message is corrupt")]
    CorruptDeflate,
    /// A compressed message that ends inside a block (RFC 7692, 7.2.2).
    #[error("compressed message ends too early")]
    TruncatedDeflate,
    /// A compressed message of more than [`MAX_FINAL_BLOCKS`](tidegate_deflate::MAX_FINAL_BLOCKS) streams.
    #[error("compressed message has too many final blocks")]
    ManyFinalBlocks,
}

impl Violation {
    /// The code for the Close frame that answers this: 1002, 1007 or 1009.
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::CloseReason | Self::NotUtf8 | Self::CorruptDeflate | Self::TruncatedDeflate => {
                1007
            }
            Self::LargeFrame | Self::LargeMessage | Self::ManyFragments => 1009,
            _ => 1002,
        }
    }
}

/// The peer broke the protocol: the connection has to end with [`close_code`](Self::close_code).
///
/// Its text is at most 123 bytes, so that it fits a Close frame as the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{violation} (at byte {offset})")]
pub struct ProtocolError {
    violation: Violation,
    offset: u64,
}

impl ProtocolError {
    pub(crate) const fn new(violation: Violation, offset: u64) -> Self {
        Self { violation, offset }
    }

    /// The rule that was broken.
    #[must_use]
    pub const fn violation(&self) -> Violation {
        self.violation
    }

    /// Where, in bytes from the first byte after the handshake: for text the start of the sequence that is
    /// not UTF-8 (in a compressed message the payload of the frame in which it showed), for a header the byte that
    /// breaks the rule.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The code for the Close frame that answers this: 1002, 1007 or 1009.
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        self.violation.close_code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_fits_a_close_reason() {
        use Violation::*;
        for violation in [
            ReservedBits,
            ReservedOpcode,
            FragmentedControl,
            LongControl,
            StrayContinuation,
            Interleaved,
            Unmasked,
            Masked,
            LongLength,
            HugeLength,
            CloseBody,
            CloseCode,
            CloseReason,
            NotUtf8,
            LargeFrame,
            LargeMessage,
            ManyFragments,
            CorruptDeflate,
            TruncatedDeflate,
            ManyFinalBlocks,
        ] {
            let error = ProtocolError::new(violation, u64::MAX);
            assert!(error.to_string().len() <= crate::close::MAX_REASON_BYTES, "{error}");
        }
    }
}
