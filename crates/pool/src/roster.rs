//! The sessions of one user or one group, in a row: quick to walk, and each is found and removed in
//! constant time. Knows nothing of locks.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_message::SessionId;

use crate::seat::Seat;

/// Up to this many are searched one by one, which costs no memory for an index.
const MAX_UNINDEXED: usize = 16;
/// An index is dropped below this many; lower than it is built at, so that one session does not toggle it.
const MIN_INDEXED: usize = 8;

#[derive(Debug)]
pub(crate) struct Slot<H> {
    pub(crate) seat: Arc<Seat<H>>,
    pub(crate) weight: u32,
}

#[derive(Debug)]
pub(crate) struct Roster<H> {
    slots: Vec<Slot<H>>,
    /// Where each session stands.
    #[expect(
        clippy::box_collection,
        reason = "few rosters have one: 8 bytes in each user's, not 48"
    )]
    index: Option<Box<HashMap<SessionId, usize>>>,
}

impl<H> Default for Roster<H> {
    fn default() -> Self {
        Self { slots: Vec::new(), index: None }
    }
}

impl<H> Roster<H> {
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn slots(&self) -> &[Slot<H>] {
        &self.slots
    }

    /// Adds a session that is not there yet.
    pub(crate) fn push(&mut self, seat: Arc<Seat<H>>, weight: u32) {
        debug_assert!(self.position(seat.session).is_none(), "a session stands in a roster once");
        if self.slots.is_empty() {
            self.slots.reserve_exact(1); // most users have one session; a vector would take room for four
        }
        let place = self.slots.len();
        if let Some(index) = &mut self.index {
            index.insert(seat.session, place);
        }
        self.slots.push(Slot { seat, weight });
        if self.index.is_none() && self.slots.len() > MAX_UNINDEXED {
            let places = self.slots.iter().enumerate().map(|(at, slot)| (slot.seat.session, at));
            self.index = Some(Box::new(places.collect()));
        }
    }

    /// Changes the weight of a session, if it is there.
    pub(crate) fn reweigh(&mut self, session: SessionId, weight: u32) {
        let place = self.position(session);
        if let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) {
            slot.weight = weight;
        }
    }

    /// Removes a session; the last one takes its place.
    pub(crate) fn remove(&mut self, session: SessionId) -> Option<Slot<H>> {
        let place = self.position(session)?;
        let slot = self.slots.swap_remove(place);
        if let Some(index) = &mut self.index {
            index.remove(&session);
            if let Some(moved) = self.slots.get(place) {
                index.insert(moved.seat.session, place);
            }
            if self.slots.len() < MIN_INDEXED {
                self.index = None;
                self.slots.shrink_to_fit();
            }
        }
        Some(slot)
    }

    fn position(&self, session: SessionId) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(&session).copied(),
            None => self.slots.iter().position(|slot| slot.seat.session == session),
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a seat has a time of connect, which nothing here reads"
)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;
    use tidegate_message::UserId;

    use super::*;
    use crate::Member;

    fn seat(number: u8) -> Arc<Seat<u8>> {
        let (session, user) = (SessionId::from_random([number; 12]), UserId::new("ann").unwrap());
        let member = Member { session, user, weight: 1, now: Instant::now(), at_ms: 0 };
        Arc::new(Seat::new(member, number))
    }

    proptest! {
        #[test]
        fn finds_who_is_there_whether_indexed_or_not(numbers in prop::collection::vec(0_u8..40, 0..300)) {
            let (mut roster, mut model) = (Roster::default(), Vec::new());
            for number in numbers {
                // A number that is there leaves, one that is not comes.
                if let Some(place) = model.iter().position(|&other| other == number) {
                    model.swap_remove(place);
                    let slot = roster.remove(SessionId::from_random([number; 12]));
                    prop_assert_eq!(slot.map(|slot| slot.seat.handle), Some(number));
                } else {
                    model.push(number);
                    roster.push(seat(number), 1);
                }
                let there: Vec<u8> = roster.slots().iter().map(|slot| slot.seat.handle).collect();
                prop_assert_eq!(&there, &model);
                prop_assert!(roster.index.is_some() || roster.len() <= MAX_UNINDEXED);
                prop_assert!(roster.index.is_none() || roster.len() >= MIN_INDEXED);
            }
            prop_assert!(roster.remove(SessionId::from_random([99; 12])).is_none());
        }
    }
}
