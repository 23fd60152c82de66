//! One outbox between many writers and one reader: what the two sides share. It knows no timer.
//!
//! # Why no wake-up is lost
//! All that a decision to wait depends on (what is inside, who waits, whether the channel is closed) lies
//! under one mutex, and the waker is stored under the same hold of it in which the condition was found
//! false. So whoever makes the condition true comes later, and finds the waker:
//! - the reader waits for "something inside", "something new" or "closed": each accepted push and each close
//!   takes its waker;
//! - the first producer in the line waits for room: each pop, each departure of a first one, each push that
//!   evicted others and each close takes its waker. A producer waits only while the outbox holds something
//!   (a message that an empty outbox cannot take is refused at once), so a pop or a close is still to come.
//!
//! Wakers are called, and dropped, after the mutex is released. `tests/loom.rs` tries all interleavings.

use std::convert::Infallible;
use std::sync::PoisonError;
use std::task::Waker;

use crate::incoming::Terms;
use crate::limits::Room;
use crate::sync::{Arc, Mutex, MutexGuard};
use crate::waiting::{Ticket, Waiting};
use crate::{Item, Limits, Outbox, Overflow, Pushed, Receiver, Sender};

/// Why a message was not taken. It comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError<T> {
    /// There is no room. For a critical message this means that its reader is too slow to go on.
    #[error("the outbox is full")]
    Full(T),
    /// The channel was closed, or its reader is gone.
    #[error("the outbox is closed")]
    Closed(T),
}

impl<T> PushError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) => item,
        }
    }
}

/// What a push through a channel comes to: [`Pushed::Full`] is [`PushError::Full`] here.
pub(crate) type PushResult<T> = Result<Pushed<Infallible>, PushError<T>>;

/// Makes an outbox with a writers' and a reader's side. Empty, it takes 128 bytes.
///
/// ```
/// # use tidegate_message::{Class, Priority};
/// # use tidegate_queue::{Item, Limits, Pushed, channel};
/// # struct Chat(&'static str);
/// # impl Item for Chat {
/// #     fn class(&self) -> Class { Class::Coalescible }
/// #     fn priority(&self) -> Priority { Priority::Normal }
/// #     fn bytes(&self) -> usize { self.0.len() }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (sender, mut receiver) = channel(Limits::default());
/// assert!(matches!(sender.try_push(Chat("hi")), Ok(Pushed::Queued)));
/// drop(sender);
/// let mut batch = Vec::new();
/// while receiver.ready().await {
///     receiver.pop_batch(10, 4096, &mut batch);
/// }
/// assert_eq!(batch.len(), 1);
/// # }
/// ```
#[must_use]
pub fn channel<T: Item>(limits: Limits) -> (Sender<T>, Receiver<T>) {
    channel_with(limits, Overflow::Shed)
}

/// As [`channel`], with another policy than [`Overflow::Shed`].
#[must_use]
pub fn channel_with<T: Item>(limits: Limits, overflow: Overflow) -> (Sender<T>, Receiver<T>) {
    let mut outbox = Outbox::with_overflow(limits, overflow);
    outbox.marks.join();
    let shared = Arc::new(Shared { state: Mutex::new(State { outbox, reader: None }) });
    (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
}

pub(crate) struct Shared<T> {
    state: Mutex<State<T>>,
}

pub(crate) struct State<T> {
    pub(crate) outbox: Outbox<T>,
    pub(crate) reader: Option<Waker>,
}

impl<T> Shared<T> {
    /// A poisoned lock is taken as it is: the counts of an outbox saturate, so a message whose own code
    /// panicked can at worst leave them inexact.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.outbox.marks.close();
        let reader = state.reader.take();
        let writers = state.waiting().map_or_else(Vec::new, Waiting::wake_all);
        drop(state);
        reader.into_iter().chain(writers).for_each(Waker::wake);
    }
}

impl<T> Shared<T> {
    /// Leaves the line. If it was the turn of this one, it is now that of the next.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut state = self.lock();
        let writer = state.leave(ticket);
        drop(state);
        Wakes { reader: None, writer }.wake();
    }
}

