//! One message for many receivers: framed once, compressed once for each window that was agreed on. It knows no
//! receiver.

use std::sync::OnceLock;

use tidegate_deflate::WindowBits;

use crate::deflate::Compression;
use crate::prepared::Prepared;

const WINDOWS: usize = (WindowBits::MAX.bits() - WindowBits::MIN_OUTBOUND.bits()) as usize + 1;

/// A message on its way to connections that agreed on different things. The first that needs a form makes it, on
/// whichever thread; the others share its bytes.
///
/// It costs 72 bytes beside the payload, and 400 more once a form was compressed.
///
/// ```
/// use tidegate_deflate::{Direction, Settings};
/// use tidegate_ws::{Broadcast, Compression, Prepared};
///
/// let all = Broadcast::new(Prepared::text("all hands on deck. ".repeat(20)));
/// let agreed = Compression { settings: Settings::new(), direction: Direction::stateless() };
/// let one = all.frame(Some(agreed));
/// let other = all.frame(Some(agreed));
/// assert!(one.is_compressed() && one.payload().as_ptr() == other.payload().as_ptr());
/// assert!(!all.frame(None).is_compressed());
/// ```
#[derive(Debug)]
pub struct Broadcast {
    plain: Prepared,
    deflated: OnceLock<Box<[OnceLock<Prepared>; WINDOWS]>>,
}

impl Broadcast {
    /// Compresses nothing yet.
    #[must_use]
    pub fn new(message: Prepared) -> Self {
        Self { plain: message, deflated: OnceLock::new() }
    }

    /// The message as it goes uncompressed.
    #[must_use]
    pub const fn plain(&self) -> &Prepared {
        &self.plain
    }

    /// The frame for a receiver to which this end compresses so; `None`: no compression was agreed. All calls have to be
    /// made with the same settings.
    ///
    /// A receiver with takeover can be sent this too: its own compressor forgets its context then.
    #[must_use]
    pub fn frame(&self, agreed: Option<Compression>) -> Prepared {
        let window = agreed.and_then(|agreed| {
            let bits = agreed.direction.window_bits.bits();
            Some((usize::from(bits.checked_sub(WindowBits::MIN_OUTBOUND.bits())?), agreed))
        });
        let Some((at, agreed)) = window else { return self.plain.clone().uncompressed() };
        match self.deflated.get_or_init(Box::default).get(at) {
            Some(form) => {
                form.get_or_init(|| self.plain.deflated(agreed.settings, agreed.direction)).clone()
            }
            None => self.plain.clone().uncompressed(),
        }
    }
}
