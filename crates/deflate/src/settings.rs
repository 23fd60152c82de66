//! What compressing may cost: level, window, memory level, threshold. It does not know what was agreed.

use crate::WindowBits;

/// Messages up to this many bytes are sent as they are, unless told otherwise: in smaller ones there is nothing to find.
pub const THRESHOLD_BYTES: usize = 128;

/// How a compressor works. The default: level 6, 15 bits, memory level 8, threshold [`THRESHOLD_BYTES`].
///
/// The README's table says what each choice costs and saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    level: u8,
    window_bits: WindowBits,
    memory_level: u8,
    threshold: usize,
}

impl Settings {
    /// The default.
    #[must_use]
    pub const fn new() -> Self {
        Self { level: 6, window_bits: WindowBits::MAX, memory_level: 8, threshold: THRESHOLD_BYTES }
    }

    /// What pays for connections with takeover: level 7, 15 bits, memory level 5 (278 KiB a connection), no threshold.
    ///
    /// Level 6 of the library below looks for matches less eagerly than that of zlib; over a window of earlier messages
    /// that costs up to 1.3 points of savings. Short messages refer to earlier ones too.
    #[must_use]
    pub const fn takeover() -> Self {
        Self { level: 7, window_bits: WindowBits::MAX, memory_level: 5, threshold: 0 }
    }

    /// 1 (fast) to 9 (small); taken into that range.
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.level = level.clamp(1, 9);
        self
    }

    /// The largest window to use, whatever more was agreed; 8 is taken as 9.
    #[must_use]
    pub fn window_bits(mut self, bits: WindowBits) -> Self {
        self.window_bits = bits.max(WindowBits::MIN_OUTBOUND);
        self
    }

    /// 1 (small) to 9 (large buffers for symbols); taken into that range.
    #[must_use]
    pub fn memory_level(mut self, level: u8) -> Self {
        self.memory_level = level.clamp(1, 9);
        self
    }

    /// Messages of up to `bytes` bytes are sent as they are.
    #[must_use]
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    pub(crate) const fn is_below(&self, message: &[u8]) -> bool {
        message.len() <= self.threshold
    }

    /// The window for a direction with `agreed`: `None` if the compressor has none that small.
    pub(crate) fn effective(&self, agreed: WindowBits) -> Option<WindowBits> {
        (agreed >= WindowBits::MIN_OUTBOUND).then(|| agreed.min(self.window_bits))
    }

    pub(crate) fn config(&self, window: WindowBits) -> zlib_rs::DeflateConfig {
        zlib_rs::DeflateConfig {
            window_bits: -i32::from(window.bits()),
            mem_level: i32::from(self.memory_level),
            ..zlib_rs::DeflateConfig::new(i32::from(self.level))
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
