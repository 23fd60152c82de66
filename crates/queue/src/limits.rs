//! How much an outbox holds. It does not know what is inside.

/// The bounds of an outbox. What is inside never exceeds the sum of a limit and its reserve, and only
/// critical messages add to it beyond the limit.
///
/// ```
/// use tidegate_queue::Limits;
/// let limits = Limits { max_messages: 20, ..Limits::default() };
/// assert_eq!((limits.max_bytes, limits.reserve_messages), (1_048_576, 32));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Messages of any class. Default 100.
    pub max_messages: usize,
    /// Bytes of messages of any class, as [`Item::bytes`](crate::Item::bytes) counts them; also the
    /// largest message that is not critical, merged or not. Default 1 MiB.
    pub max_bytes: usize,
    /// Further messages, for critical ones alone. Default 32.
    pub reserve_messages: usize,
    /// Further bytes, for critical messages alone. Default 256 KiB.
    pub reserve_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_messages: 100,
            max_bytes: 1024 * 1024,
            reserve_messages: 32,
            reserve_bytes: 256 * 1024,
        }
    }
}

impl Limits {
    /// What a message may fill the outbox up to.
    pub(crate) const fn ceiling(&self, critical: bool) -> Room {
        if critical {
            Room {
                messages: self.max_messages.saturating_add(self.reserve_messages),
                bytes: self.max_bytes.saturating_add(self.reserve_bytes),
            }
        } else {
            Room { messages: self.max_messages, bytes: self.max_bytes }
        }
    }
}

/// An amount of messages and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Room {
    pub(crate) const fn one(bytes: usize) -> Self {
        Self { messages: 1, bytes }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_add(other.messages),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    pub(crate) const fn minus(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(other.messages),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    pub(crate) fn at_least(self, other: Self) -> Self {
        Self { messages: self.messages.max(other.messages), bytes: self.bytes.max(other.bytes) }
    }

    pub(crate) const fn fits(self, ceiling: Self) -> bool {
        self.messages <= ceiling.messages && self.bytes <= ceiling.bytes
    }
}
