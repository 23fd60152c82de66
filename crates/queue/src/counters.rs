//! What an outbox has done since it was made. It does not know who asks.

use std::ops::AddAssign;

/// Totals of one outbox. `pushed` is always `popped + coalesced + shed` and what is inside. A message
/// that was refused as full was never pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages handed over: queued, merged into a waiting one, or shed at once.
    pub pushed: u64,
    /// Messages taken out, and those a dropped reader left inside.
    pub popped: u64,
    /// Messages merged into a waiting one.
    pub coalesced: u64,
    /// Messages dropped for want of room. None of them was critical.
    pub shed: u64,
    /// Critical messages that were queued although there was no ordinary room for them.
    pub critical_messages_preserved: u64,
    /// The same as `shed`, under the name by which it is exported.
    pub non_critical_messages_dropped: u64,
    /// Pushes that found no ordinary room, whatever became of them.
    pub overflow_events: u64,
}

/// The totals as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) pushed: u64,
    pub(crate) popped: u64,
    pub(crate) coalesced: u64,
    pub(crate) shed: u64,
    pub(crate) preserved: u64,
    pub(crate) overflows: u64,
    /// Coalescible messages shed that the reader has not yet been told of.
    pub(crate) untold: u64,
}

impl Tally {
    pub(crate) const fn counters(&self) -> Counters {
        Counters {
            pushed: self.pushed,
            popped: self.popped,
            coalesced: self.coalesced,
            shed: self.shed,
            critical_messages_preserved: self.preserved,
            non_critical_messages_dropped: self.shed,
            overflow_events: self.overflows,
        }
    }
}

impl AddAssign for Counters {
    /// Sums the counters of several outboxes.
    fn add_assign(&mut self, other: Self) {
        self.pushed += other.pushed;
        self.popped += other.popped;
        self.coalesced += other.coalesced;
        self.shed += other.shed;
        self.critical_messages_preserved += other.critical_messages_preserved;
        self.non_critical_messages_dropped += other.non_critical_messages_dropped;
        self.overflow_events += other.overflow_events;
    }
}
