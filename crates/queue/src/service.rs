//! The writers' side of a channel as a tower service. It does not know what its caller does with a refusal.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll, Waker};

use tower_service::Service;

use crate::channel::State;
use crate::limits::Room;
use crate::waiting::Ticket;
use crate::{Item, PushError, Pushed, Sender};

/// A service that pushes each request into a channel.
///
/// It is ready when there is room for a small message that is not critical, or when the channel is
/// closed. Readiness holds no place: of several writers another may be first, and a large message may
/// not fit. Then the call is answered by [`PushError::Full`]. A call sheds nothing but droppable
/// messages, unless its own is critical. After a call that left room for a message of each sender, the
/// service is ready without looking again.
pub struct Enqueue<T> {
    sender: Sender<T>,
    ticket: Option<Ticket>,
    /// The last call left room enough.
    roomy: bool,
}

impl<T> Enqueue<T> {
    /// A service that pushes through `sender`.
    #[must_use]
    pub const fn new(sender: Sender<T>) -> Self {
        Self { sender, ticket: None, roomy: false }
    }

    /// Gives the place in the line to the next.
    fn leave(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        self.sender.shared().leave(ticket);
    }
}

impl<T: Item> Enqueue<T> {
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.sender.shared().lock();
        let first = self.ticket.is_some_and(|ticket| state.is_first(ticket));
        let claimed = if first { Room::default() } else { state.claimed() };
        if state.is_closed()
            || ((first || self.ticket.is_none()) && state.outbox.fits(1, false, claimed))
        {
            return Poll::Ready(());
        }
        let replaced = state.wait(&mut self.ticket, 1, false, cx.waker());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T: Item> Service<T> for Enqueue<T> {
    type Response = Pushed<Infallible>;
    type Error = PushError<T>;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.roomy {
            return Poll::Ready(Ok(()));
        }
        self.poll_room(cx).map(|()| {
            self.leave();
            Ok(())
        })
    }

    #[inline]
    fn call(&mut self, item: T) -> Self::Future {
        let (pushed, roomy) = self.sender.push_now(item, true, State::is_roomy, Waker::wake);
        self.roomy = roomy;
        ready(pushed)
    }
}

impl<T> Clone for Enqueue<T> {
    fn clone(&self) -> Self {
        Self::new(self.sender.clone())
    }
}

impl<T> Drop for Enqueue<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T> fmt::Debug for Enqueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enqueue").finish_non_exhaustive()
    }
}
