//! One outbox between many writers and one reader. It knows no timer: waiting with one is in `pushing`.
//!
//! # Why no wake-up is lost
//! All that a decision to wait depends on (what is inside, who waits, whether the channel is closed) lies
//! under one mutex, and the waker is stored under the same hold of it in which the condition was found
//! false. So whoever makes the condition true comes later, and finds the waker:
//! - the reader waits for "something inside", "something new" or "closed": each accepted push and each close
//!   takes its waker;
//! - the first producer in the line waits for room: each pop, each departure of a first one, each push that
//!   shed others and each close takes its waker. A producer waits only while the outbox holds something (a
//!   message that an empty outbox cannot take is refused at once), so a pop or a close is still to come.
//!
//! Wakers are called, and dropped, after the mutex is released.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::outbox::Terms;
use crate::pushing::Pushing;
use crate::sync::{Arc, AtomicUsize, Mutex, MutexGuard, Ordering};
use crate::waiting::Waiting;
use crate::{Batcher, Counters, Flush, Item, Limits, Outbox, Pushed};

/// How long a producer that has no other wish waits for room: 1 s.
pub const DEFAULT_PUSH_TIMEOUT: Duration = Duration::from_secs(1);

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

/// Makes an outbox with a writers' and a reader's side.
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
    let state = State {
        outbox: Outbox::new(limits),
        reader: None,
        waiting: Waiting::default(),
        closed: false,
        fresh: false,
    };
    let shared = Arc::new(Shared { state: Mutex::new(state), senders: AtomicUsize::new(1) });
    (Sender { shared: Arc::clone(&shared) }, Receiver { shared })
}

pub(crate) struct Shared<T> {
    state: Mutex<State<T>>,
    senders: AtomicUsize,
}

pub(crate) struct State<T> {
    pub(crate) outbox: Outbox<T>,
    pub(crate) waiting: Waiting,
    reader: Option<Waker>,
    pub(crate) closed: bool,
    /// Whether something was accepted since the reader last decided.
    fresh: bool,
}

impl<T> Shared<T> {
    /// A poisoned lock is taken as it is: the counts of an outbox saturate, so a message whose own code
    /// panicked can at worst leave them inexact.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let (reader, writers) = (state.reader.take(), state.waiting.wake_all());
        drop(state);
        reader.into_iter().chain(writers).for_each(Waker::wake);
    }
}

impl<T: Item> State<T> {
    /// Pushes, and says whom to wake. A message that does not fit comes back.
    pub(crate) fn push(&mut self, item: T, terms: Terms) -> (Result<Pushed<Infallible>, T>, Wakes) {
        let pushed = match self.outbox.push_on(item, terms) {
            Pushed::Full(item) => return (Err(item), Wakes::default()),
            Pushed::Dropped => return (Ok(Pushed::Dropped), Wakes::default()),
            Pushed::Queued => Pushed::Queued,
            Pushed::Coalesced => Pushed::Coalesced,
            Pushed::Shed { dropped } => Pushed::Shed { dropped },
        };
        self.fresh = true;
        let shed = matches!(pushed, Pushed::Shed { .. });
        let writer = if shed { self.waiting.wake_first() } else { None };
        (Ok(pushed), Wakes { reader: self.reader.take(), writer })
    }
}

/// Whom to wake once the lock is released.
#[derive(Default)]
pub(crate) struct Wakes {
    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
}

impl Wakes {
    pub(crate) fn wake(self) {
        self.reader.into_iter().chain(self.writer).for_each(Waker::wake);
    }
}

