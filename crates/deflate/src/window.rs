//! The size of an LZ77 window as the handshake names it. It does not know whose window it is.

use std::fmt;

/// The base-two logarithm of a window's size in bytes: 8 (256 bytes) to 15 (32 KiB). RFC 7692 section 7.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(u8);

impl WindowBits {
    /// 256 bytes: a peer may use it, the compressor here cannot.
    pub const MIN: Self = Self(8);
    /// The smallest window that the compressor here can use: 512 bytes.
    pub const MIN_OUTBOUND: Self = Self(9);
    /// 32 KiB: what counts when the handshake names no other.
    pub const MAX: Self = Self(15);

    /// `bits` from 8 to 15.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if bits >= 8 && bits <= 15 { Some(Self(bits)) } else { None }
    }

    /// The number, 8 to 15.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The window's size in bytes: 256 to 32 768.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self.0
    }

    /// The value of a parameter: decimal, without leading zeros (section 7.1.2).
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let canonical = !value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit());
        if canonical { value.parse().ok().and_then(Self::new) } else { None }
    }
}

impl Default for WindowBits {
    fn default() -> Self {
        Self::MAX
    }
}

impl fmt::Display for WindowBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
