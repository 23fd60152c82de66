//! How much an outbox holds, and what happens beyond. It does not know what is inside.

/// The bounds of an outbox. What is inside never exceeds the sum of a limit and its reserve, and only
/// critical messages add to it beyond the limit. Any number makes sense; what is above `u32::MAX` counts
/// as that, and so does the size of a message.
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

/// What becomes of messages that have an order key when there is no room for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// They come back as [`Pushed::Full`](crate::Pushed::Full): the outbox stands alone.
    #[default]
    Shed,
    /// Those with [positions](crate::Item::positions) stay in their log, and the caller reads on from there
    /// when there is room. See [`Outbox::refill`](crate::Outbox::refill).
    LeaveToLog,
}

/// Limits as an outbox keeps them: in 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    max_messages: u32,
    max_bytes: u32,
    /// With the reserve.
    ceiling_messages: u32,
    ceiling_bytes: u32,
}

impl Bounds {
    pub(crate) fn new(limits: Limits) -> Self {
        let clamp = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            max_messages: clamp(limits.max_messages),
            max_bytes: clamp(limits.max_bytes),
            ceiling_messages: clamp(limits.max_messages.saturating_add(limits.reserve_messages)),
            ceiling_bytes: clamp(limits.max_bytes.saturating_add(limits.reserve_bytes)),
        }
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits {
            max_messages: self.max_messages as usize,
            max_bytes: self.max_bytes as usize,
            reserve_messages: (self.ceiling_messages - self.max_messages) as usize,
            reserve_bytes: (self.ceiling_bytes - self.max_bytes) as usize,
        }
    }

    pub(crate) const fn max_bytes(&self) -> usize {
        self.max_bytes as usize
    }

    /// Whether a message fits without critical rights, beside so many messages and bytes.
    #[inline]
    pub(crate) const fn take_one_more(&self, messages: usize, bytes: u32, more: u32) -> bool {
        // Both numbers are below 2^32.
        messages < self.max_messages as usize && bytes as u64 + more as u64 <= self.max_bytes as u64
    }

    /// Whether so much is over three quarters of what fits without critical rights.
    #[inline]
    pub(crate) const fn is_high(&self, messages: usize, bytes: u32) -> bool {
        let (most, most_bytes) = (self.max_messages, self.max_bytes);
        messages > (most - most / 4) as usize || bytes > most_bytes - most_bytes / 4
    }

    /// What a message may fill the outbox up to.
    #[inline]
    pub(crate) const fn ceiling(&self, critical: bool) -> Room {
        if critical {
            Room { messages: self.ceiling_messages as usize, bytes: self.ceiling_bytes as usize }
        } else {
            Room { messages: self.max_messages as usize, bytes: self.max_bytes as usize }
        }
    }
}

/// An amount of messages and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Messages.
    pub messages: usize,
    /// Bytes, as [`Item::bytes`](crate::Item::bytes) counts them.
    pub bytes: usize,
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

    #[inline]
    pub(crate) const fn fits(self, ceiling: Self) -> bool {
        self.messages <= ceiling.messages && self.bytes <= ceiling.bytes
    }
}
