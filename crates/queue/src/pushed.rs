//! What a push comes to.

/// What became of a pushed message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a message that did not fit comes back in it"]
pub enum Pushed<T> {
    /// It waits.
    Queued,
    /// It was merged into one that waits.
    Coalesced,
    /// It waits, or was merged, and others made room.
    Shed {
        /// Which; at least one.
        what: Evicted,
    },
    /// It was dropped itself, and counted.
    Dropped,
    /// It is not inside, nor will be anything of its log until what is there from `since` on was
    /// [refilled](crate::Outbox::refill). Only under [`Overflow::LeaveToLog`](crate::Overflow::LeaveToLog).
    Lagging {
        /// The first position that is to be read from the log.
        since: u64,
    },
    /// It is critical or has an order key, and does not fit. Nothing was dropped for it.
    Full(T),
}

impl<T> Pushed<T> {
    /// Whether the message is inside, alone or merged.
    #[must_use]
    pub const fn is_inside(&self) -> bool {
        matches!(self, Self::Queued | Self::Coalesced | Self::Shed { .. })
    }
}

/// How full an outbox is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// There is room.
    #[default]
    Low,
    /// Of the messages or bytes that it takes without critical rights, over three quarters are inside: whoever has more to
    /// push should let the reader run first.
    High,
}

/// How many messages made room, by what they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Droppable ones, dropped.
    pub droppable: u32,
    /// Coalescible ones without an order key, dropped.
    pub coalescible: u32,
    /// Sequenced ones, left to their logs; [`Outbox::lagging`](crate::Outbox::lagging) says which.
    pub left_to_log: u32,
}

impl Evicted {
    /// How many in all. Saturates.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.droppable.saturating_add(self.coalescible).saturating_add(self.left_to_log)
    }
}

/// A log of which something waits outside of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagging {
    /// Its order key.
    pub key: u64,
    /// The first position that is to be read from it.
    pub since: u64,
}
