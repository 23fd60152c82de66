//! What most outboxes never need, in a box that is made on first use. It only holds things.

use crate::Overflow;
use crate::counters::Tally;
#[cfg(feature = "tokio")]
use crate::waiting::Waiting;

/// Counts of rare events, logs that lag, and producers that wait.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    pub(crate) overflow: Overflow,
    pub(crate) tally: Tally,
    pub(crate) lags: Vec<Lag>,
    #[cfg(feature = "tokio")]
    pub(crate) waiting: Waiting,
}

impl Extra {
    /// No log lags and nobody waits.
    pub(crate) fn is_quiet(&self) -> bool {
        #[cfg(feature = "tokio")]
        if self.waiting.claimed().messages > 0 {
            return false;
        }
        self.lags.is_empty()
    }
}

/// A log of which something waits outside of the outbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lag {
    pub(crate) key: u64,
    /// The first position outside.
    pub(crate) since: u64,
    /// The last position that is known to be outside.
    pub(crate) latest: u64,
}
