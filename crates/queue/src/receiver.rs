//! The reader's side of a channel. It has no timer and reads no clock.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::channel::{Shared, State};
use crate::limits::Room;
use crate::sync::{Arc, MutexGuard};
use crate::{Batcher, Counters, Flush, Item, Lagging, Outbox, PushError, Pushed};

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

    /// Waits for the next message; `None` when the channel is closed and empty.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it has taken nothing.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_take(cx, Outbox::pop)).await.flatten()
    }

    /// Waits until something is inside, and takes it out to the end of `out` as
    /// [`pop_batch`](Self::pop_batch) does: true; or the channel is closed and empty: false.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it has taken nothing.
    pub async fn next_batch(
        &mut self,
        max_messages: usize,
        max_bytes: usize,
        out: &mut Vec<T>,
    ) -> bool {
        let taken = poll_fn(|cx| {
            self.poll_take(cx, |outbox| outbox.pop_batch(max_messages, max_bytes, out))
        });
        taken.await.is_some()
    }

    /// Waits until something was pushed since the last [`decide`](Self::decide): true, or the channel is
    /// closed: false. This is what to wait for beside the timer of a [`Flush::At`].
    ///
    /// # Cancel safety
    /// Nothing is taken out, so it may be dropped and called again at any time.
    pub async fn changed(&mut self) -> bool {
        poll_fn(|cx| self.wait_for(cx, |state| state.outbox.marks.is_fresh())).await
    }

    /// What `batcher` decides at the time `now`. After a close there is nothing to wait for: what is
    /// inside is then due at once.
    pub fn decide(&self, batcher: &Batcher, now: Instant) -> Flush {
        let mut state = self.shared.lock();
        state.outbox.marks.decided();
        match batcher.decide(&state.outbox, now) {
            Flush::At(_) if state.is_closed() => Flush::Now,
            flush => flush,
        }
    }

    /// Takes the next message out, if there is one.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let mut state = self.shared.lock();
        let item = state.outbox.pop();
        let writer = state.wake_first();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        item
    }

    /// Takes messages out to the end of `out`, as [`Outbox::pop_batch`](crate::Outbox::pop_batch) does.
    pub fn pop_batch(&mut self, max_messages: usize, max_bytes: usize, out: &mut Vec<T>) {
        let mut state = self.shared.lock();
        state.outbox.pop_batch(max_messages, max_bytes, out);
        let writer = state.wake_first();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// Takes in what was read from a log that lags, as [`Outbox::refill`](crate::Outbox::refill) does.
    ///
    /// # Errors
    /// [`PushError::Full`] if the message is larger than the limits; [`PushError::Closed`].
    pub fn refill(&mut self, item: T) -> Result<Pushed<std::convert::Infallible>, PushError<T>> {
        let mut state = self.shared.lock();
        if state.is_closed() {
            return Err(PushError::Closed(item));
        }
        let pushed = state.outbox.refill(item);
        let (pushed, wakes) = state.concluded(pushed);
        drop(state);
        wakes.wake();
        pushed.map_err(PushError::Full)
    }

    /// The logs of which something waits outside, the longest behind first. Where none does, nothing is
    /// allocated.
    #[must_use]
    pub fn lagging(&self) -> Vec<Lagging> {
        self.shared.lock().outbox.lagging().collect()
    }

    /// Forgets that a log lags: nobody wants the rest of it.
    pub fn unfollow(&mut self, key: u64) {
        self.shared.lock().outbox.unfollow(key);
    }

    /// What more fits, beside what producers wait for.
    #[must_use]
    pub fn room(&self) -> Room {
        let state = self.shared.lock();
        state.outbox.room().minus(state.claimed())
    }

    /// How many coalescible messages were shed since this was last asked.
    #[must_use = "the count starts anew"]
    pub fn take_dropped(&mut self) -> u64 {
        self.shared.lock().outbox.take_dropped()
    }

    /// Gives the buffer back if nothing is inside, as [`Outbox::rest`](crate::Outbox::rest) does.
    pub fn rest(&mut self) {
        self.shared.lock().outbox.rest();
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

    /// Takes out what is inside, under the same hold of the lock in which that was found.
    fn poll_take<R>(
        &self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut Outbox<T>) -> R,
    ) -> Poll<Option<R>> {
        let mut state = self.shared.lock();
        if state.outbox.is_empty() {
            return wait(state, cx).map(|()| None);
        }
        let taken = take(&mut state.outbox);
        let writer = state.wake_first();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Poll::Ready(Some(taken))
    }

    fn wait_for(&self, cx: &mut Context<'_>, done: fn(&State<T>) -> bool) -> Poll<bool> {
        let state = self.shared.lock();
        if done(&state) {
            return Poll::Ready(true);
        }
        wait(state, cx).map(|()| false)
    }
}

/// Waits to be woken by a push or a close; ready if the channel is closed already.
pub(crate) fn wait<T>(mut state: MutexGuard<'_, State<T>>, cx: &Context<'_>) -> Poll<()> {
    if state.is_closed() {
        return Poll::Ready(());
    }
    let known = state.reader.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
    let replaced = if known { None } else { state.reader.replace(cx.waker().clone()) };
    drop(state);
    drop(replaced);
    Poll::Pending
}

impl<T> Receiver<T> {
    pub(crate) const fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.shared.lock()
    }

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
