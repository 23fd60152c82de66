//! Compressing without memory of earlier messages: one compressor serves many connections. It does not know them.

use crate::stream::Stream;
use crate::{Direction, Settings, WindowBits};

const WINDOWS: usize = (WindowBits::MAX.bits() - WindowBits::MIN_OUTBOUND.bits()) as usize + 1;

/// Whether a message goes out compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The payload was appended: set RSV1 on the first frame.
    Compressed,
    /// Nothing was appended: send the message as it is, RSV1 clear.
    Raw,
}

/// Compresses messages of any connection, one after the other. One for each worker thread is enough.
///
/// It holds a state for each window size that was ever asked of it (9 to 15 bits, of about 150 to 370 KiB: see
/// the README), made at first use. [`ServerPolicy::min_outbound_window`](crate::ServerPolicy::min_outbound_window)
/// bounds how many.
///
/// ```
/// use tidegate_deflate::{Compressor, Direction, Settings, Verdict};
///
/// let mut compressor = Compressor::new(Settings::new());
/// let mut payload = Vec::new();
/// let message = "tide in, tide out. ".repeat(20);
/// let verdict = compressor.compress(message.as_bytes(), Direction::stateless(), &mut payload);
/// assert_eq!(verdict, Verdict::Compressed);
/// assert!(payload.len() < 40);
/// ```
#[derive(Debug)]
pub struct Compressor {
    settings: Settings,
    streams: [Option<Stream>; WINDOWS],
}

impl Compressor {
    /// Allocates nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, streams: [const { None }; WINDOWS] }
    }

    /// Appends the payload for a connection whose outbound direction is `agreed` to `out`, if the message is above the
    /// threshold and gets smaller. It refers to no other message, whether takeover was agreed or not.
    ///
    /// A direction with a window of 8 bits gets [`Verdict::Raw`]: no compressor here can keep to it.
    pub fn compress(&mut self, message: &[u8], agreed: Direction, out: &mut Vec<u8>) -> Verdict {
        let Some(stream) = self.stream(message, agreed) else { return Verdict::Raw };
        stream.reset();
        let max = message.len().saturating_sub(1);
        if stream.compress(message, max, out) { Verdict::Compressed } else { Verdict::Raw }
    }

    /// Whether two directions get the same payload from this compressor.
    #[must_use]
    pub fn same_payload(&self, one: Direction, other: Direction) -> bool {
        self.settings.effective(one.window_bits) == self.settings.effective(other.window_bits)
    }

    /// The slot of a direction's window, for caches of payloads.
    pub(crate) fn slot(&self, agreed: Direction) -> Option<usize> {
        let window = self.settings.effective(agreed.window_bits)?;
        Some(usize::from(window.bits() - WindowBits::MIN_OUTBOUND.bits()))
    }

    fn stream(&mut self, message: &[u8], agreed: Direction) -> Option<&mut Stream> {
        if self.settings.is_below(message) {
            return None;
        }
        let window = self.settings.effective(agreed.window_bits)?;
        let slot = self.slot(agreed)?;
        let settings = &self.settings;
        self.streams
            .get_mut(slot)
            .map(|stream| stream.get_or_insert_with(|| Stream::new(settings, window)))
    }
}

pub(crate) const SLOTS: usize = WINDOWS;
