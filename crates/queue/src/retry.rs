//! When something that was sent is sent again, as a value. It counts nothing and reads no clock.

use std::sync::Arc;
use std::time::Duration;

use crate::Error;

/// How long to wait for a confirmation, and how often and when to try again.
///
/// ```text
/// sent ──timeout──▶ missed ──intervals[0]──▶ again ──timeout──▶ missed ──intervals[1]──▶ …
/// … the last one sent ──timeout──▶ dead
/// ```
///
/// ```
/// use std::time::Duration;
/// use tidegate_queue::retry::Schedule;
///
/// let schedule = Schedule::default(); // 5 s; 0.5, 1, 2, 5 s
/// let waits: Vec<_> = (0..=4).map(|retry| schedule.after(retry).map(|wait| wait.as_secs_f64())).collect();
/// assert_eq!(waits, [Some(5.5), Some(6.0), Some(7.0), Some(10.0), None]);
/// assert_eq!(schedule.dead_after(), Duration::from_millis(33_500));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    timeout: Duration,
    intervals: Arc<[Duration]>,
}

/// The longest time in a schedule.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Schedule {
    /// A schedule: `timeout` is how long a confirmation may take, `intervals` are the waits from then on
    /// until the message is sent again, one for each retry. Without any, the first time-out is the end.
    ///
    /// # Errors
    /// [`Error::ZeroTimeout`], or [`Error::TooLong`] with the argument's name.
    pub fn new(timeout: Duration, intervals: &[Duration]) -> Result<Self, Error> {
        if timeout.is_zero() {
            return Err(Error::ZeroTimeout);
        }
        if timeout > LONGEST {
            return Err(Error::TooLong { field: "timeout" });
        }
        if intervals.iter().any(|interval| *interval > LONGEST) {
            return Err(Error::TooLong { field: "intervals" });
        }
        Ok(Self { timeout, intervals: intervals.into() })
    }

    /// How long a confirmation may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How often a message is sent again at most.
    #[must_use]
    pub fn max_retries(&self) -> usize {
        self.intervals.len()
    }

    /// How long after a message was sent for the `retry`th time again (0: for the first time of all) it is
    /// sent once more; `None` if it is not: it is dead after the time-out.
    #[must_use]
    pub fn after(&self, retry: usize) -> Option<Duration> {
        Some(self.timeout.saturating_add(*self.intervals.get(retry)?))
    }

    /// How long after it was first sent a message is dead. Saturates.
    #[must_use]
    pub fn dead_after(&self) -> Duration {
        let waits = (0..self.max_retries()).filter_map(|retry| self.after(retry));
        waits.fold(self.timeout, Duration::saturating_add)
    }
}

impl Default for Schedule {
    /// 5 s, then again after 0.5, 1, 2 and 5 s.
    fn default() -> Self {
        let intervals = [500, 1_000, 2_000, 5_000].map(Duration::from_millis);
        Self { timeout: Duration::from_secs(5), intervals: Arc::new(intervals) }
    }
}