/// A writers' side. When the last clone is dropped, the channel closes.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T: Item> Sender<T> {
    /// Pushes without waiting, as [`Outbox::push`] does. Room that producers in the line have asked for
    /// is left to them, but by critical messages.
    ///
    /// # Errors
    /// [`PushError::Full`] if the message is critical or has an order key, and does not fit;
    /// [`PushError::Closed`].
    pub fn try_push(&self, item: T) -> PushResult<T> {
        self.push_now(item, false)
    }

    /// Pushes, and waits up to `timeout` for room. While it may wait, nothing but droppable messages is
    /// shed for it, unless it is critical; a droppable message does not wait. Producers take turns as
    /// they came, those of critical messages first. Messages of one key are in order as their pushes end.
    ///
    /// # Errors
    /// [`PushError::Full`] if there was no room in time, or the message is larger than the limits;
    /// [`PushError::Closed`].
    ///
    /// # Cancel safety
    /// A push that is dropped before it is done has queued nothing, and gives its turn to the next.
    ///
    /// # Panics
    /// If it has to wait outside of a tokio runtime with time enabled.
    pub async fn push(&self, item: T, timeout: Duration) -> PushResult<T> {
        let mut pushing = Pushing::new(&self.shared, item);
        if let Poll::Ready(done) = pushing.attempt(None) {
            return done;
        }
        let waited = tokio::time::timeout(timeout, poll_fn(|cx| pushing.attempt(Some(cx)))).await;
        waited.unwrap_or_else(|_elapsed| Err(PushError::Full(pushing.give_up())))
    }

    /// Pushes, and waits as long as the reader lives: backpressure for a producer that can be slowed
    /// down. Otherwise as [`push`](Self::push).
    ///
    /// # Errors
    /// [`PushError::Full`] only if the message is larger than the limits; [`PushError::Closed`].
    ///
    /// # Cancel safety
    /// A push that is dropped before it is done has queued nothing, and gives its turn to the next.
    pub async fn push_wait(&self, item: T) -> PushResult<T> {
        let mut pushing = Pushing::new(&self.shared, item);
        poll_fn(|cx| pushing.attempt(Some(cx))).await
    }

    pub(crate) fn push_now(&self, item: T, patient: bool) -> PushResult<T> {
        let mut state = self.shared.lock();
        if state.closed {
            return Err(PushError::Closed(item));
        }
        let terms = Terms { patient, claimed: state.waiting.claimed(), ..Terms::default() };
        let (pushed, wakes) = state.push(item, terms);
        drop(state);
        wakes.wake();
        pushed.map_err(PushError::Full)
    }

    /// Whether a message of that size would now be queued, without anything being shed, and without
    /// critical rights.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        let state = self.shared.lock();
        !state.closed && state.outbox.fits(bytes, false, state.waiting.claimed())
    }

    /// The number of messages inside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lock().outbox.len()
    }

    /// Whether nothing is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the outbox has done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.lock().outbox.counters()
    }
}

impl<T> Sender<T> {
    /// Refuses further messages. The reader still gets what is inside.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Whether the channel was closed, or its reader is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    #[cfg(feature = "tower")]
    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Relaxed is enough: this sender keeps the count above zero meanwhile.
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // What senders did is ordered by the mutex, so the count needs to be no more than exact.
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// The reader's side. When it is dropped, the channel closes and what is inside is dropped.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
}

impl<T: Item> Receiver<T> {
    /// Waits until something is inside: true; or the channel is closed and empty: false.
    ///
    /// # Cancel safety
    /// Nothing is taken out, so it may be dropped and called again at any time.
    pub async fn ready(&mut self) -> bool {
        poll_fn(|cx| self.wait_for(cx, |state| !state.outbox.is_empty())).await
    }

    /// Waits until something was pushed since the last [`decide`](Self::decide): true, or the channel is
    /// closed: false. This is what to wait for beside the timer of a [`Flush::At`].
    ///
    /// # Cancel safety
    /// Nothing is taken out, so it may be dropped and called again at any time.
    pub async fn changed(&mut self) -> bool {
        poll_fn(|cx| self.wait_for(cx, |state| state.fresh)).await
    }

    /// What `batcher` decides at the time `now`. After a close there is nothing to wait for: what is
    /// inside is then due at once.
    pub fn decide(&self, batcher: &Batcher, now: Instant) -> Flush {
        let mut state = self.shared.lock();
        state.fresh = false;
        match batcher.decide(&state.outbox, now) {
            Flush::At(_) if state.closed => Flush::Now,
            flush => flush,
        }
    }

    /// Takes messages out to the end of `out`, as [`Outbox::pop_batch`] does.
    pub fn pop_batch(&mut self, max_messages: usize, max_bytes: usize, out: &mut Vec<T>) {
        let mut state = self.shared.lock();
        state.outbox.pop_batch(max_messages, max_bytes, out);
        let writer = state.waiting.wake_first();
        drop(state);
        Wakes { reader: None, writer }.wake();
    }

    /// How many coalescible messages were shed since this was last asked.
    #[must_use = "the count starts anew"]
    pub fn take_dropped(&mut self) -> u64 {
        self.shared.lock().outbox.take_dropped()
    }

    /// The number of messages inside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lock().outbox.len()
    }

    /// Whether nothing is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the outbox has done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.lock().outbox.counters()
    }

    fn wait_for(&self, cx: &mut Context<'_>, done: fn(&State<T>) -> bool) -> Poll<bool> {
        let mut state = self.shared.lock();
        if done(&state) {
            return Poll::Ready(true);
        }
        if state.closed {
            return Poll::Ready(false);
        }
        let known = state.reader.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        let replaced = if known { None } else { state.reader.replace(cx.waker().clone()) };
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> Receiver<T> {
    /// Refuses further messages. What is inside can still be taken out.
    pub fn close(&mut self) {
        self.shared.close();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.close();
        let left = self.shared.lock().outbox.abandon();
        // Messages are dropped without the lock: one may hold a sender of this very channel.
        drop(left);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_channel_is_small() {
        assert!(size_of::<Shared<[u8; 64]>>() <= 200);
    }
}
