//! What a client may agree to in `hello`, beside its sub-protocol.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

/// One feature that changes what is written to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Abbreviated keys and timestamps, marked `"_v":2`.
    Optimize,
    /// Several messages in one `batch`.
    Batch,
    /// Large payloads as gzip.
    Gzip,
    /// Large payloads as an lz4 block.
    Lz4,
    /// `{"type":"ping"}` beside the WebSocket ping.
    JsonPing,
}

impl Feature {
    /// Every feature, in the order in which `welcome` lists them.
    pub const ALL: [Self; 5] = [Self::Optimize, Self::Batch, Self::Gzip, Self::Lz4, Self::JsonPing];

    /// The feature's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Optimize => "optimize",
            Self::Batch => "batch",
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::JsonPing => "json_ping",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of features.
///
/// ```
/// use tidegate_session::{Feature, Features};
/// let allowed = Features::NONE.with(Feature::Batch).with(Feature::Gzip);
/// let agreed = allowed.asked(["gzip", "teleport", "optimize"]);
/// assert_eq!(agreed.names(), ["gzip"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u8);

impl Features {
    /// No feature: plain JSON, message by message.
    pub const NONE: Self = Self(0);

    /// Every feature.
    pub const ALL: Self = Self((1 << Feature::ALL.len()) - 1);

    /// The set with one more.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | feature.bit())
    }

    /// The set without a feature.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Self {
        Self(self.0 & !feature.bit())
    }

    /// Whether the set has a feature.
    #[must_use]
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    /// Those of this set that are in the other too.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those of this set that are asked for by name. Unknown names are passed over.
    #[must_use]
    pub fn asked<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut agreed = Self::NONE;
        for name in names {
            for feature in Feature::ALL {
                if feature.name() == name && self.has(feature) {
                    agreed = agreed.with(feature);
                }
            }
        }
        agreed
    }

    /// The names of the set's features.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        Feature::ALL.into_iter().filter(|feature| self.has(*feature)).map(Feature::name).collect()
    }
}

/// What one client has agreed to. Only its session changes it; whoever has a message for it reads it.
#[derive(Debug, Default)]
pub(crate) struct Agreed(AtomicU8);

impl Agreed {
    pub(crate) fn get(&self) -> Features {
        Features(self.0.load(Relaxed))
    }

    pub(crate) fn set(&self, features: Features) {
        self.0.store(features.0, Relaxed);
    }
}

/// Which features are in use at all: switched for all sessions at once, while they are in service.
///
/// What is switched off is no longer written, whatever was agreed, and comes back as agreed when it is switched on. A
/// client need not be told: each feature says what *may* come. What a client sends is read as agreed all the while.
#[derive(Debug)]
pub struct Switches {
    features: AtomicU8,
    deflate: AtomicBool,
}

impl Switches {
    /// Switches with these features on, and permessage-deflate where connections agreed to it.
    #[must_use]
    pub const fn new(on: Features) -> Self {
        Self { features: AtomicU8::new(on.0), deflate: AtomicBool::new(true) }
    }

    /// Whether permessage-deflate is used where a connection agreed to it. Off, every message goes uncompressed, which
    /// needs no agreement (RFC 7692, 6).
    #[must_use]
    pub fn deflate(&self) -> bool {
        self.deflate.load(Relaxed)
    }

    /// Switches permessage-deflate on or off.
    pub fn set_deflate(&self, on: bool) {
        self.deflate.store(on, Relaxed);
    }

    /// Leaves these features on, and no others.
    pub fn set(&self, on: Features) {
        self.features.store(on.0, Relaxed);
    }

    /// The features that are on.
    #[must_use]
    pub fn on(&self) -> Features {
        Features(self.features.load(Relaxed))
    }
}

impl Default for Switches {
    /// Everything is on.
    fn default() -> Self {
        Self::new(Features::ALL)
    }
}
