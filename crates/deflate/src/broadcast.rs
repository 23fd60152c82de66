//! One message for many connections, compressed once for each window size among them. It knows no connection.

use bytes::Bytes;

use crate::compressor::SLOTS;
use crate::{Compressor, Direction, Verdict};

/// A message on its way to many receivers.
///
/// ```
/// use bytes::Bytes;
/// use tidegate_deflate::{Broadcast, Compressor, Direction, Settings};
///
/// let mut compressor = Compressor::new(Settings::new());
/// let mut broadcast = Broadcast::new(Bytes::from("all hands on deck. ".repeat(20)));
/// let one = broadcast.payload(&mut compressor, Some(Direction::stateless()));
/// let other = broadcast.payload(&mut compressor, Some(Direction::stateless()));
/// assert!(one.compressed && one.bytes.as_ptr() == other.bytes.as_ptr()); // the same memory
/// assert!(!broadcast.payload(&mut compressor, None).compressed);
/// ```
#[derive(Clone, Debug)]
pub struct Broadcast {
    message: Bytes,
    /// By window size; what was tried and stays raw is here as the message itself.
    payloads: [Option<Payload>; SLOTS],
}

/// What to send to one receiver. A clone shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Whether RSV1 is to be set on the first frame.
    pub compressed: bool,
    /// The payload.
    pub bytes: Bytes,
}

impl Broadcast {
    /// Compresses nothing yet.
    #[must_use]
    pub fn new(message: Bytes) -> Self {
        Self { message, payloads: [const { None }; SLOTS] }
    }

    /// The payload for a receiver with this outbound direction; `None`: the extension was not agreed.
    ///
    /// All calls should be made with compressors of the same settings. A receiver whose
    /// [`TakeoverCompressor`](crate::TakeoverCompressor) is in use can be sent this too: reset that one then.
    pub fn payload(&mut self, compressor: &mut Compressor, agreed: Option<Direction>) -> Payload {
        let message = &self.message;
        let raw = || Payload { compressed: false, bytes: message.clone() };
        let Some(agreed) = agreed else { return raw() };
        let cached = compressor.slot(agreed).and_then(|slot| self.payloads.get_mut(slot));
        let Some(cached) = cached else { return raw() };
        cached
            .get_or_insert_with(|| {
                let mut bytes = Vec::new();
                match compressor.compress(message, agreed, &mut bytes) {
                    // Shrunk: what waits in queues should hold no spare capacity.
                    Verdict::Compressed => {
                        Payload { compressed: true, bytes: Bytes::from(bytes.into_boxed_slice()) }
                    }
                    Verdict::Raw => raw(),
                }
            })
            .clone()
    }
}
