//! Four lanes in one sequence, the most urgent first. Knows places and keys, but neither limits nor classes.

use std::collections::VecDeque;
use std::ops::Range;

use crate::Item;
use crate::facts::{CRITICAL, Facts, HIGH, LOW, Lane, NORMAL};

/// A message that waits.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    pub(crate) facts: Facts,
    pub(crate) item: T,
}

/// What waits, in the order in which it leaves: lane 0 from the oldest to the newest, then lane 1, …
///
/// One buffer for all lanes keeps an empty outbox small and makes "behind" a matter of index alone. The
/// usual push is at the end of the sequence, the usual pop at its front; another costs a move of the
/// shorter side. What is in none of the three lanes that are counted is in the normal one.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    sequence: VecDeque<Slot<T>>,
    critical: u32,
    high: u32,
    low: u32,
    /// Messages that no batch delay applies to, critical ones among them.
    urgent: u32,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { sequence: VecDeque::new(), critical: 0, high: 0, low: 0, urgent: 0 }
    }
}

impl<T> Lanes<T> {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.sequence.len()
    }

    pub(crate) const fn holds_critical(&self) -> bool {
        self.critical > 0
    }

    pub(crate) const fn holds_urgent(&self) -> bool {
        self.urgent > 0
    }

    /// The places of a lane.
    pub(crate) fn range(&self, lane: Lane) -> Range<usize> {
        let critical = self.critical as usize;
        let high = critical + self.high as usize;
        let low = self.len() - self.low as usize;
        match lane {
            CRITICAL => 0..critical,
            HIGH => critical..high,
            NORMAL => high..low,
            _ => low..self.len(),
        }
    }

    fn lane_at(&self, index: usize) -> Lane {
        (CRITICAL..LOW).find(|lane| index < self.range(*lane).end).unwrap_or(LOW)
    }

    fn count(&mut self, lane: Lane) -> Option<&mut u32> {
        match lane {
            CRITICAL => Some(&mut self.critical),
            HIGH => Some(&mut self.high),
            LOW => Some(&mut self.low),
            _ => None,
        }
    }

    pub(crate) fn facts(&self, index: usize) -> Option<Facts> {
        self.sequence.get(index).map(|slot| slot.facts)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Slot<T>> {
        self.sequence.get(index)
    }

    /// Changes a message in its place.
    pub(crate) fn change<R>(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut Slot<T>) -> R,
    ) -> Option<R> {
        let slot = self.sequence.get_mut(index)?;
        self.urgent = self.urgent.saturating_sub(u32::from(slot.facts.is_urgent()));
        let changed = change(slot);
        self.urgent += u32::from(slot.facts.is_urgent());
        Some(changed)
    }

    /// Puts a message at the end of a lane.
    #[inline]
    pub(crate) fn push(&mut self, lane: Lane, slot: Slot<T>) {
        self.urgent += u32::from(slot.facts.is_urgent());
        if lane == NORMAL && self.low == 0 {
            self.sequence.push_back(slot);
        } else {
            self.insert(lane, self.range(lane).end, slot);
        }
    }

    #[inline(never)]
    fn insert(&mut self, lane: Lane, index: usize, slot: Slot<T>) {
        self.sequence.insert(index, slot);
        if let Some(count) = self.count(lane) {
            *count += 1;
        }
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Slot<T>> {
        let slot = self.sequence.pop_front()?;
        self.urgent = self.urgent.saturating_sub(u32::from(slot.facts.is_urgent()));
        if self.critical | self.high | self.low != 0 {
            self.popped_of_several();
        }
        Some(slot)
    }

    /// Counts a pop where not everything is in the normal lane.
    fn popped_of_several(&mut self) {
        if self.critical > 0 {
            self.critical -= 1;
        } else if self.high > 0 {
            self.high -= 1;
        } else if self.low as usize > self.sequence.len() {
            self.low -= 1;
        }
    }

    /// Takes all out, in order, and keeps the buffer.
    pub(crate) fn drain(&mut self, out: &mut Vec<T>) {
        (self.critical, self.high, self.low, self.urgent) = (0, 0, 0, 0);
        out.extend(self.sequence.drain(..).map(|slot| slot.item));
    }

    pub(crate) fn remove(&mut self, index: usize) -> Option<Slot<T>> {
        let lane = self.lane_at(index);
        let slot = self.sequence.remove(index)?;
        self.urgent = self.urgent.saturating_sub(u32::from(slot.facts.is_urgent()));
        if let Some(count) = self.count(lane) {
            *count -= 1;
        }
        Some(slot)
    }

    /// Puts a message that was removed from a place of a lane back there.
    pub(crate) fn put_back(&mut self, lane: Lane, index: usize, slot: Slot<T>) {
        self.urgent += u32::from(slot.facts.is_urgent());
        self.insert(lane, index.min(self.len()), slot);
    }

    /// Gives the buffer back, if nothing is inside.
    pub(crate) fn rest(&mut self) {
        if self.sequence.is_empty() {
            self.sequence = VecDeque::new();
        }
    }

    /// Takes all out, in order.
    #[cfg(feature = "tokio")]
    pub(crate) fn take(&mut self) -> VecDeque<Slot<T>> {
        std::mem::take(self).sequence
    }
}

