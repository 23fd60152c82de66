//! The loop on tokio: try until there is a connection or no sense in trying. It does not know what a
//! connection is, and draws no random numbers.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::time::{timeout, timeout_at};

use crate::signals::Signals;
use crate::{Attempts, Ending, GaveUp, Policy, Spread};

/// How one attempt failed. `?` on any error makes it [`Failure::Retry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// Another attempt may succeed.
    Retry(E),
    /// Another attempt may succeed, at the time that the server said.
    Told(E, Spread),
    /// No other attempt succeeds (a bad address, an invalid token).
    Final(E),
}

impl<E> From<E> for Failure<E> {
    fn from(error: E) -> Self {
        Self::Retry(error)
    }
}

/// There is no connection and there will be none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no connection: {why}")]
pub struct Abandoned<E> {
    /// Why no other attempt was made.
    pub why: GaveUp,
    /// How the last attempt failed; `None` if it ran into
    /// [`Settings::connect_timeout`](crate::Settings::connect_timeout), or if the last connection's end was the reason.
    pub last: Option<E>,
}

/// What a [`Connector`] does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It waits before the next attempt.
    Waiting {
        /// Failures in a row.
        failed: u32,
        /// How long; a hint may shorten it.
        delay: Duration,
    },
    /// It makes an attempt.
    Connecting {
        /// Failures in a row before this attempt.
        failed: u32,
    },
    /// There is a connection.
    Connected,
    /// There will be none.
    Abandoned(GaveUp),
}

/// Connects, and connects again, as a [`Policy`] says.
///
/// `random` gives numbers in 0..1. The observer is called at each change of state, by whoever polls.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use tidegate_reconnect::{Connector, Ending, Policy, State};
///
/// let mut states = Vec::new();
/// let mut doors = [Err("closed"), Ok("open"), Ok("open again")].into_iter();
/// let mut connector = Connector::new(Policy::default(), || 0.5).observed(|state| states.push(state));
/// let mut knock = || {
///     let door = doors.next().unwrap_or(Err("gone"));
///     async move { Ok(door?) }
/// };
/// assert_eq!(connector.connect(&mut knock).await, Ok("open"));
/// assert!(connector.ended(Ending::Failed).is_ok());
/// assert_eq!(connector.connect(&mut knock).await, Ok("open again"));
/// # drop(connector);
/// assert_eq!(states.iter().filter(|state| **state == State::Connected).count(), 2);
/// # }
/// ```
pub struct Connector<R, O = fn(State)> {
    attempts: Attempts,
    random: R,
    observer: O,
    signals: Signals,
    over: Option<GaveUp>,
}

impl<R: FnMut() -> f64> Connector<R> {
    /// A connector that has not tried yet, and that nobody observes.
    pub fn new(policy: Policy, random: R) -> Self {
        let (attempts, signals) = (Attempts::new(policy), Signals::default());
        Self { attempts, random, observer: |_| {}, signals, over: None }
    }
}

impl<R: FnMut() -> f64, O: FnMut(State)> Connector<R, O> {
    /// The same with another observer.
    #[must_use]
    pub fn observed<P: FnMut(State)>(self, observer: P) -> Connector<R, P> {
        let Self { attempts, random, signals, over, .. } = self;
        Connector { attempts, random, observer, signals, over }
    }

    /// Where to give hints.
    pub fn signals(&self) -> Signals {
        self.signals.clone()
    }

    /// The failures so far.
    pub const fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Forgets the failures: the connection was welcomed and has resumed, say, before it has stood for
    /// [`Settings::proved_after`](crate::Settings::proved_after). After this a connector that gave up tries again.
    pub const fn proved(&mut self) {
        self.attempts.proved();
        self.over = None;
    }

