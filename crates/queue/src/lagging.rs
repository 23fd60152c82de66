//! Logs that are ahead of an outbox: what does not fit stays in its log, and the caller reads on from there.
//! Nothing here reads a log.

use crate::extra::Lag;
use crate::facts::Facts;
use crate::incoming::Terms;
use crate::lanes::Slot;
use crate::limits::Room;
use crate::outbox::Outbox;
use crate::{Evicted, Item, Lagging, Overflow, Pushed};

impl<T: Item> Outbox<T> {
    /// The logs of which something waits outside, and from where on they are to be read: the longest
    /// behind first.
    pub fn lagging(&self) -> impl Iterator<Item = Lagging> + '_ {
        self.lags().iter().map(|lag| Lagging { key: lag.key, since: lag.since })
    }

    /// Takes in what was read from a log that lags, in its order, beginning with `since` (or later, where
    /// the log itself has lost something). The log has caught up with the last message that a push was
    /// refused for, and then pushes take its messages again. A log that does not lag is pushed to.
    ///
    /// For [`Pushed::Lagging`] there is no room, or the message was there before: read on from `since` when
    /// there is [`room`](Self::room). Nothing is shed for a message that comes this way.
    ///
    /// ```
    /// # use std::ops::RangeInclusive;
    /// # use tidegate_message::{Class, Priority};
    /// use tidegate_queue::{Item, Lagging, Limits, Outbox, Overflow, Pushed};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct Entry(u64);
    /// impl Item for Entry {
    ///     # fn class(&self) -> Class { Class::Coalescible }
    ///     # fn priority(&self) -> Priority { Priority::Normal }
    ///     # fn bytes(&self) -> usize { 1 }
    ///     fn order_key(&self) -> Option<u64> { Some(7) }
    ///     fn positions(&self) -> Option<RangeInclusive<u64>> { Some(self.0..=self.0) }
    ///     // …
    /// }
    ///
    /// let limits = Limits { max_messages: 2, ..Limits::default() };
    /// let mut outbox = Outbox::with_overflow(limits, Overflow::LeaveToLog);
    /// let pushed: Vec<_> = (1..=4).map(|seq| outbox.push(Entry(seq))).collect();
    /// assert_eq!(pushed[1..], [Pushed::Queued, Pushed::Lagging { since: 3 }, Pushed::Lagging { since: 3 }]);
    /// assert_eq!((outbox.pop(), outbox.pop()), (Some(Entry(1)), Some(Entry(2))));
    ///
    /// // The reader has caught up with what was inside; now it reads the log.
    /// assert_eq!(outbox.push(Entry(5)), Pushed::Lagging { since: 3 });
    /// for seq in 3..=4 {
    ///     assert_eq!(outbox.refill(Entry(seq)), Pushed::Queued);
    /// }
    /// assert_eq!(outbox.lagging().next(), Some(Lagging { key: 7, since: 5 }));
    /// assert_eq!((outbox.pop(), outbox.refill(Entry(5))), (Some(Entry(3)), Pushed::Queued));
    /// assert_eq!((outbox.pop(), outbox.push(Entry(6))), (Some(Entry(4)), Pushed::Queued));
    /// ```
    pub fn refill(&mut self, item: T) -> Pushed<T> {
        let (Some(key), Some(positions)) = (item.order_key(), item.positions()) else {
            return self.push(item);
        };
        let Some(lag) = self.lag_of(key).copied() else { return self.push(item) };
        let slot = Slot::new(item);
        let (bytes, critical) = (slot.facts.bytes() as usize, slot.facts.is_critical());
        if !self.can_ever_fit(bytes, critical) {
            return Pushed::Full(slot.item);
        }
        if *positions.end() < lag.since || !self.fits(bytes, critical, Room::default()) {
            return Pushed::Lagging { since: lag.since };
        }
        self.advance(key, *positions.end());
        self.place(slot).into()
    }

    /// Forgets that a log lags: nobody wants the rest of it.
    pub fn unfollow(&mut self, key: u64) {
        if let Some(extra) = &mut self.extra {
            extra.lags.retain(|lag| lag.key != key);
        }
    }

    pub(crate) fn lags(&self) -> &[Lag] {
        self.extra.as_ref().map_or(&[], |extra| &extra.lags)
    }

    fn lag_of(&mut self, key: u64) -> Option<&mut Lag> {
        self.extra.as_mut()?.lags.iter_mut().find(|lag| lag.key == key)
    }

    /// Notes that a lagging log is inside up to a position.
    fn advance(&mut self, key: u64, end: u64) {
        let Some(extra) = &mut self.extra else { return };
        extra.lags.retain(|lag| lag.key != key || lag.latest > end);
        if let Some(lag) = self.lag_of(key) {
            lag.since = end.saturating_add(1);
        }
    }

    /// A message of a log that lags does not overtake what is outside: it stays there, too.
    pub(crate) fn behind_its_log(
        &mut self,
        slot: Slot<T>,
        terms: Terms,
    ) -> Result<Pushed<T>, Slot<T>> {
        if self.lags().is_empty() {
            return Err(slot);
        }
        let Some(lag) = slot.item.order_key().and_then(|key| self.lag_of(key)) else {
            return Err(slot);
        };
        let since = lag.since;
        if let Some(positions) = slot.item.positions() {
            lag.latest = lag.latest.max(*positions.end());
            self.extra().tally.overflows += u64::from(!terms.again);
            return Ok(Pushed::Lagging { since });
        }
        if slot.facts.is_droppable() {
            self.count_shed(slot.facts);
            return Ok(Pushed::Dropped);
        }
        Ok(Pushed::Full(slot.item))
    }

    /// Leaves a newcomer for which there is no room to its log, or gives it back.
    pub(crate) fn leave_newcomer(&mut self, slot: Slot<T>) -> Pushed<T> {
        let Slot { facts, item } = slot;
        let leaves = self.overflow() == Overflow::LeaveToLog
            && !facts.is_critical()
            && self.can_ever_fit(facts.bytes() as usize, false);
        match (leaves, item.order_key(), item.positions()) {
            (true, Some(key), Some(positions)) => {
                let (since, latest) = positions.into_inner();
                self.extra().lags.push(Lag { key, since, latest });
                Pushed::Lagging { since }
            }
            _ => Pushed::Full(item),
        }
    }

    /// Whether a message and all of its key behind it can be left to their log.
    pub(crate) fn may_be_left(&self, slot: &Slot<T>, index: usize) -> bool {
        let goes =
            |facts: Facts| !facts.is_critical() && (facts.is_sequenced() || facts.is_droppable());
        slot.facts.is_sequenced()
            && slot.item.order_key().is_some_and(|key| self.lanes.all_of(key, index, goes))
    }

    /// Leaves the message at `index` and all of its key behind it to their log.
    pub(crate) fn leave_from(&mut self, index: usize, what: &mut Evicted) {
        let Some(key) = self.lanes.get(index).and_then(|slot| slot.item.order_key()) else {
            return;
        };
        while let Some((_, next)) = self.lanes.first_of(key, index) {
            let Some(slot) = self.forget(next) else { return };
            let Some(positions) = slot.item.positions() else {
                self.count_shed(slot.facts);
                what.droppable = what.droppable.saturating_add(1);
                continue;
            };
            let (since, latest) = positions.into_inner();
            match self.lag_of(key) {
                Some(lag) => {
                    (lag.since, lag.latest) = (lag.since.min(since), lag.latest.max(latest));
                }
                None => self.extra().lags.push(Lag { key, since, latest }),
            }
            self.extra().tally.left += 1;
            what.left_to_log = what.left_to_log.saturating_add(1);
        }
    }
}
