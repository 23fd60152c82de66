//! The writers' side of a channel. It knows no timer but that of a push with a time-out.

use std::fmt;
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::channel::{PushResult, Shared, State, Wakes};
use crate::facts::Facts;
use crate::incoming::Terms;
use crate::lanes::Slot;
use crate::pushing::Pushing;
use crate::sync::{Arc, MutexGuard};
use crate::{Counters, Fill, Item, PushError, Pushed};

/// How long a producer that has no other wish waits for room: 1 s.
pub const DEFAULT_PUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// A writers' side. When the last clone is dropped, the channel closes.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T: Item> Sender<T> {
    /// Pushes without waiting, as [`Outbox::push`](crate::Outbox::push) does. Room that producers in the
    /// line have asked for is left to them, but by critical messages.
    ///
    /// # Errors
    /// [`PushError::Full`] if the message is critical or has an order key, and does not fit;
    /// [`PushError::Closed`].
    #[inline]
    pub fn try_push(&self, item: T) -> PushResult<T> {
        self.push_now(item, false, |_| (), Waker::wake).0
    }

    /// The same for who pushes several messages to many readers in one go. The reader's wake-up is in the hands of the
    /// caller, who calls it soon: each reader may be woken once, when all are in. And it is said how full the outbox is
    /// after it; one that sheds for the message counts as low, for its reader is slow, and nobody should wait for it.
    ///
    /// # Errors
    /// As [`try_push`](Self::try_push).
    #[inline]
    pub fn try_push_waking(&self, item: T, wake: impl FnOnce(Waker)) -> (PushResult<T>, Fill) {
        let (pushed, is_high) = self.push_now(item, false, |state| state.outbox.is_high(), wake);
        let fill = match &pushed {
            Ok(Pushed::Queued) if is_high => Fill::High,
            _ => Fill::Low,
        };
        (pushed, fill)
    }

    /// Pushes, and waits up to `timeout` for room. While it may wait, nothing but droppable messages is
    /// shed for it, unless it is critical; a droppable message does not wait, nor does one that can be left to its
    /// log. Producers take turns as they came, those of critical messages first. Messages of one key are in
    /// order as their pushes end.
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

    /// Pushes, and looks at what is inside then, under the same hold of the lock; not if it is closed.
    #[inline]
    pub(crate) fn push_now<R: Default>(
        &self,
        item: T,
        patient: bool,
        look: impl FnOnce(&State<T>) -> R,
        wake: impl FnOnce(Waker),
    ) -> (PushResult<T>, R) {
        // What the message has to say is asked without the lock.
        let facts = Facts::of(&item);
        let mut state = self.shared.lock();
        if state.is_closed() {
            return (Err(PushError::Closed(item)), R::default());
        }
        if !state.outbox.takes_plainly(facts) {
            return push_among_others(state, Slot { facts, item }, patient, look, wake);
        }
        state.outbox.remember(facts.lane(), Slot { facts, item });
        let (reader, seen) = (state.queued(), look(&state));
        drop(state);
        if let Some(reader) = reader {
            wake(reader);
        }
        (Ok(Pushed::Queued), seen)
    }

    /// Whether a message of that size would now be queued, without anything being shed, and without
    /// critical rights.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        let state = self.shared.lock();
        !state.is_closed() && state.outbox.fits(bytes, false, state.claimed())
    }

    /// The number of messages inside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lock().outbox.len()
    }

    /// How full it is, whoever filled it.
    #[must_use]
    pub fn fill(&self) -> Fill {
        match self.shared.lock().outbox.is_high() {
            true => Fill::High,
            false => Fill::Low,
        }
    }

    /// Whether nothing is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the reader has had everything: nothing is inside or waits in a log, it was told of all that was shed, and
    /// the channel is open.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let state = self.shared.lock();
        !state.is_closed() && state.outbox.is_settled()
    }

    /// What the outbox has done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.lock().outbox.counters()
    }
}

#[inline(never)]
fn push_among_others<T: Item, R>(
    mut state: MutexGuard<'_, State<T>>,
    slot: Slot<T>,
    patient: bool,
    look: impl FnOnce(&State<T>) -> R,
    wake: impl FnOnce(Waker),
) -> (PushResult<T>, R) {
    let terms = Terms { patient, claimed: state.claimed(), ..Terms::default() };
    let pushed = state.outbox.push_among_others(slot, terms);
    let (pushed, Wakes { reader, writer }) = state.concluded(pushed);
    let seen = look(&state);
    drop(state);
    if let Some(reader) = reader {
        wake(reader);
    }
    if let Some(writer) = writer {
        writer.wake();
    }
    (pushed.map_err(PushError::Full), seen)
}

impl<T> Sender<T> {
    pub(crate) const fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// Refuses further messages. The reader still gets what is inside.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Whether the channel was closed, or its reader is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.lock().is_closed()
    }

    #[cfg(feature = "tower")]
    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.lock().outbox.marks.join();
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let is_last = state.outbox.marks.leave();
        drop(state);
        if is_last {
            self.shared.close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
