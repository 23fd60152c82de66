//! How many requests passed and how many did not. Knows neither keys nor limits.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Verdict;

/// Requests (not units) by their verdict, since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that passed, free ones included.
    pub allowed: u64,
    /// Requests answered [`Verdict::Limited`].
    pub limited: u64,
    /// Requests answered [`Verdict::Blocked`].
    pub blocked: u64,
}

impl Totals {
    #[inline]
    pub(crate) fn count(&mut self, verdict: &Verdict) {
        let counter = match verdict {
            Verdict::Allowed { .. } => &mut self.allowed,
            Verdict::Limited { .. } => &mut self.limited,
            Verdict::Blocked { .. } => &mut self.blocked,
        };
        *counter = counter.wrapping_add(1);
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            allowed: self.allowed.wrapping_add(other.allowed),
            limited: self.limited.wrapping_add(other.limited),
            blocked: self.blocked.wrapping_add(other.blocked),
        }
    }
}

/// [`Totals`] that many limiters share (in an `Arc`): the sum over all sessions, past ones included.
///
/// ```
/// use std::time::Duration;
/// use tidegate_ratelimit::{SharedTotals, Verdict};
///
/// let all = SharedTotals::default();
/// all.count(&Verdict::Limited { retry_after: Duration::from_secs(1) });
/// assert_eq!(all.snapshot().limited, 1);
/// ```
#[derive(Debug, Default)]
pub struct SharedTotals {
    allowed: AtomicU64,
    limited: AtomicU64,
    blocked: AtomicU64,
}

impl SharedTotals {
    /// Counts one request.
    pub fn count(&self, verdict: &Verdict) {
        let counter = match verdict {
            Verdict::Allowed { .. } => &self.allowed,
            Verdict::Limited { .. } => &self.limited,
            Verdict::Blocked { .. } => &self.blocked,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(feature = "tower")]
    pub(crate) fn count_allowed(&self) {
        self.allowed.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now. The three are read one after another, not at one moment.
    pub fn snapshot(&self) -> Totals {
        Totals {
            allowed: self.allowed.load(Ordering::Relaxed),
            limited: self.limited.load(Ordering::Relaxed),
            blocked: self.blocked.load(Ordering::Relaxed),
        }
    }
}
