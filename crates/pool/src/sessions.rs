//! One part of the sessions: the seats by id, what those that left have sent, and who is to be looked at when. Knows
//! no users and no groups.

use std::collections::HashMap;
use std::time::Duration;

use tidegate_message::SessionId;

use crate::Facts;
use crate::due::Due;
use crate::hash::IdHash;
use crate::seat::Seat;
use crate::stats::Tally;
use crate::sync::{Arc, Ordering::Relaxed};
use crate::time::Moment;

/// What is known of an id: the seat, and its facts beside it, which are asked for most and so are one step away.
#[derive(Debug)]
struct Found<H> {
    seat: Arc<Seat<H>>,
    facts: Arc<Facts>,
}

#[derive(Debug)]
pub(crate) struct Sessions<H> {
    seats: HashMap<SessionId, Found<H>, IdHash>,
    closed: Tally,
    /// By the second of the last activity that was known when the note was made.
    quiet: Due,
    /// By the second of the first ping without an answer.
    pinged: Due,
}

impl<H> Sessions<H> {
    pub(crate) fn new(hash: IdHash) -> Self {
        let seats = HashMap::with_hasher(hash);
        Self { seats, closed: Tally::default(), quiet: Due::default(), pinged: Due::default() }
    }

    pub(crate) fn find(&self, session: SessionId) -> Option<&Arc<Seat<H>>> {
        self.seats.get(&session).map(|found| &found.seat)
    }

    pub(crate) fn facts(&self, session: SessionId) -> Option<&Arc<Facts>> {
        self.seats.get(&session).map(|found| &found.facts)
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = &Arc<Seat<H>>> {
        self.seats.values().map(|found| &found.seat)
    }

    /// Bytes and connections of this part, those that left included.
    pub(crate) fn tally(&self) -> Tally {
        let mut all = self.closed;
        self.seats.values().for_each(|found| all.add(&found.facts.snapshot()));
        all
    }

    pub(crate) fn insert(&mut self, seat: Arc<Seat<H>>, second: u32) {
        let session = seat.id.session();
        seat.looked_at.store(second, Relaxed);
        self.quiet.push(second, session);
        let facts = Arc::clone(&seat.facts);
        self.seats.insert(session, Found { seat, facts });
    }

    pub(crate) fn remove(&mut self, seat: &Seat<H>) {
        let seats = &mut self.seats;
        seats.remove(&seat.id.session());
        self.closed.add(&seat.facts.snapshot());
        let holds = |second, session| {
            seats.get(&session).is_some_and(|found| found.seat.looked_at.load(Relaxed) == second)
        };
        self.quiet.tidy(seats.len(), holds);
        // A few hundred places in each part are kept for the next wave, but not what a peak has left.
        if seats.capacity() > 8 * seats.len() + 512 {
            seats.shrink_to(2 * seats.len());
        }
    }

    /// Counts a ping of a session, and notes it if the session owes no answer yet. False if it is not here.
    pub(crate) fn ping(&mut self, session: SessionId, at: Moment) -> bool {
        let seats = &self.seats;
        let Some(Found { seat, .. }) = seats.get(&session) else { return false };
        if seat.facts.pinged(at.now) {
            seat.pinged_at.store(at.second(), Relaxed);
            self.pinged.push(at.second(), session);
            let holds = |second, session| {
                seats
                    .get(&session)
                    .is_some_and(|found| found.seat.pinged_at.load(Relaxed) == second)
            };
            self.pinged.tidy(seats.len(), holds);
        }
        true
    }

    /// The sessions without activity for so long, that are in no group and follow no stream. Looks at those alone of
    /// whom it was not known: each at most once in `idle_after`.
    pub(crate) fn idle(&mut self, at: Moment, idle_after: Duration, found: &mut Vec<Arc<Seat<H>>>) {
        let Some(limit) = at.second_before(idle_after) else { return };
        let (mut again, mut last) = (Vec::new(), None);
        while let Some(note) = self.quiet.pop(limit) {
            let (second, session) = note;
            let Some(Found { seat, .. }) = self.seats.get(&session) else { continue };
            if last.replace(note) == Some(note) || seat.looked_at.load(Relaxed) != second {
                continue;
            }
            let idle_for = seat.facts.idle_for(at.now);
            let next = if seat.is_in_a_group() || seat.facts.following() > 0 {
                at.second()
            } else if idle_for >= idle_after {
                found.push(Arc::clone(seat));
                second
            } else {
                at.second_before(idle_for).unwrap_or(second)
            };
            seat.looked_at.store(next, Relaxed);
            again.push((next, session));
        }
        again.into_iter().for_each(|(second, session)| self.quiet.push(second, session));
    }

    /// The sessions that have left a ping unanswered for so long. Looks at each ping once.
    pub(crate) fn stale(&mut self, at: Moment, timeout: Duration, found: &mut Vec<Arc<Seat<H>>>) {
        let Some(limit) = at.second_before(timeout) else { return };
        let (mut again, mut last) = (Vec::new(), None);
        while let Some(note) = self.pinged.pop(limit) {
            let Some(Found { seat, .. }) = self.seats.get(&note.1) else { continue };
            if last.replace(note) == Some(note) || seat.pinged_at.load(Relaxed) != note.0 {
                continue;
            }
            let Some(silent) = seat.facts.unanswered_for(at.now) else { continue };
            if silent >= timeout {
                seat.facts.mark_stale();
                found.push(Arc::clone(seat));
            }
            again.push(note);
        }
        again.into_iter().for_each(|(second, session)| self.pinged.push(second, session));
    }
}
