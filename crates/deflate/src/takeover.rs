//! Compressing with memory of earlier messages: a compressor that belongs to one connection. It does not know which.

use crate::stream::Stream;
use crate::{Direction, Settings, TakeoverSlot, Verdict};

/// Compresses the messages of one connection, each with those before it as context.
///
/// It holds its state (see the README: 150 to 370 KiB) and its [`TakeoverSlot`] for as long as it lives. Only for a
/// direction with [`takeover`](Direction::takeover); without it each message is compressed alone.
#[derive(Debug)]
pub struct TakeoverCompressor {
    settings: Settings,
    /// `None` if the agreed window is 8: then nothing is compressed.
    stream: Option<Stream>,
    takeover: bool,
    slot: TakeoverSlot,
}

impl TakeoverCompressor {
    /// Allocates the whole state.
    #[must_use]
    pub fn new(settings: Settings, agreed: Direction, slot: TakeoverSlot) -> Self {
        let window = settings.effective(agreed.window_bits);
        let stream = window.map(|window| Stream::new(&settings, window));
        Self { settings, stream, takeover: agreed.takeover, slot }
    }

    /// Appends the payload to `out`. Above the threshold a message is always sent compressed, also when it
    /// does not get smaller (it grows by 5 bytes in 16 KiB at most): it is part of the context then. Below the threshold
    /// it is sent as it is and is no part of the context.
    ///
    /// The payloads must be sent in the order of the calls, each of them.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) -> Verdict {
        let Some(stream) = &mut self.stream else { return Verdict::Raw };
        if self.settings.is_below(message) {
            return Verdict::Raw;
        }
        if !self.takeover {
            stream.reset();
        }
        if stream.compress(message, usize::MAX, out) {
            Verdict::Compressed
        } else {
            stream.reset();
            Verdict::Raw
        }
    }

    /// Forgets the messages before. Needed after a payload was not sent, or was made by another compressor.
    /// The peer needs not know.
    pub fn reset(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.reset();
        }
    }

    /// Gives the state up and the slot back, for when the connection goes on without context.
    #[must_use]
    pub fn into_slot(self) -> TakeoverSlot {
        self.slot
    }
}