impl<T: Item> Lanes<T> {
    /// The last message of an order key that stands before `end`, and its lane.
    pub(crate) fn last_of(&self, key: u64, end: usize) -> Option<(Lane, usize)> {
        let index = self.sequence.range(..end).rposition(|slot| slot.is_of(key))?;
        Some((self.lane_at(index), index))
    }

    /// The first message of an order key that stands at `start` or behind it, and its lane.
    pub(crate) fn first_of(&self, key: u64, start: usize) -> Option<(Lane, usize)> {
        let behind = self.sequence.range(start..).position(|slot| slot.is_of(key))?;
        Some((self.lane_at(start + behind), start + behind))
    }

    /// The last message in a lane that has no order key and merges by that key.
    pub(crate) fn last_merging(&self, key: u64, lane: Lane) -> Option<usize> {
        let Range { start, end } = self.range(lane);
        let merges =
            |slot: &Slot<T>| slot.facts.may_merge_by(key) && slot.item.merge_key() == Some(key);
        Some(start + self.sequence.range(start..end).rposition(merges)?)
    }

    /// Whether `holds` for every message of an order key at `start` or behind it.
    pub(crate) fn all_of(&self, key: u64, start: usize, holds: fn(Facts) -> bool) -> bool {
        let mut of_key = self.sequence.range(start..).filter(|slot| slot.is_of(key));
        of_key.all(|slot| holds(slot.facts))
    }
}

impl<T: Item> Slot<T> {
    #[inline]
    pub(crate) fn new(item: T) -> Self {
        Self { facts: Facts::of(&item), item }
    }

    fn is_of(&self, key: u64) -> bool {
        self.facts.may_have_order_key(key) && self.item.order_key() == Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Word(&'static str);

    impl Item for Word {
        fn class(&self) -> tidegate_message::Class {
            tidegate_message::Class::Coalescible
        }

        fn priority(&self) -> tidegate_message::Priority {
            tidegate_message::Priority::Normal
        }

        fn bytes(&self) -> usize {
            self.0.len()
        }
    }

    #[test]
    fn buffer_is_kept_until_a_rest_with_nothing_inside() {
        let mut lanes = Lanes::default();
        lanes.push(NORMAL, Slot::new(Word("a")));
        lanes.rest();
        assert_eq!(lanes.len(), 1);
        assert_eq!(lanes.pop().map(|slot| slot.item.0), Some("a"));
        assert!(lanes.sequence.capacity() > 0);
        lanes.rest();
        assert_eq!(lanes.sequence.capacity(), 0);
    }

    #[test]
    fn what_is_kept_of_a_message_has_eight_bytes() {
        assert_eq!(size_of::<Slot<Word>>(), size_of::<Word>() + 8);
    }
}
