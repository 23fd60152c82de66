//! How a connection came to its end, and why there may be no other. It decides nothing.

use crate::{CloseMeaning, Spread};

/// How a connection, or the attempt to make one, came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The attempt failed, or the connection broke without a close frame (1006).
    Failed,
    /// The peer closed it. [`Ending::closed`] knows the meaning of the usual codes.
    Closed {
        /// The close code; 1005 if there was none.
        code: u16,
        /// What it asks for.
        meaning: CloseMeaning,
    },
    /// The server said when to come back.
    Told(Spread),
}

impl Ending {
    /// A close frame, understood as [`CloseMeaning::of`] does.
    #[must_use]
    pub fn closed(code: u16, reason: &str) -> Self {
        Self::Closed { code, meaning: CloseMeaning::of(code, reason) }
    }
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
    /// [`Settings::max_failures`](crate::Settings::max_failures) is reached.
    #[error("gave up after {failures} failures in a row")]
    Failures {
        /// How many there were.
        failures: u32,
    },
    /// [`Settings::outage_timeout`](crate::Settings::outage_timeout) is reached.
    #[error("gave up after {failures} failures, for lack of a connection for too long")]
    Outage {
        /// How many failures in a row there were.
        failures: u32,
    },
    /// The attempt failed in a way that no repetition mends.
    #[error("the failure is final")]
    Final,
}
