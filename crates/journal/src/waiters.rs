//! Who waits for a seq of one log. Knows tickets and wakers, but neither entries nor locks.

use std::task::Waker;

/// The line of those who wait; 8 bytes while nobody does.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Option<Box<Line>>);

#[derive(Debug, Default)]
struct Line {
    next_ticket: u64,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    /// What is waited for: that this seq may be read.
    seq: u64,
    /// None once it was woken and until it is polled again.
    waker: Option<Waker>,
}

/// A place in the line. Its holder alone takes it out, so a number is never used while it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Waiters {
    /// Waits for a seq, with the ticket held or with a new one. Returns the waker that is replaced, to be dropped
    /// outside of the lock.
    pub(crate) fn wait(
        &mut self,
        ticket: &mut Option<Ticket>,
        seq: u64,
        waker: &Waker,
    ) -> Option<Waker> {
        let line = self.0.get_or_insert_default();
        let held = *ticket;
        if let Some(waiting) = line.waiting.iter_mut().find(|waiting| Some(waiting.ticket) == held)
        {
            waiting.seq = seq;
            return match &waiting.waker {
                Some(known) if known.will_wake(waker) => None,
                _ => waiting.waker.replace(waker.clone()),
            };
        }
        let new = Ticket(line.next_ticket);
        line.next_ticket = line.next_ticket.wrapping_add(1);
        line.waiting.push(Waiting { ticket: new, seq, waker: Some(waker.clone()) });
        *ticket = Some(new);
        None
    }

    /// Leaves the line.
    pub(crate) fn leave(&mut self, ticket: &mut Option<Ticket>) -> Option<Waker> {
        let ticket = ticket.take()?;
        let line = self.0.as_mut()?;
        let place = line.waiting.iter().position(|waiting| waiting.ticket == ticket)?;
        let left = line.waiting.swap_remove(place);
        if line.waiting.is_empty() {
            self.0 = None;
        }
        left.waker
    }

    /// Whom to wake because this seq, and all before it, may be read.
    #[inline]
    pub(crate) fn reached(&mut self, seq: u64) -> Vec<Waker> {
        match &mut self.0 {
            None => Vec::new(),
            Some(line) => line.take(|waiting| waiting.seq <= seq),
        }
    }

    /// Whom to wake because there is nothing to wait for any more.
    pub(crate) fn all(&mut self) -> Vec<Waker> {
        self.0.as_mut().map_or_else(Vec::new, |line| line.take(|_| true))
    }
}

impl Line {
    fn take(&mut self, which: impl Fn(&Waiting) -> bool) -> Vec<Waker> {
        let reached = self.waiting.iter_mut().filter(|waiting| which(waiting));
        reached.filter_map(|waiting| waiting.waker.take()).collect()
    }
}
