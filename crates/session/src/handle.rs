//! How others reach a session: a way into its outbox, and a way to end it.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tidegate_message::{Class, Close, CloseCode, Priority};
use tidegate_queue::{Counters, Fill, Item as _, PushError, Pushed, Sender};

use crate::behind::Behind;
use crate::encoder::{Encoder, Written};
use crate::filled::noted;
use crate::lent::{Lent, Passed};
use crate::message::Shared;
use crate::outbound::Outbound;
use crate::waking;

/// Reaches one session from anywhere. Cheap to clone; does not keep the session alive.
#[derive(Clone, Debug)]
pub struct Handle {
    outbox: Sender<Outbound>,
    reach: Arc<Reach>,
}

/// What a session and those who reach it share, beside the outbox.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) encoder: Encoder,
    pub(crate) ending: Ending,
    pub(crate) lent: Lent,
    pub(crate) behind: Behind,
}

impl Reach {
    pub(crate) fn new(encoder: Encoder) -> Self {
        let (ending, lent) = (Ending::default(), Lent::default());
        Self { encoder, ending, lent, behind: Behind::default() }
    }
}

/// A message that was written to a session's stream past its outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct {
    /// Its bytes as plain JSON.
    pub original: usize,
    /// Its bytes in the client's form.
    pub encoded: usize,
    /// Its bytes on the wire, with the frame's header.
    pub wire: usize,
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
    pub(crate) const fn new(outbox: Sender<Outbound>, reach: Arc<Reach>) -> Self {
        Self { outbox, reach }
    }

    /// Writes a message at once, by the hand of the caller, to a session that is at rest with nothing to write
    /// ([`Session::lending`](crate::Session::lending)); it takes one `send` to the system. The session's observer is not
    /// told. `None`: the session is not at rest, or its stream takes nothing now: nothing has happened, and
    /// [`send`](Self::send) is the way.
    #[must_use = "what was not written has to be sent"]
    pub fn write(&self, message: &Shared) -> Option<Direct> {
        let Reach { encoder, ending, lent, .. } = &*self.reach;
        let mut direct = None;
        let frame = || {
            // What cannot be encoded is said by the session.
            let Written { frame, original, encoded, .. } = encoder.shared(message).ok()?;
            direct = Some(Direct { original, encoded, wire: frame.len() });
            Some(frame)
        };
        match lent.write(|| self.outbox.is_settled(), frame)? {
            Passed::Whole => {}
            Passed::InPart => ending.wake(),
        }
        direct
    }

    /// Sends without waiting. A critical message that does not fit ends the session as a slow consumer:
    /// to go on without it would be a lie.
    pub fn send(&self, message: Outbound) -> Sent {
        self.concluded(noted(self, self.outbox.try_push_waking(message, waking::wake)))
    }

    /// Sends without waiting; one that does not fit may be sent again with [`Handle::send_within`].
    pub fn offer(&self, message: Outbound) -> Sent {
        match noted(self, self.outbox.try_push_waking(message, waking::wake)) {
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
        self.reach.ending.request(close);
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

    /// Whether who sends to many should wait a moment for this session: its outbox is nearly full and it has yet to run,
    /// or its client has been behind for less than 20 ms. A client that is behind for longer is slow, and costs nobody
    /// else anything.
    #[must_use]
    pub fn is_filling(&self) -> bool {
        let is_filling =
            || self.reach.behind.is_recent().unwrap_or_else(|| self.outbox.fill() == Fill::High);
        !self.is_closed() && is_filling()
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
    /// Boxed: most sessions have none for as long as they live.
    close: OnceLock<Box<Close>>,
    session: AtomicWaker,
}

impl Ending {
    pub(crate) fn request(&self, close: Close) {
        if self.close.set(Box::new(close)).is_ok() {
            self.session.wake();
        }
    }

    /// Wakes the session to look around. It has to [register](Self::register) anew.
    pub(crate) fn wake(&self) {
        self.session.wake();
    }

    pub(crate) fn register(&self, waker: &Waker) {
        self.session.register(waker);
    }

    /// The request, if there is one by now.
    pub(crate) fn requested(&self) -> Option<Close> {
        self.close.get().map(|close| Close::clone(close))
    }

    /// Ready once there is a request. One task may wait at a time.
    pub(crate) fn poll_requested(&self, cx: &Context<'_>) -> Poll<Close> {
        self.register(cx.waker());
        // Asked after the waker is there: a request that came before it woke nobody.
        self.requested().map_or(Poll::Pending, Poll::Ready)
    }
}
