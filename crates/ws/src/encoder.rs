//! Frames as one connection sends them: compressed where agreed, masked in the client role. It knows no socket and
//! no order.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use crate::deflate::{Compressing, Compression};
use crate::limits::Role;
use crate::mask::Key;
use crate::prepared::Prepared;

/// Makes frames ready for the wire, for one connection.
///
/// A server without compression needs none: [`Prepared`] is what it sends.
///
/// ```
/// use tidegate_ws::{Encoder, Prepared, Role};
/// let mut encoder = Encoder::new(Role::Client).mask_keys(|| [0x37, 0xfa, 0x21, 0x3d]);
/// let frame = encoder.encode(Prepared::text("Hello"));
/// assert_eq!(&frame.to_bytes()[..6], &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
/// ```
#[derive(Debug)]
pub struct Encoder {
    /// The client role's source of mask keys; `None` for a server.
    keys: Option<Box<Keys>>,
    compressing: Option<Box<Compressing>>,
}

impl Encoder {
    /// An encoder without compression. In the client role mask keys come from the standard library's randomly keyed
    /// hash, unless [`mask_keys`](Self::mask_keys) gives another source.
    #[must_use]
    pub fn new(role: Role) -> Self {
        let keys = (role == Role::Client).then(|| Box::new(Keys::default()));
        Self { keys, compressing: None }
    }

    /// Replaces the source of mask keys. Each must be unpredictable (RFC 6455, 5.3). No effect on a server.
    #[must_use]
    pub fn mask_keys(mut self, source: impl FnMut() -> [u8; 4] + Send + Sync + 'static) -> Self {
        if self.keys.is_some() {
            self.keys = Some(Box::new(Keys::Given(Box::new(source))));
        }
        self
    }

    /// Compresses as [`Agreed`](crate::Agreed).
    #[must_use]
    pub fn compressing(mut self, compressing: Compressing) -> Self {
        self.compressing = Some(Box::new(compressing));
        self
    }

    /// How this end compresses, if that was agreed: for [`Prepared::deflated`] and
    /// [`Broadcast::frame`](crate::Broadcast::frame).
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        self.compressing.as_ref().map(|compressing| compressing.compression())
    }

    /// Whether this is a client.
    #[cfg(feature = "tokio")]
    pub(crate) const fn is_client(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether frames go to this peer as they are: nothing is compressed or masked.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) const fn changes_nothing(&self) -> bool {
        self.compressing.is_none() && self.keys.is_none()
    }

    /// The frame as it goes to this peer: its [`header`](Prepared::header) (empty if it is masked) and its
    /// [`payload`](Prepared::payload). Under takeover every frame has to be sent, in the order of the calls.
    #[must_use]
    #[inline]
    pub fn encode(&mut self, frame: Prepared) -> Prepared {
        let frame = match &mut self.compressing {
            None => frame,
            Some(compressing) => compressing.frame(frame),
        };
        match &mut self.keys {
            None => frame,
            Some(keys) => frame.into_masked(keys.next()),
        }
    }
}

/// Where a client's mask keys come from.
enum Keys {
    /// SipHash of a counter, under a key that the standard library draws from the system.
    Hashed(RandomState, u64),
    Given(Box<dyn FnMut() -> Key + Send + Sync>),
}

impl Default for Keys {
    fn default() -> Self {
        Self::Hashed(RandomState::new(), 0)
    }
}

impl Keys {
    fn next(&mut self) -> Key {
        match self {
            Self::Hashed(state, counter) => {
                *counter += 1;
                (state.hash_one(*counter) as u32).to_ne_bytes()
            }
            Self::Given(source) => source(),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}
