//! How long to wait, as a value. It counts nothing and draws no random numbers.

use std::num::NonZeroU32;
use std::time::Duration;

/// Delays, jitter and bounds. The defaults are those of Tidegate's clients.
///
/// ```
/// use std::time::Duration;
/// use tidegate_reconnect::Policy;
///
/// let policy = Policy { cap: Duration::from_secs(10), ..Policy::default() };
/// let delays: Vec<_> = (0..8).map(|failed| policy.delay(failed).as_millis()).collect();
/// assert_eq!(delays, [100, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The delays after the first three failures; from then on each is twice the one before.
    /// Default: 0.1 s, 0.5 s, 1 s.
    pub first_delays: [Duration; 3],
    /// No delay is longer, but for one that the server asks for, and where the two below are longer.
    /// Default: 30 s.
    pub cap: Duration,
    /// The share by which the delay after a lone failure is shortened at most, 0 to 1. Default: 0.05.
    pub jitter: f64,
    /// Over how long, at least, returns are spread when the server sends everybody away and asks for no
    /// spread of its own. Default: 4 s, so that all are back within 5.
    pub drain_spread: Duration,
    /// The shortest wait where something has to change first. Default: 5 s.
    pub min_wait: Duration,
    /// How long one attempt may take before it counts as failed. Default: 5 s.
    pub connect_timeout: Duration,
    /// Failures in a row after which to give up. Default: never.
    pub max_failures: Option<NonZeroU32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            first_delays: [100, 500, 1_000].map(Duration::from_millis),
            cap: Duration::from_secs(30),
            jitter: 0.05,
            drain_spread: Duration::from_secs(4),
            min_wait: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            max_failures: None,
        }
    }
}

impl Policy {
    /// The delay before the next attempt when `failed` failures came before this one; without jitter.
    pub fn delay(&self, failed: u32) -> Duration {
        let [first, second, third] = self.first_delays;
        let delay = match failed {
            0 => first,
            1 => second,
            _ => third.saturating_mul(2_u32.saturating_pow(failed - 2)),
        };
        delay.min(self.cap)
    }

    /// After a lone failure: the delay, shortened by up to [`Self::jitter`]. `random` is in 0..1.
    pub fn lone(&self, failed: u32, random: f64) -> Duration {
        let delay = self.delay(failed);
        delay.saturating_sub(part(part(delay, self.jitter), random))
    }

    /// When everybody comes back: anywhere between nothing and the delay, or [`Self::drain_spread`] if that is longer.
    pub fn crowd(&self, failed: u32, random: f64) -> Duration {
        part(self.delay(failed).max(self.drain_spread), random)
    }

    /// When something has to change first: at least [`Self::min_wait`], and longer by up to the delay
    /// or [`Self::min_wait`] again, within the cap.
    pub fn wait(&self, failed: u32, random: f64) -> Duration {
        let spread = self.delay(failed).max(self.min_wait);
        let longest = self.min_wait.saturating_add(spread).min(self.cap);
        self.min_wait.saturating_add(part(longest.saturating_sub(self.min_wait), random))
    }
}

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
    pub const fn from_millis(reconnect_after_ms: u64, jitter_ms: u64) -> Self {
        Self {
            after: Duration::from_millis(reconnect_after_ms),
            jitter: Duration::from_millis(jitter_ms),
        }
    }

    /// One client's delay; `random` is in 0..1.
    pub fn delay(&self, random: f64) -> Duration {
        self.after.saturating_add(part(self.jitter, random))
    }
}

/// A share of a duration; what is outside of 0..1 is cut off, NaN counts as 0.
fn part(whole: Duration, share: f64) -> Duration {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    Duration::try_from_secs_f64(whole.as_secs_f64() * share).map_or(whole, |part| part.min(whole))
}
