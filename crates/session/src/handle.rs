//! How others reach a session: a way into its outbox, and a way to end it.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tidegate_message::{Class, Close, CloseCode, Priority};
use tidegate_queue::{Counters, Item as _, PushError, Pushed, Sender};

use crate::outbound::Outbound;

/// Reaches one session from anywhere. Cheap to clone; does not keep the session alive.
#[derive(Clone, Debug)]
pub struct Handle {
    outbox: Sender<Outbound>,
    ending: Arc<Ending>,
}

/// What became of a message on its way to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// It waits in the outbox, or was merged there.
    Queued,
    /// It was droppable, or not important enough, and is counted as dropped.
    Dropped,
    /// The outbox is full: the message is not in it.
    Full,
    /// The session is over.
    Closed,
}

impl Handle {
    pub(crate) const fn new(outbox: Sender<Outbound>, ending: Arc<Ending>) -> Self {
        Self { outbox, ending }
    }

    /// Sends without waiting. A critical message that does not fit ends the session as a slow consumer:
    /// to go on without it would be a lie.
    pub fn send(&self, message: Outbound) -> Sent {
        self.concluded(self.outbox.try_push(message))
    }

    /// Sends without waiting; one that does not fit may be sent again with [`Handle::send_within`].
    pub fn offer(&self, message: Outbound) -> Sent {
        match self.outbox.try_push(message) {
            Err(PushError::Full(_)) => Sent::Full,
            result => self.concluded(result),
        }
    }

    /// Sends, waiting for room at most `timeout` (Q7).
    ///
    /// # Cancel safety
    /// Cancelling sends nothing.
    pub async fn send_within(&self, message: Outbound, timeout: Duration) -> Sent {
        self.concluded(self.outbox.push(message, timeout).await)
    }

    /// Sends, waiting for room as long as the session lives: this is how a slow client slows its stream.
    ///
    /// [`Sent::Full`] is the answer only to a message that is larger than the whole outbox.
    ///
    /// # Cancel safety
    /// Cancelling sends nothing.
    pub async fn send_waiting(&self, message: Outbound) -> Sent {
        self.concluded(self.outbox.push_wait(message).await)
    }

    /// Asks the session to end. The first request wins. What waits in the outbox is still written, except
    /// to a slow consumer; commands in work are dropped.
    pub fn end(&self, close: Close) {
        self.ending.request(close);
    }

    /// Whether the session takes nothing more: it is over, or its close handshake is under way.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.outbox.is_closed()
    }

    /// Messages waiting in the outbox.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// What the outbox has counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.outbox.counters()
    }

    /// Whether a message of this many bytes would fit now.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.outbox.has_room(bytes)
    }

    fn concluded(&self, result: Result<Pushed<Infallible>, PushError<Outbound>>) -> Sent {
        match result {
            Ok(Pushed::Dropped) => Sent::Dropped,
            Ok(_) => Sent::Queued,
            Err(PushError::Closed(_)) => Sent::Closed,
            Err(PushError::Full(message)) => {
                if message.class() == Class::Critical || message.priority() == Priority::Critical {
                    self.end(Close::new(CloseCode::SLOW_CONSUMER, "slow consumer"));
                }
                Sent::Full
            }
        }
    }
}

/// The request to end, waiting to be seen by the session's loop.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    close: OnceLock<Close>,
    session: AtomicWaker,
}

impl Ending {
    pub(crate) fn request(&self, close: Close) {
        if self.close.set(close).is_ok() {
            self.session.wake();
        }
    }

    /// The request, if there is one by now.
    pub(crate) fn requested(&self) -> Option<Close> {
        self.close.get().cloned()
    }

    /// Ready once there is a request. One task may wait at a time.
    pub(crate) fn poll_requested(&self, cx: &Context<'_>) -> Poll<Close> {
        self.session.register(cx.waker());
        // Asked after the waker is there: a request that came before it woke nobody.
        self.requested().map_or(Poll::Pending, Poll::Ready)
    }
}
