//! One push that may wait for its turn. It has no timer: who waits with one polls it beside one.

use std::task::{Context, Poll};

use crate::channel::{PushResult, Shared, State};
use crate::facts::Facts;
use crate::incoming::Terms;
use crate::lanes::Slot;
use crate::limits::Room;
use crate::sync::MutexGuard;
use crate::waiting::Ticket;
use crate::{Item, PushError, Pushed};

/// A message on its way in. Until it is in, it lies here, so that dropping this queues nothing.
pub(crate) struct Pushing<'a, T> {
    shared: &'a Shared<T>,
    /// None once the push is done.
    item: Option<T>,
    ticket: Option<Ticket>,
    tried: bool,
}

impl<'a, T: Item> Pushing<'a, T> {
    pub(crate) const fn new(shared: &'a Shared<T>, item: T) -> Self {
        Self { shared, item: Some(item), ticket: None, tried: false }
    }

    /// Pushes if it can; else takes a place in the line if there is a context to be woken by.
    #[inline]
    pub(crate) fn attempt(&mut self, cx: Option<&mut Context<'_>>) -> Poll<PushResult<T>> {
        let Some(item) = self.item.take() else { return Poll::Pending };
        let facts = Facts::of(&item);
        let mut state = self.shared.lock();
        if state.is_closed() {
            return Poll::Ready(Err(PushError::Closed(item)));
        }
        if state.outbox.takes_plainly(facts) {
            state.outbox.remember(facts.lane(), Slot { facts, item });
            let reader = state.queued();
            drop(state);
            if let Some(reader) = reader {
                reader.wake();
            }
            return Poll::Ready(Ok(Pushed::Queued));
        }
        self.attempt_among_others(item, facts, state, cx)
    }

    /// The attempt where others wait, or the message has to do with others.
    #[inline(never)]
    fn attempt_among_others(
        &mut self,
        item: T,
        facts: Facts,
        mut state: MutexGuard<'_, State<T>>,
        cx: Option<&mut Context<'_>>,
    ) -> Poll<PushResult<T>> {
        let (bytes, critical) = (facts.bytes() as usize, facts.is_critical());
        if !state.outbox.can_ever_fit(bytes, critical) {
            return Poll::Ready(Err(PushError::Full(item)));
        }
        let item = match self.ticket {
            Some(ticket) if !critical && !state.is_first(ticket) => item,
            ticket => {
                // A newcomer may take what those in the line do not ask for. The first one in the line,
                // and a critical one, may take all.
                let claimed = ticket.map_or_else(|| state.claimed(), |_| Room::default());
                let terms = Terms { patient: true, again: self.tried, claimed };
                match state.push(item, terms) {
                    (Ok(pushed), mut wakes) => {
                        if let Some(ticket) = self.ticket.take() {
                            // The waker that shedding may have taken is this one's own, or stays.
                            wakes.writer = state.leave(ticket).or(wakes.writer);
                        }
                        drop(state);
                        wakes.wake();
                        return Poll::Ready(Ok(pushed));
                    }
                    (Err(item), _) => item,
                }
            }
        };
        self.tried = true;
        self.item = Some(item);
        let replaced = cx.and_then(|cx| state.wait(&mut self.ticket, bytes, critical, cx.waker()));
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Takes back the message of a push that is still pending.
    pub(crate) fn give_up(&mut self) -> T {
        self.item.take().expect("a pending push still has its message")
    }
}

impl<T> Drop for Pushing<'_, T> {
    /// Leaves the line, done or not. If it was the turn of this one, it is now that of the next.
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        self.shared.leave(ticket);
    }
}
