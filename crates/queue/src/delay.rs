//! Messages for a later time. Time is Unix milliseconds and an argument; nothing here waits.

use crate::slab::{List, Place, Slab};
use crate::{Error, Refused};

/// One digit of a time: each level of the wheel has 64 slots.
const BITS: usize = 6;
const SLOTS: usize = 1 << BITS;
/// Eleven levels of six bits reach over all of `u64`.
const LEVELS: usize = 11;

/// Messages that are due later: a hierarchical timer wheel.
///
/// A level has 64 slots; a slot of level 0 is one millisecond, of level 1 it is 64 of them, and so on. A
/// message lies on the level of the highest digit in which its time differs from now, and moves down as
/// that time comes nearer: at most ten times. So scheduling and cancelling take constant time, whatever
/// is inside. Messages of one time leave in the order in which they were scheduled.
///
/// Empty it has about 6 KiB; a message adds itself and about 32 bytes. At a million of them it was measured
/// against a binary heap: see the README.
///
/// ```
/// use tidegate_queue::delay::Delayed;
///
/// let mut delayed = Delayed::new(1_000)?;
/// let now = 1_700_000_000_000;
/// let tea = delayed.schedule(now + 180_000, "tea").unwrap();
/// delayed.schedule(now + 5_000, "egg").unwrap();
/// assert_eq!(delayed.cancel(tea), Some("tea"));
/// assert_eq!(delayed.pop(now + 4_999), None);
/// assert_eq!(delayed.pop(now + 5_000), Some((now + 5_000, "egg")));
/// # Ok::<_, tidegate_queue::Error>(())
/// ```
#[derive(Debug)]
pub struct Delayed<T> {
    slab: Slab<Entry<T>>,
    wheel: Box<[Level; LEVELS]>,
    /// What is due: its time is not after `elapsed`.
    ready: List,
    /// Up to when everything is due.
    elapsed: u64,
    max_messages: usize,
}

#[derive(Debug)]
struct Entry<T> {
    at: u64,
    item: T,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// A bit for each slot that holds something.
    occupied: u64,
    slots: [List; SLOTS],
}

/// A scheduled message. It fits no other one, also not a later one in the same place (in four billion of
/// them).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(Place);

impl Id {
    /// As a number, to keep it elsewhere.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0.to_u64()
    }

    /// From the number that [`to_u64`](Self::to_u64) gave. Any other number is an id that fits nothing, or
    /// somebody else's.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(Place::from_u64(number))
    }
}

impl<T> Delayed<T> {
    /// Holds at most so many messages.
    ///
    /// # Errors
    /// [`Error::Zero`].
    pub fn new(max_messages: usize) -> Result<Self, Error> {
        if max_messages == 0 {
            return Err(Error::Zero { field: "max_messages" });
        }
        let level = Level { occupied: 0, slots: [List::default(); SLOTS] };
        Ok(Self {
            slab: Slab::default(),
            wheel: Box::new([level; LEVELS]),
            ready: List::default(),
            elapsed: 0,
            max_messages,
        })
    }

    /// Takes a message that is due at `at`, in Unix milliseconds; one whose time has passed is due at once.
    ///
    /// # Errors
    /// [`Refused`] with [`Error::Full`].
    pub fn schedule(&mut self, at: u64, item: T) -> Result<Id, Refused<T>> {
        let refused = |item| Refused { item, why: Error::Full };
        if self.slab.len() >= self.max_messages {
            return Err(refused(item));
        }
        let entry = Entry { at, item };
        let place = self.slab.insert(entry).map_err(|entry| refused(entry.item))?;
        self.enter(place, at);
        Ok(Id(place))
    }

    /// Takes a message out before its time. `None` if it has left already.
    pub fn cancel(&mut self, id: Id) -> Option<T> {
        let at = self.slab.get(id.0)?.at;
        match slot_of(self.elapsed, at) {
            None => self.slab.unlink(&mut self.ready, id.0),
            Some((level, slot)) => {
                // An entry lies where `slot_of` says as long as it lies there: `elapsed` never enters a
                // slot without moving what is in it.
                let level = self.wheel.get_mut(level)?;
                let list = level.slots.get_mut(slot)?;
                self.slab.unlink(list, id.0);
                if list.is_empty() {
                    level.occupied &= !(1 << slot);
                }
            }
        }
        self.slab.remove(id.0).map(|entry| entry.item)
    }

    /// Takes the next message out that is due at the time `now`, and says when it was. Earlier ones come
    /// first. A `now` before the last one counts as the last one.
    pub fn pop(&mut self, now: u64) -> Option<(u64, T)> {
        loop {
            if let Some(place) = self.slab.first(&self.ready) {
                self.slab.unlink(&mut self.ready, place);
                return self.slab.remove(place).map(|Entry { at, item }| (at, item));
            }
            match self.next_slot() {
                Some((level, slot, start)) if start <= now => {
                    self.elapsed = start;
                    self.turn(level, slot);
                }
                _ => {
                    self.elapsed = self.elapsed.max(now);
                    return None;
                }
            }
        }
    }

    /// Nothing is due before this time; `None` if nothing is inside. It may be earlier than the first
    /// message: then [`pop`](Self::pop) finds nothing at that time, and the next answer is later. That is
    /// so at most ten times.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        if !self.ready.is_empty() {
            return Some(self.elapsed);
        }
        self.next_slot().map(|(_, _, start)| start)
    }

    /// The number of messages inside.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether nothing is inside.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All messages with their times, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Id, u64, &T)> {
        self.slab.iter().map(|(place, entry)| (Id(place), entry.at, &entry.item))
    }

    fn enter(&mut self, place: Place, at: u64) {
        let Some((level, slot)) = slot_of(self.elapsed, at) else {
            return self.slab.append(&mut self.ready, place);
        };
        if let Some(level) = self.wheel.get_mut(level)
            && let Some(list) = level.slots.get_mut(slot)
        {
            level.occupied |= 1 << slot;
            self.slab.append(list, place);
        }
    }

    /// The slot that comes next, and its first millisecond. Everything on a level is before everything on
    /// the levels above, and within a level the slots come in order: no digit wraps around, since what is
    /// inside is later than `elapsed` and equal to it in all higher digits.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        let level = self.wheel.iter().position(|level| level.occupied != 0)?;
        let slot = self.wheel.get(level)?.occupied.trailing_zeros() as usize;
        let shift = level * BITS;
        // The digits above this level; the shift is 66 above the highest one.
        let above = u64::MAX.checked_shl((shift + BITS) as u32).unwrap_or(0);
        Some((level, slot, self.elapsed & above | (slot as u64) << shift))
    }

    /// Moves what is in a slot, into which `elapsed` has come, to where it lies now.
    fn turn(&mut self, level: usize, slot: usize) {
        let Some(level) = self.wheel.get_mut(level) else { return };
        let Some(list) = level.slots.get_mut(slot) else { return };
        let mut list = std::mem::take(list);
        level.occupied &= !(1 << slot);
        while let Some(place) = self.slab.first(&list) {
            self.slab.unlink(&mut list, place);
            let Some(at) = self.slab.get(place).map(|entry| entry.at) else { return };
            self.enter(place, at);
        }
    }
}

/// Level and slot of a time; `None` if it has come.
const fn slot_of(elapsed: u64, at: u64) -> Option<(usize, usize)> {
    if at <= elapsed {
        return None;
    }
    let level = (elapsed ^ at).ilog2() as usize / BITS;
    Some((level, (at >> (level * BITS)) as usize % SLOTS))
}