impl<T> State<T> {
    #[inline]
    pub(crate) const fn is_closed(&self) -> bool {
        self.outbox.marks.is_closed()
    }

    /// Notes that something new is inside, and says whom to wake.
    #[inline]
    pub(crate) fn queued(&mut self) -> Option<Waker> {
        self.outbox.marks.freshen();
        self.reader.take()
    }

    /// The line of producers, if there ever was one.
    pub(crate) fn waiting(&mut self) -> Option<&mut Waiting> {
        self.outbox.extra.as_mut().map(|extra| &mut extra.waiting)
    }

    /// The room that those in the line ask for.
    #[inline]
    pub(crate) fn claimed(&self) -> Room {
        self.outbox.extra.as_ref().map_or(Room::default(), |extra| extra.waiting.claimed())
    }

    pub(crate) fn is_first(&self, ticket: Ticket) -> bool {
        self.outbox.extra.as_ref().is_some_and(|extra| extra.waiting.is_first(ticket))
    }

    /// Takes a place in the line, or renews the waker of one. Returns the waker that this replaces, to be
    /// dropped outside of the lock.
    pub(crate) fn wait(
        &mut self,
        ticket: &mut Option<Ticket>,
        bytes: usize,
        critical: bool,
        waker: &Waker,
    ) -> Option<Waker> {
        let waiting = &mut self.outbox.extra().waiting;
        if let Some(ticket) = *ticket {
            return waiting.renew(ticket, waker);
        }
        *ticket = Some(waiting.join(bytes, critical, waker.clone()));
        None
    }

    /// Leaves the line, and says whose turn it may be now.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        if let Some(waiting) = self.waiting() {
            waiting.leave(ticket);
        }
        self.wake_first()
    }

    /// Whom to wake because it may be the turn of the first producer.
    #[inline]
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        self.waiting().and_then(Waiting::wake_first)
    }
}

impl<T: Item> State<T> {
    /// Whether there is room for a message of each sender, and nobody waits for it.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn is_roomy(&self) -> bool {
        let Room { messages, bytes } = self.outbox.room();
        messages >= self.outbox.marks.senders() && bytes > 0 && self.claimed() == Room::default()
    }

    /// Pushes, and says whom to wake. A message that does not fit comes back.
    #[inline]
    pub(crate) fn push(&mut self, item: T, terms: Terms) -> (Result<Pushed<Infallible>, T>, Wakes) {
        let pushed = self.outbox.push_on(item, terms);
        self.concluded(pushed)
    }

    pub(crate) fn concluded(
        &mut self,
        pushed: Pushed<T>,
    ) -> (Result<Pushed<Infallible>, T>, Wakes) {
        let pushed = match pushed {
            Pushed::Queued => Pushed::Queued,
            Pushed::Coalesced => Pushed::Coalesced,
            Pushed::Shed { what } => Pushed::Shed { what },
            Pushed::Dropped => return (Ok(Pushed::Dropped), Wakes::default()),
            Pushed::Lagging { since } => return (Ok(Pushed::Lagging { since }), Wakes::default()),
            Pushed::Full(item) => return (Err(item), Wakes::default()),
        };
        let evicted = matches!(pushed, Pushed::Shed { .. });
        let writer = if evicted { self.wake_first() } else { None };
        (Ok(pushed), Wakes { reader: self.queued(), writer })
    }
}

/// Whom to wake once the lock is released.
#[derive(Default)]
pub(crate) struct Wakes {
    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
}

impl Wakes {
    #[inline]
    pub(crate) fn wake(self) {
        if let Some(waker) = self.reader {
            waker.wake();
        }
        if let Some(waker) = self.writer {
            waker.wake();
        }
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_empty_channel_takes_128_bytes() {
        let counts_of_the_arc = 2 * size_of::<usize>();
        assert_eq!(size_of::<Shared<[u8; 64]>>() + counts_of_the_arc, 128);
    }
}
