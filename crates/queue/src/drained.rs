//! What a reader takes that also says when to come again: one hold of the lock where taking, asking what was shed
//! and waiting would be three.

use std::task::{Context, Poll};

use crate::receiver::wait;
use crate::{Item, Receiver};

/// What [`Receiver::poll_drain`] did beside taking messages out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what was shed is counted anew, and who is not called again has to come back"]
pub struct Drained {
    /// How many coalescible messages were shed since this, or [`Receiver::take_dropped`], was last asked.
    pub dropped: u64,
    /// Whether nothing is left inside. Then the task is woken by the next push or close; where something is left, it
    /// is not, and has to come back by itself.
    pub is_empty: bool,
}

impl<T: Item> Receiver<T> {
    /// Takes messages out to the end of `out`, as [`pop_batch`](Self::pop_batch) does; pending while there are none.
    /// After a close, with nothing inside, it is ready and takes nothing.
    pub fn poll_drain(
        &mut self,
        cx: &Context<'_>,
        max_messages: usize,
        max_bytes: usize,
        out: &mut Vec<T>,
    ) -> Poll<Drained> {
        let mut state = self.lock();
        if state.outbox.is_empty() {
            return wait(state, cx).map(|()| Drained { dropped: 0, is_empty: true });
        }
        state.outbox.pop_batch(max_messages, max_bytes, out);
        let writer = state.wake_first();
        let dropped = state.outbox.take_dropped();
        let is_empty = state.outbox.is_empty();
        if is_empty {
            // Ready if the channel is closed: then there is nothing to be woken for.
            let _ = wait(state, cx);
        } else {
            drop(state);
        }
        if let Some(writer) = writer {
            writer.wake();
        }
        Poll::Ready(Drained { dropped, is_empty })
    }
}
