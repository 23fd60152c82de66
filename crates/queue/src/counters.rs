//! What an outbox has done since it was made. It does not know who asks.

use std::ops::AddAssign;

/// Totals of one outbox. `pushed` is always `popped + coalesced + shed + left_to_log` and what is inside. A
/// message that was refused as full, or is read from its log instead, was never pushed. All sums saturate.
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
    /// Those of `shed` that were droppable.
    pub shed_droppable: u64,
    /// Those of `shed` that were coalescible.
    pub shed_coalescible: u64,
    /// Messages that waited and were left to their log for want of room; what comes in their place from
    /// the log is pushed once more.
    pub left_to_log: u64,
    /// Critical messages that were queued although there was no ordinary room for them.
    pub critical_messages_preserved: u64,
    /// The same as `shed`, under the name by which it is exported.
    pub non_critical_messages_dropped: u64,
    /// Pushes that found no ordinary room, whatever became of them.
    pub overflow_events: u64,
}

/// The totals of what does not happen with each message.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) coalesced: u64,
    pub(crate) shed_droppable: u64,
    pub(crate) shed_coalescible: u64,
    pub(crate) left: u64,
    pub(crate) preserved: u64,
    pub(crate) overflows: u64,
    /// Coalescible messages shed that the reader has not yet been told of.
    pub(crate) untold: u64,
}

impl Tally {
    pub(crate) const fn counters(&self, popped: u64, inside: u64) -> Counters {
        let shed = self.shed_droppable.saturating_add(self.shed_coalescible);
        let gone = popped.saturating_add(self.coalesced).saturating_add(shed);
        Counters {
            pushed: gone.saturating_add(self.left).saturating_add(inside),
            popped,
            coalesced: self.coalesced,
            shed,
            shed_droppable: self.shed_droppable,
            shed_coalescible: self.shed_coalescible,
            left_to_log: self.left,
            critical_messages_preserved: self.preserved,
            non_critical_messages_dropped: shed,
            overflow_events: self.overflows,
        }
    }
}

impl AddAssign for Counters {
    /// Sums the counters of several outboxes.
    fn add_assign(&mut self, other: Self) {
        let add = |mine: &mut u64, theirs: u64| *mine = mine.saturating_add(theirs);
        add(&mut self.pushed, other.pushed);
        add(&mut self.popped, other.popped);
        add(&mut self.coalesced, other.coalesced);
        add(&mut self.shed, other.shed);
        add(&mut self.shed_droppable, other.shed_droppable);
        add(&mut self.shed_coalescible, other.shed_coalescible);
        add(&mut self.left_to_log, other.left_to_log);
        add(&mut self.critical_messages_preserved, other.critical_messages_preserved);
        add(&mut self.non_critical_messages_dropped, other.non_critical_messages_dropped);
        add(&mut self.overflow_events, other.overflow_events);
    }
}
