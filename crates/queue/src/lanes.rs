//! Four lanes in one sequence, the most urgent first. Knows places and keys, but neither limits nor classes.

use std::collections::VecDeque;
use std::ops::Range;

use tidegate_message::Priority;

use crate::Item;
use crate::item::is_critical;

/// A lane: 0 is the most urgent.
pub(crate) type Lane = usize;

/// The lane a message takes when it is pushed.
pub(crate) fn lane_of<T: Item>(item: &T) -> Lane {
    match item.priority() {
        _ if is_critical(item) => 0,
        Priority::Critical => 0,
        Priority::High => 1,
        Priority::Normal => 2,
        Priority::Low => 3,
    }
}

/// What waits, in the order in which it leaves: lane 0 from the oldest to the newest, then lane 1, …
///
/// One buffer for all lanes keeps an empty outbox small and makes "behind" a matter of index alone. The
/// usual push is at the end of the sequence, the usual pop at its front; another costs a move of the
/// shorter side.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    sequence: VecDeque<T>,
    lengths: [u32; 4],
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { sequence: VecDeque::new(), lengths: [0; 4] }
    }
}

impl<T> Lanes<T> {
    pub(crate) fn len(&self) -> usize {
        self.sequence.len()
    }

    /// The places of a lane.
    pub(crate) fn range(&self, lane: Lane) -> Range<usize> {
        let until = |lane: Lane| self.lengths.iter().take(lane).map(|n| *n as usize).sum();
        until(lane)..until(lane + 1)
    }

    /// The lane of a place.
    fn lane_at(&self, index: usize) -> Lane {
        (0..self.lengths.len()).find(|lane| index < self.range(*lane).end).unwrap_or(0)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.sequence.get(index)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.sequence.get_mut(index)
    }

    /// Puts a message at the end of a lane.
    pub(crate) fn push(&mut self, lane: Lane, item: T) {
        self.sequence.insert(self.range(lane).end, item);
        self.resize(lane, 1);
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        self.remove(0)
    }

    pub(crate) fn remove(&mut self, index: usize) -> Option<T> {
        let lane = self.lane_at(index);
        let item = self.sequence.remove(index)?;
        self.resize(lane, -1);
        if self.sequence.is_empty() {
            self.sequence = VecDeque::new();
        }
        Some(item)
    }

    /// Puts a message that was removed from a place of a lane back there.
    pub(crate) fn put_back(&mut self, lane: Lane, index: usize, item: T) {
        self.sequence.insert(index.min(self.len()), item);
        self.resize(lane, 1);
    }

    /// Takes all out, in order.
    #[cfg(feature = "tokio")]
    pub(crate) fn take(&mut self) -> VecDeque<T> {
        std::mem::take(self).sequence
    }

    fn resize(&mut self, lane: Lane, by: i32) {
        if let Some(length) = self.lengths.get_mut(lane) {
            *length = length.saturating_add_signed(by);
        }
    }
}

impl<T: Item> Lanes<T> {
    /// The last message of a key that stands before `end`, and its lane.
    pub(crate) fn last_of(&self, key: u64, end: usize) -> Option<(Lane, usize)> {
        let index = self.sequence.range(..end).rposition(|item| item.order_key() == Some(key))?;
        Some((self.lane_at(index), index))
    }

    /// The first message of a key that stands at `start` or behind it, and its lane.
    pub(crate) fn first_of(&self, key: u64, start: usize) -> Option<(Lane, usize)> {
        let behind = self.sequence.range(start..).position(|item| item.order_key() == Some(key))?;
        Some((self.lane_at(start + behind), start + behind))
    }

    /// Takes out, in order, all messages of a key that wait in a less urgent lane than `lane`.
    pub(crate) fn take_below(&mut self, lane: Lane, key: u64) -> Vec<T> {
        let mut taken = Vec::new();
        let start = self.range(lane).end;
        let Some((_, first)) = self.first_of(key, start) else { return taken };
        let mut lane = self.lane_at(first);
        let mut left_in_lane = self.range(lane).end - first;
        let mut stay = VecDeque::new();
        for item in self.sequence.split_off(first) {
            while left_in_lane == 0 {
                lane += 1;
                left_in_lane = self.lengths.get(lane).map_or(usize::MAX, |n| *n as usize);
            }
            left_in_lane -= 1;
            if item.order_key() == Some(key) {
                self.resize(lane, -1);
                taken.push(item);
            } else {
                stay.push_back(item);
            }
        }
        self.sequence.append(&mut stay);
        taken
    }
}
