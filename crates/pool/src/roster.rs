//! The sessions of one user or one group, in the order in which they came. Each has a stamp that grows from
//! place to place and never changes, so that a walk can stop, let go of the lock, and go on where it was,
//! whoever came or left meanwhile. Knows nothing of locks.

use crate::chunk::Chunk;
use crate::seat::Seat;
use crate::sync::Arc;

/// A walk looks at so many places before it lets go of the lock.
const MAX_STEPS: usize = 256;
/// So many holes more than sessions are left in a list, so that short ones are not moved about.
const SPARE: usize = 16;
const WEIGHT_BITS: u32 = 10;

/// A place: who sits there, and a stamp with a weight in its lowest bits. Sixteen bytes.
#[derive(Debug)]
pub(crate) struct Slot<H> {
    seat: Option<Arc<Seat<H>>>,
    mark: u64,
}

impl<H> Slot<H> {
    /// Who sits there; `None` if they left.
    pub(crate) fn seat(&self) -> Option<&Arc<Seat<H>>> {
        self.seat.as_ref()
    }

    pub(crate) fn weight(&self) -> u32 {
        (self.mark & ((1 << WEIGHT_BITS) - 1)) as u32
    }

    pub(crate) fn stamp(&self) -> u64 {
        self.mark >> WEIGHT_BITS
    }
}

#[derive(Debug)]
pub(crate) struct Roster<H> {
    /// Sorted by stamp, with holes where somebody left.
    slots: Vec<Slot<H>>,
    live: usize,
    next_stamp: u64,
}

impl<H> Default for Roster<H> {
    fn default() -> Self {
        Self { slots: Vec::new(), live: 0, next_stamp: 0 }
    }
}

/// How far a walk has come: it goes on at a stamp, and ends before those who came after it began.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) next: u64,
    pub(crate) end: Option<u64>,
}

impl<H> Roster<H> {
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// All places, holes included.
    pub(crate) fn slots(&self) -> &[Slot<H>] {
        &self.slots
    }

    /// Adds a session at the end; its stamp is returned. 2⁵⁴ of them are not used up.
    pub(crate) fn push(&mut self, seat: Arc<Seat<H>>, weight: u32) -> u64 {
        let stamp = self.next_stamp;
        self.insert(seat, weight, stamp);
        stamp
    }

    /// Adds a session under a stamp that nobody here has or had. It is nearly always the largest.
    pub(crate) fn insert(&mut self, seat: Arc<Seat<H>>, weight: u32, stamp: u64) {
        let slot = Slot { seat: Some(seat), mark: (stamp << WEIGHT_BITS) | u64::from(weight) };
        self.slots.insert(self.place(stamp), slot);
        self.live += 1;
        self.next_stamp = self.next_stamp.max(stamp + 1);
    }

    /// Changes the weight of a session, if it is there.
    pub(crate) fn reweigh(&mut self, stamp: u64, weight: u32) {
        let place = self.place(stamp);
        if let Some(slot) = self.slots.get_mut(place).filter(|slot| slot.stamp() == stamp) {
            slot.mark = (stamp << WEIGHT_BITS) | u64::from(weight);
        }
    }

    /// Removes a session. Holes are closed when there are more of them than sessions, so that the work of
    /// closing them is a constant per removal.
    pub(crate) fn remove(&mut self, stamp: u64) -> Option<Arc<Seat<H>>> {
        let place = self.place(stamp);
        let slot = self.slots.get_mut(place).filter(|slot| slot.stamp() == stamp)?;
        let seat = slot.seat.take()?;
        self.live -= 1;
        while self.slots.pop_if(|slot| slot.seat.is_none()).is_some() {}
        if self.slots.len() > 2 * self.live + SPARE {
            self.slots.retain(|slot| slot.seat.is_some());
        }
        if self.slots.capacity() > 4 * self.slots.len() + SPARE {
            self.slots.shrink_to(2 * self.slots.len());
        }
        Some(seat)
    }

    /// Takes those who are wanted into `chunk`, until it is full or enough was looked at. False when the walk is
    /// over.
    pub(crate) fn walk(
        &self,
        walk: &mut Walk,
        wanted: impl Fn(&Seat<H>) -> bool,
        chunk: &mut Chunk<H>,
    ) -> bool {
        let end = *walk.end.get_or_insert(self.next_stamp);
        let from = self.place(walk.next);
        for slot in self.slots.iter().skip(from).take(MAX_STEPS) {
            if slot.stamp() >= end {
                return false;
            }
            if chunk.is_full() {
                return true;
            }
            walk.next = slot.stamp() + 1;
            if let Some(seat) = slot.seat.as_ref().filter(|seat| wanted(seat)) {
                chunk.push(Arc::clone(seat));
            }
        }
        self.slots.len() > from + MAX_STEPS
    }

    /// The first place with this stamp or a later one.
    pub(crate) fn place(&self, stamp: u64) -> usize {
        match self.slots.last() {
            Some(last) if last.stamp() >= stamp => {
                self.slots.partition_point(|slot| slot.stamp() < stamp)
            }
            _ => self.slots.len(),
        }
    }
}
