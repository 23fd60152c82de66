//! Users and their sessions. Most users have one, which costs no list. Knows sessions only as seats.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tidegate_message::UserId;

use crate::chunk::Chunk;
use crate::hash::NameHash;
use crate::roster::{Roster, Walk};
use crate::seat::Seat;
use crate::sync::Arc;

/// The users of one part.
#[derive(Debug)]
pub(crate) struct Users<H>(HashMap<UserId, Seats<H>, NameHash>);

/// The sessions of one user; never none.
#[derive(Debug)]
enum Seats<H> {
    One(Arc<Seat<H>>),
    /// Stamped by their generations.
    Many(Box<Roster<H>>),
}

impl<H> Users<H> {
    pub(crate) fn new(hash: NameHash) -> Self {
        Self(HashMap::with_hasher(hash))
    }

    /// How many sessions a user has.
    pub(crate) fn sessions_of(&self, user: &UserId) -> usize {
        self.0.get(user).map_or(0, Seats::len)
    }

    /// Each user and their number of sessions.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (UserId, usize)> {
        self.0.iter().map(|(user, seats)| (user.clone(), seats.len()))
    }

    pub(crate) fn insert(&mut self, seat: Arc<Seat<H>>) {
        match self.0.entry(seat.user.clone()) {
            Entry::Vacant(entry) => _ = entry.insert(Seats::One(seat)),
            Entry::Occupied(entry) => entry.into_mut().push(seat),
        }
    }

    pub(crate) fn remove(&mut self, seat: &Seat<H>) {
        if let Some(seats) = self.0.get_mut(&seat.user)
            && seats.remove(seat)
        {
            self.0.remove(&seat.user);
        }
    }

    /// Takes a user's next sessions into `chunk`. False when the walk is over.
    pub(crate) fn walk(
        &self,
        user: &UserId,
        walk: &mut Walk,
        wanted: impl Fn(&Seat<H>) -> bool,
        chunk: &mut Chunk<H>,
    ) -> bool {
        match self.0.get(user) {
            Some(Seats::One(seat)) => {
                // Of many who became one, this one may have been met already.
                if seat.id.generation() >= walk.next && wanted(seat) {
                    chunk.push(Arc::clone(seat));
                }
                false
            }
            Some(Seats::Many(roster)) => roster.walk(walk, wanted, chunk),
            None => false,
        }
    }
}

impl<H> Seats<H> {
    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(roster) => roster.len(),
        }
    }

    fn push(&mut self, seat: Arc<Seat<H>>) {
        if let Self::One(first) = self {
            let mut roster = Box::new(Roster::default());
            roster.insert(Arc::clone(first), 1, first.id.generation());
            *self = Self::Many(roster);
        }
        if let Self::Many(roster) = self {
            let stamp = seat.id.generation();
            roster.insert(seat, 1, stamp);
        }
    }

    /// Removes a session; true if none is left.
    fn remove(&mut self, seat: &Seat<H>) -> bool {
        let roster = match self {
            Self::One(one) => return one.id == seat.id,
            Self::Many(roster) => roster,
        };
        roster.remove(seat.id.generation());
        if roster.len() == 1
            && let Some(last) = roster.slots().iter().find_map(|slot| slot.seat().cloned())
        {
            *self = Self::One(last);
        }
        false
    }
}
