//! The line of producers that wait for room. Knows tickets and wakers, but neither messages nor locks.

use std::collections::VecDeque;
use std::task::Waker;

use crate::limits::Room;

/// Who waits, in the order of their turn: critical messages first, then as they came.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    waiters: VecDeque<Waiter>,
    next_ticket: u64,
    claimed_bytes: usize,
}

#[derive(Debug)]
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
    #[inline]
    pub(crate) fn claimed(&self) -> Room {
        Room { messages: self.waiters.len(), bytes: self.claimed_bytes }
    }

    pub(crate) fn is_first(&self, ticket: Ticket) -> bool {
        self.waiters.front().is_some_and(|waiter| waiter.ticket == ticket)
    }

    pub(crate) fn join(&mut self, bytes: usize, critical: bool, waker: Waker) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket = self.next_ticket.wrapping_add(1);
        self.claimed_bytes = self.claimed_bytes.saturating_add(bytes);
        let waiter = Waiter { ticket, bytes, critical, waker: Some(waker) };
        let place = match critical {
            true => self.waiters.partition_point(|waiter| waiter.critical),
            false => self.waiters.len(),
        };
        self.waiters.insert(place, waiter);
        ticket
    }

    /// Notes whom to wake when the turn of a ticket comes. Returns the waker that this replaces, to be
    /// dropped outside of the lock.
    pub(crate) fn renew(&mut self, ticket: Ticket, waker: &Waker) -> Option<Waker> {
        let waiter = self.waiters.iter_mut().find(|waiter| waiter.ticket == ticket)?;
        match &waiter.waker {
            Some(known) if known.will_wake(waker) => None,
            _ => waiter.waker.replace(waker.clone()),
        }
    }

    pub(crate) fn leave(&mut self, ticket: Ticket) {
        let place = self.waiters.iter().position(|waiter| waiter.ticket == ticket);
        let waiter = place.and_then(|place| self.waiters.remove(place));
        let bytes = waiter.map_or(0, |waiter| waiter.bytes);
        // Sums that saturated are not to be trusted; those of an empty line are known.
        self.claimed_bytes = match self.waiters.is_empty() {
            true => 0,
            false => self.claimed_bytes.saturating_sub(bytes),
        };
    }

    /// Whom to wake because it may be the turn of the first.
    #[inline]
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        self.waiters.front_mut()?.waker.take()
    }

    /// Whom to wake because the wait is over for all.
    pub(crate) fn wake_all(&mut self) -> Vec<Waker> {
        self.waiters.iter_mut().filter_map(|waiter| waiter.waker.take()).collect()
    }
}
