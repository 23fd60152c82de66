//! Asking for a connection, and waiting for one in turn. Knows no runtime: a waker is all it needs.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use super::lanes::{Asked, Gift};
use super::lent::{Lent, Reuse, Vacancy};
use super::limits::Exhausted;

/// What a checkout gives.
#[derive(Debug)]
#[must_use = "what is dropped goes to the next who waits"]
pub enum Given<K: Hash + Eq + Clone, C> {
    /// A connection that was there.
    Lent(Lent<K, C>),
    /// A place, to make a connection.
    Vacancy(Vacancy<K, C>),
}

/// The future of [`Reuse::checkout`].
///
/// # Cancel safety
/// Dropping it gives up the turn; what had come to it goes to the next who waits.
#[must_use = "futures do nothing unless polled"]
pub struct Checkout<K: Hash + Eq + Clone, C, F> {
    reuse: Reuse<K, C>,
    key: K,
    now: Instant,
    is_fit: F,
    ticket: Option<u64>,
}

impl<K: Hash + Eq + Clone, C, F: FnMut(&mut C) -> bool> Checkout<K, C, F> {
    pub(super) fn new(reuse: Reuse<K, C>, key: K, now: Instant, is_fit: F) -> Self {
        Self { reuse, key, now, is_fit, ticket: None }
    }

    /// What there is for it, as soon as there is something. Wakers are cloned and dropped, and connections closed,
    /// where no lock is held: that is other people's code.
    fn poll_gift(&mut self, cx: &mut Context<'_>) -> Poll<Result<Gift<C>, Exhausted>> {
        let Self { reuse, key, now, ticket, .. } = self;
        if let Some(number) = *ticket {
            let mut waker = cx.waker().clone();
            let look = reuse.lanes(|lanes| lanes.look(key, number, &mut waker));
            return look.map_or(Poll::Pending, |gift| {
                *ticket = None;
                Poll::Ready(Ok(gift))
            });
        }
        let mut waker = None;
        loop {
            let mut dead = Vec::new();
            match reuse.lanes(|lanes| lanes.ask(key, *now, &mut waker, &mut dead))? {
                Asked::Gift(gift) => return Poll::Ready(Ok(gift)),
                Asked::Wait => waker = Some(cx.waker().clone()),
                Asked::Waiting(number) => {
                    *ticket = Some(number);
                    return Poll::Pending;
                }
            }
        }
    }

    /// A connection that is fit, or its place.
    fn fit(&mut self, mut gift: Gift<C>) -> Given<K, C> {
        let place = Vacancy::new(self.reuse.clone(), self.key.clone());
        while let Some(mut free) = gift {
            if (self.is_fit)(&mut free.connection) {
                return Given::Lent(place.lend(free));
            }
            drop(free);
            gift = self.reuse.lanes(|lanes| lanes.another(&self.key));
        }
        self.reuse.count_miss();
        Given::Vacancy(place)
    }
}

impl<K: Hash + Eq + Clone, C, F: FnMut(&mut C) -> bool> Future for Checkout<K, C, F> {
    type Output = Result<Given<K, C>, Exhausted>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.poll_gift(cx).map_ok(|gift| this.fit(gift))
    }
}

// Nothing in it is pinned.
impl<K: Hash + Eq + Clone, C, F> Unpin for Checkout<K, C, F> {}

impl<K: Hash + Eq + Clone, C, F> Drop for Checkout<K, C, F> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let (given, _waker) = self.reuse.lanes(|lanes| lanes.forget(&self.key, ticket));
        if let Some(gift) = given {
            let place = Vacancy::new(self.reuse.clone(), self.key.clone());
            if let Some(free) = gift {
                place.put(free, self.now);
            }
        }
    }
}

impl<K: Hash + Eq + Clone + fmt::Debug, C, F> fmt::Debug for Checkout<K, C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = self.ticket.is_some();
        f.debug_struct("Checkout")
            .field("key", &self.key)
            .field("waits", &waits)
            .finish_non_exhaustive()
    }
}
