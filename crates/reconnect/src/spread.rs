//! A time that a server asks its clients to come back at. It does not know whether they obey.

use std::time::Duration;

/// When a server wants its clients back: `reconnect_after_ms` and `jitter_ms` of a `goaway`, or `Retry-After`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Nobody comes back earlier.
    pub after: Duration,
    /// All come back within this much more.
    pub jitter: Duration,
}

impl Spread {
    /// From a `goaway` message, in milliseconds.
    #[must_use]
    pub const fn from_millis(reconnect_after_ms: u64, jitter_ms: u64) -> Self {
        Self {
            after: Duration::from_millis(reconnect_after_ms),
            jitter: Duration::from_millis(jitter_ms),
        }
    }

    /// From a `Retry-After` field (RFC 9110 §10.2.3), in seconds. The field says nothing of jitter, and who
    /// obeys it to the second comes back in step with all others, so half of the time again is added.
    #[must_use]
    pub const fn retry_after(seconds: u64) -> Self {
        let after = Duration::from_secs(seconds);
        Self { after, jitter: Duration::from_millis(seconds.saturating_mul(500)) }
    }

    /// One client's delay; `random` is in 0..1. Saturates at [`Duration::MAX`].
    #[must_use]
    pub fn delay(&self, random: f64) -> Duration {
        self.after.saturating_add(part(self.jitter, random))
    }
}

/// A share of a duration; what is outside of 0..1 is cut off, NaN counts as 0.
pub(crate) fn part(whole: Duration, share: f64) -> Duration {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    Duration::try_from_secs_f64(whole.as_secs_f64() * share).map_or(whole, |part| part.min(whole))
}
