//! The failures of one connection in a row, and what each ending leads to. It knows no clock: it says how
//! long to wait, and somebody else waits.

use std::time::Duration;

use crate::{CloseMeaning, Policy, Spread};

/// How a connection, or the attempt to make one, came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending<'a> {
    /// The attempt failed, or the connection broke without a close frame (1006).
    Failed,
    /// The peer closed it.
    Closed {
        /// The close code; 1005 if there was none.
        code: u16,
        /// The close reason.
        reason: &'a str,
    },
    /// The server said when to come back.
    Told(Spread),
}

/// Why there is no next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GaveUp {
    /// The peer closed with a code that means "do not come back".
    #[error("closed by the peer with code {code}, which means not to come back")]
    Closed {
        /// The close code.
        code: u16,
    },
    /// [`Policy::max_failures`] is reached.
    #[error("gave up after {failures} failures in a row")]
    Failures {
        /// How many there were.
        failures: u32,
    },
    /// The attempt failed in a way that no repetition mends.
    #[error("the failure is final")]
    Final,
}

/// Failures in a row of one connection. Call [`Self::reset`] when a connection has proved itself
/// (it was welcomed, or has lived for a while): a server that accepts and then closes is no success.
///
/// ```
/// use std::time::Duration;
/// use tidegate_reconnect::{Attempts, Ending, GaveUp, Policy, Spread};
///
/// let mut attempts = Attempts::new(Policy::default());
/// let random = 0.0; // a number in 0..1, from the generator of your choice
/// assert_eq!(attempts.after(Ending::Failed, random), Ok(Duration::from_millis(100)));
/// assert_eq!(attempts.after(Ending::Failed, random), Ok(Duration::from_millis(500)));
/// let goaway = Spread::from_millis(2_000, 10_000);
/// assert_eq!(attempts.after(Ending::Told(goaway), 0.5), Ok(Duration::from_secs(7)));
/// let banned = Ending::Closed { code: 4002, reason: "banned" };
/// assert_eq!(attempts.after(banned, random), Err(GaveUp::Closed { code: 4002 }));
/// ```
#[derive(Clone, Debug)]
pub struct Attempts {
    policy: Policy,
    failed: u32,
}

impl Attempts {
    /// No failure so far.
    pub const fn new(policy: Policy) -> Self {
        Self { policy, failed: 0 }
    }

    /// Counts an ending and says how long to wait before the next attempt. `random` is in 0..1.
    ///
    /// [`CloseMeaning::Resume`] means at once, but only the first time in a row; then by the policy.
    ///
    /// # Errors
    /// [`GaveUp`] when there should be none.
    pub fn after(&mut self, ending: Ending<'_>, random: f64) -> Result<Duration, GaveUp> {
        let failed = self.failed;
        self.failed = failed.saturating_add(1);
        let policy = &self.policy;
        let delay = match ending {
            Ending::Failed => policy.lone(failed, random),
            Ending::Told(spread) => spread.delay(random),
            Ending::Closed { code, reason } => match CloseMeaning::of(code, reason) {
                CloseMeaning::Final => return Err(GaveUp::Closed { code }),
                CloseMeaning::Wait => policy.wait(failed, random),
                CloseMeaning::Draining => policy.crowd(failed, random),
                CloseMeaning::Resume if failed == 0 => Duration::ZERO,
                CloseMeaning::Resume | CloseMeaning::Lost => policy.lone(failed, random),
            },
        };
        match policy.max_failures {
            Some(max) if self.failed >= max.get() => {
                Err(GaveUp::Failures { failures: self.failed })
            }
            _ => Ok(delay),
        }
    }

    /// Forgets the failures: the next one is the first again.
    pub const fn reset(&mut self) {
        self.failed = 0;
    }

    /// Failures in a row.
    pub const fn failed(&self) -> u32 {
        self.failed
    }

    /// The policy in force.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }
}
