//! What one gets for a write that is under way: it can be waited for by a thread or by a task. Knows no store and no
//! runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::error::StoreError;

/// A write under way. Dropping it changes nothing: the write goes on.
///
/// It is a future that is ready when the write has come as far as was asked for; [`Ticket::wait`] blocks instead.
/// Awaiting it is cancel safe.
#[derive(Debug)]
#[must_use]
pub struct Ticket(State);

#[derive(Debug)]
enum State {
    Answered(Result<(), StoreError>),
    Waiting(Arc<Slot>),
}

/// The other end of a ticket. Dropped without an answer it says that the keeper was closed.
#[derive(Debug)]
pub(crate) struct Waiter {
    slot: Option<Arc<Slot>>,
    landing: Option<(Arc<dyn Landing>, u64)>,
}

/// Is told by the writer what has come as far as was asked for, whoever still waits for it: before the ticket is
/// answered, and with no lock of the keeper held. What fails is not told.
pub(crate) trait Landing: std::fmt::Debug + Send + Sync {
    /// The entry of this seq has. Those of one commit may be told in any order.
    fn landed(&self, seq: u64);
}

#[derive(Debug, Default)]
struct Slot {
    content: Mutex<Content>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct Content {
    answer: Option<Result<(), StoreError>>,
    waker: Option<Waker>,
}

impl Ticket {
    /// One that is answered already.
    pub(crate) const fn answered(answer: Result<(), StoreError>) -> Self {
        Self(State::Answered(answer))
    }

    /// One that is answered through the waiter.
    pub(crate) fn waiting() -> (Self, Waiter) {
        let slot = Arc::new(Slot::default());
        let waiter = Waiter { slot: Some(Arc::clone(&slot)), landing: None };
        (Self(State::Waiting(slot)), waiter)
    }

    /// Whether waiting would not take time.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        match &self.0 {
            State::Answered(_) => true,
            State::Waiting(slot) => slot.content().answer.is_some(),
        }
    }

    /// Blocks this thread until the write has come as far as was asked for.
    ///
    /// # Errors
    /// It has not. Whether it is there after a restart is not known.
    pub fn wait(self) -> Result<(), StoreError> {
        let slot = match self.0 {
            State::Answered(answer) => return answer,
            State::Waiting(slot) => slot,
        };
        let mut content = slot.content();
        loop {
            if let Some(answer) = content.answer.clone() {
                return answer;
            }
            content = slot.answered.wait(content).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Ticket {
    type Output = Result<(), StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let slot = match &self.0 {
            State::Answered(answer) => return Poll::Ready(answer.clone()),
            State::Waiting(slot) => slot,
        };
        let mut content = slot.content();
        if let Some(answer) = content.answer.clone() {
            return Poll::Ready(answer);
        }
        let known = content.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if !known {
            content.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Waiter {
    /// Tells a log as well.
    pub(crate) fn landing(self, landing: Arc<dyn Landing>, seq: u64) -> Self {
        let mut this = self;
        this.landing = Some((landing, seq));
        this
    }

    /// Says how it went, to whoever waits.
    pub(crate) fn answer(mut self, answer: Result<(), StoreError>) {
        if let Some((landing, seq)) = self.landing.take().filter(|_| answer.is_ok()) {
            landing.landed(seq);
        }
        self.say(answer);
    }

    /// Whoever waits, apart from the log, which is still to be told when the write goes through later: this stays
    /// with the write.
    pub(crate) fn split_off(&mut self) -> Self {
        Self { slot: self.slot.take(), landing: None }
    }

    fn say(&mut self, answer: Result<(), StoreError>) {
        let Some(slot) = self.slot.take() else { return };
        let waker = {
            let mut content = slot.content();
            content.answer = Some(answer);
            content.waker.take()
        };
        slot.answered.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.say(Err(StoreError::Closed));
    }
}

impl Slot {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_gets_the_answer_however_it_is_waited_for() {
        let (ticket, waiter) = Ticket::waiting();
        assert!(!ticket.is_answered());
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| ticket.wait());
            waiter.answer(Ok(()));
            waiting.join()
        });
        assert_eq!(waiting.ok(), Some(Ok(())));
        let (mut ticket, waiter) = Ticket::waiting();
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut ticket).poll(&mut context), Poll::Pending);
        waiter.answer(Err(StoreError::Closed));
        let polled = Pin::new(&mut ticket).poll(&mut context);
        assert_eq!(polled, Poll::Ready(Err(StoreError::Closed)));
    }

    #[test]
    fn nobody_waits_for_a_keeper_that_is_gone() {
        let (ticket, waiter) = Ticket::waiting();
        drop(waiter);
        assert_eq!(ticket.wait(), Err(StoreError::Closed));
    }
}