    /// Calls `connect` until it succeeds, and waits between attempts. The first attempt is made at once,
    /// unless [`ended`](Self::ended) or a cancelled call has left a wait.
    ///
    /// # Errors
    /// [`Abandoned`] after a final failure or when the policy gives up, and ever after.
    ///
    /// # Cancel safety
    /// Dropping the future drops the attempt that is under way. Failures stay counted, and a later call
    /// waits for what is left of a wait.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    pub async fn connect<T, E, F>(
        &mut self,
        mut connect: impl FnMut() -> F,
    ) -> Result<T, Abandoned<E>>
    where
        F: Future<Output = Result<T, Failure<E>>>,
    {
        let mut last = None;
        loop {
            if let Some(why) = self.over {
                return Err(Abandoned { why, last });
            }
            self.wait().await;
            (self.observer)(State::Connecting { failed: self.attempts.failed() });
            let connect_timeout = self.attempts.policy().settings().connect_timeout;
            let ending = match timeout(connect_timeout, connect()).await {
                Ok(Ok(connection)) => {
                    self.connected();
                    return Ok(connection);
                }
                Ok(Err(Failure::Final(error))) => {
                    self.give_up(GaveUp::Final);
                    return Err(Abandoned { why: GaveUp::Final, last: Some(error) });
                }
                Ok(Err(Failure::Told(error, spread))) => {
                    last = Some(error);
                    Ending::Told(spread)
                }
                Ok(Err(Failure::Retry(error))) => {
                    last = Some(error);
                    Ending::Failed
                }
                Err(_elapsed) => {
                    last = None;
                    Ending::Failed
                }
            };
            // A refusal to go on is kept, and found at the head of the loop.
            let _ = self.count(ending);
        }
    }

    /// Counts the end of the connection. The next [`connect`](Self::connect) waits as it demands.
    ///
    /// # Errors
    /// [`GaveUp`] if there should be no other connection.
    pub fn ended(&mut self, ending: Ending) -> Result<(), GaveUp> {
        self.signals.forget();
        self.count(ending)
    }

    /// Stays connected: calls `connect` until it succeeds, then `live` with the connection until that
    /// says how it ended, and begins anew.
    ///
    /// Returns when there will be no other connection. To leave, drop the future, or end with
    /// [`Ending::closed(1000, "")`](Ending::closed).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect); a connection that stands is dropped with what `live` returned, and
    /// counts neither as proved nor as failed.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    pub async fn stay<T, E, F, L>(
        &mut self,
        mut connect: impl FnMut() -> F,
        mut live: impl FnMut(T) -> L,
    ) -> Abandoned<E>
    where
        F: Future<Output = Result<T, Failure<E>>>,
        L: Future<Output = Ending>,
    {
        loop {
            let ending = match self.connect(&mut connect).await {
                Ok(connection) => live(connection).await,
                Err(abandoned) => return abandoned,
            };
            if let Err(why) = self.ended(ending) {
                return Abandoned { why, last: None };
            }
        }
    }

    fn count(&mut self, ending: Ending) -> Result<(), GaveUp> {
        let counted = self.attempts.after(ending, now(), (self.random)());
        counted.map(drop).inspect_err(|why| self.give_up(*why))
    }

    fn connected(&mut self) {
        self.attempts.connected(now());
        self.signals.forget();
        (self.observer)(State::Connected);
    }

    fn give_up(&mut self, why: GaveUp) {
        self.over = Some(why);
        (self.observer)(State::Abandoned(why));
    }

    /// Waits until the next attempt is due, or due earlier because of a hint.
    async fn wait(&mut self) {
        let Some(mut due) = self.attempts.due() else { return };
        let (failed, delay) = (self.attempts.failed(), due.saturating_duration_since(now()));
        (self.observer)(State::Waiting { failed, delay });
        while due > now() {
            let Ok(hint) = timeout_at(due.into(), self.signals.next()).await else { return };
            due = self.attempts.hint(hint, now(), (self.random)()).unwrap_or(due);
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl<R, O> fmt::Debug for Connector<R, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("attempts", &self.attempts)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
