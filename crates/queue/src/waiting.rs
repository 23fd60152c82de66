//! The line of producers that wait for room. Knows tickets and wakers, but neither messages nor locks.

use std::collections::VecDeque;
use std::task::Waker;

use crate::limits::Room;

/// Who waits, in the order of their turn: critical messages first, then as they came.
///
/// Nothing is allocated while nobody waits.
#[derive(Default)]
pub(crate) struct Waiting(Option<Box<Line>>);

#[derive(Default)]
struct Line {
    waiters: VecDeque<Waiter>,
    next_ticket: u64,
    claimed_bytes: usize,
}

struct Waiter {
    ticket: Ticket,
    bytes: usize,
    critical: bool,
    /// None once it was woken and until it is polled again.
    waker: Option<Waker>,
}

/// A place in the line. Its holder alone takes it out, so a number is never used while it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Waiting {
    /// The room that those in the line ask for.
    pub(crate) fn claimed(&self) -> Room {
        self.0.as_ref().map_or(Room::default(), |line| Room {
            messages: line.waiters.len(),
            bytes: line.claimed_bytes,
        })
    }

    pub(crate) fn is_first(&self, ticket: Ticket) -> bool {
        self.0.as_ref().and_then(|line| line.waiters.front()).is_some_and(|w| w.ticket == ticket)
    }

    pub(crate) fn join(&mut self, bytes: usize, critical: bool, waker: Waker) -> Ticket {
        let line = self.0.get_or_insert_default();
        let ticket = Ticket(line.next_ticket);
        line.next_ticket += 1;
        line.claimed_bytes = line.claimed_bytes.saturating_add(bytes);
        let waiter = Waiter { ticket, bytes, critical, waker: Some(waker) };
        let place = match critical {
            true => line.waiters.partition_point(|waiter| waiter.critical),
            false => line.waiters.len(),
        };
        line.waiters.insert(place, waiter);
        ticket
    }

    /// Notes whom to wake when the turn of a ticket comes. Returns the waker that this replaces, to be
    /// dropped outside of the lock.
    pub(crate) fn renew(&mut self, ticket: Ticket, waker: &Waker) -> Option<Waker> {
        let line = self.0.as_mut()?;
        let waiter = line.waiters.iter_mut().find(|waiter| waiter.ticket == ticket)?;
        match &waiter.waker {
            Some(known) if known.will_wake(waker) => None,
            _ => waiter.waker.replace(waker.clone()),
        }
    }

    pub(crate) fn leave(&mut self, ticket: Ticket) {
        let Some(line) = self.0.as_mut() else { return };
        if let Some(place) = line.waiters.iter().position(|waiter| waiter.ticket == ticket)
            && let Some(waiter) = line.waiters.remove(place)
        {
            line.claimed_bytes = line.claimed_bytes.saturating_sub(waiter.bytes);
        }
        if line.waiters.is_empty() {
            self.0 = None;
        }
    }

    /// Whom to wake because it may be the turn of the first.
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        self.0.as_mut()?.waiters.front_mut()?.waker.take()
    }

    /// Whom to wake because the wait is over for all.
    pub(crate) fn wake_all(&mut self) -> Vec<Waker> {
        let waiters = self.0.iter_mut().flat_map(|line| line.waiters.iter_mut());
        waiters.filter_map(|waiter| waiter.waker.take()).collect()
    }
}
