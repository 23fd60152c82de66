//! The loop on tokio: try until there is a connection or no sense in trying. It does not know what a
//! connection is, and draws no random numbers.

use std::future::Future;

use tokio::time::timeout;

use crate::{Attempts, Ending, GaveUp, Spread};

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
    /// The last failure; `None` if that attempt ran into [`Policy::connect_timeout`](crate::Policy::connect_timeout).
    pub last: Option<E>,
}

/// Calls `connect` until it succeeds, and waits between attempts as `attempts` says.
///
/// The first attempt is made at once. Success does not reset `attempts`: do so when the connection has proved
/// itself. `random` gives numbers in 0..1.
///
/// # Errors
/// [`Abandoned`] after a final failure, or when the policy gives up.
///
/// # Cancel safety
/// Dropping the future drops the attempt or the wait that is under way; `attempts` keeps the failures that
/// were counted. A later call makes an attempt at once instead of waiting for what was left.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use tidegate_reconnect::{Attempts, Policy, connect_with};
///
/// let mut attempts = Attempts::new(Policy::default());
/// let mut doors = [Err("closed"), Err("closed"), Ok("open")].into_iter();
/// let door = connect_with(&mut attempts, || 0.5, || {
///     let door = doors.next().unwrap_or(Ok("open"));
///     async move { Ok(door?) }
/// });
/// assert_eq!(door.await, Ok("open"));
/// assert_eq!(attempts.failed(), 2);
/// attempts.reset();
/// # }
/// ```
#[expect(clippy::disallowed_methods, reason = "this is the shell that waits for the policy")]
pub async fn connect_with<T, E, F>(
    attempts: &mut Attempts,
    mut random: impl FnMut() -> f64,
    mut connect: impl FnMut() -> F,
) -> Result<T, Abandoned<E>>
where
    F: Future<Output = Result<T, Failure<E>>>,
{
    loop {
        let (ending, error) = match timeout(attempts.policy().connect_timeout, connect()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(Failure::Final(error))) => {
                return Err(Abandoned { why: GaveUp::Final, last: Some(error) });
            }
            Ok(Err(Failure::Told(error, spread))) => (Ending::Told(spread), Some(error)),
            Ok(Err(Failure::Retry(error))) => (Ending::Failed, Some(error)),
            Err(_elapsed) => (Ending::Failed, None),
        };
        match attempts.after(ending, random()) {
            Ok(delay) => tokio::time::sleep(delay).await,
            Err(why) => return Err(Abandoned { why, last: error }),
        }
    }
}
