//! The writing half of a session's stream, which others may use while the session is at rest.
//!
//! A message for a session that does nothing would wake its task, which takes it out of the outbox, frames it, writes it
//! and sleeps again; to wake and to look at everything else there is to look at costs more than the rest. So a
//! session that sleeps with nothing to write lends its writing half, and who has a message for it writes that at once.
//!
//! # Why nothing is overtaken, torn or forgotten
//! - Whoever holds the half writes, nobody else: the session takes it back before it does anything.
//! - A message is written only while the outbox is empty, which is asked under the lock of the half. What a sender had
//!   put into the outbox before is still there, or was taken out by the session, which has the half then.
//! - Of a frame that the stream takes in part, the rest stays here, the session is woken, and nothing is written
//!   until it has taken both back; it writes the rest first.
//! - What the stream does not take at all goes into the outbox as ever.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::Context;

use tidegate_message::{Outcome, Rejection, Request};
use tidegate_ws::Prepared;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::tcp::OwnedWriteHalf;
use tower_service::Service;

use crate::handle::Reach;
use crate::observer::Observer;
use crate::session::{Running, Session};

/// Puts another writing half into a stream and gives the one away that was there: with `None` it is lent, if there is
/// one, and later it is put back.
pub type ReplaceWriter<IO> = fn(&mut IO, Option<OwnedWriteHalf>) -> Option<OwnedWriteHalf>;

#[derive(Debug, Default)]
pub(crate) struct Lent(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    half: Option<OwnedWriteHalf>,
    rest: Option<Box<Prepared>>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    Whole,
    /// The session has to be woken for the rest.
    InPart,
}

impl Lent {
    pub(crate) fn lend(&self, half: OwnedWriteHalf) {
        self.lock().half = Some(half);
    }

    /// Takes back what was lent, and the rest of a frame that has to be written first.
    pub(crate) fn take_back(&self) -> (Option<OwnedWriteHalf>, Option<Box<Prepared>>) {
        let mut state = self.lock();
        (state.half.take(), state.rest.take())
    }

    /// Writes a frame without waiting, if the half is here, nobody else writes and `may` is true then. `None`: nothing
    /// was written.
    pub(crate) fn write<'a>(
        &self,
        may: impl FnOnce() -> bool,
        frame: impl FnOnce() -> Option<Cow<'a, Prepared>>,
    ) -> Option<Passed> {
        let mut state = match self.0.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let half = state.half.as_ref()?;
        if state.rest.is_some() || !may() {
            return None;
        }
        let frame = frame()?;
        let written = frame.write_with(|slices| match slices {
            [one] => half.try_write(one),
            many => half.try_write_vectored(many),
        });
        match written {
            Ok(None) => Some(Passed::Whole),
            Ok(Some(rest)) if rest.len() < frame.len() => {
                state.rest = Some(Box::new(rest));
                Some(Passed::InPart)
            }
            // It took nothing, or is broken: the session will see.
            Ok(Some(_)) | Err(_) => None,
        }
    }

    /// A poisoned lock is taken as it is: each change of the state is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session's own hold of what it shares. What is lent comes back when it is gone, however that came.
#[derive(Debug)]
pub(crate) struct Own(pub(crate) Arc<Reach>);

impl Deref for Own {
    type Target = Reach;

    fn deref(&self) -> &Reach {
        &self.0
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.0.lent.take_back());
    }
}

impl<IO, S, O> Running<IO, S, O>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request, Response = Outcome>,
    S::Error: Into<Rejection>,
    O: Observer,
{
    /// Takes the writing half back, and what others have left of a frame.
    pub(crate) fn take_back(&mut self, cx: &Context<'_>) {
        if !std::mem::take(&mut self.has_lent) {
            return;
        }
        let Session { reach, socket, replace_writer, .. } = &mut self.session;
        let (half, rest) = reach.lent.take_back();
        if let Some(replace_writer) = replace_writer {
            replace_writer(socket.get_mut(), half);
        }
        if let Some(rest) = rest {
            // Whoever left it has used up the waker.
            reach.ending.register(cx.waker());
            socket.resume(*rest);
        }
    }

    /// Lends the writing half, if nothing is to be written and what comes is due at once.
    pub(crate) fn lend(&mut self) {
        let rests = self.is_settled && self.undelivered == 0 && !self.batches();
        let Session { reach, socket, replace_writer, .. } = &mut self.session;
        if let Some(replace_writer) = replace_writer
            && rests
            && socket.is_at_rest()
            && let Some(half) = replace_writer(socket.get_mut(), None)
        {
            reach.lent.lend(half);
            self.has_lent = true;
        }
    }
}
