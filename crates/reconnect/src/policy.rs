//! How long to wait, as a value. It counts nothing, reads no clock and draws no random numbers.

use std::time::Duration;

use crate::spread::part;
use crate::{Impossible, Settings, Spread};

/// Delays, jitter and bounds that make sense together.
///
/// In all functions `random` is a number in 0..1; what is outside counts as the nearest, NaN as 0.
///
/// ```
/// use std::time::Duration;
/// use tidegate_reconnect::{Impossible, Policy, Settings};
///
/// let settings = Settings { max_delay: Duration::from_secs(10), ..Settings::default() };
/// let policy = Policy::new(settings)?;
/// let delays: Vec<_> = (0..8).map(|failed| policy.delay(failed).as_millis()).collect();
/// assert_eq!(delays, [100, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
///
/// let wild = Settings { jitter: 5.0, ..Settings::default() };
/// assert_eq!(Policy::new(wild), Err(Impossible::Jitter));
/// # Ok::<_, Impossible>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy(Settings);

impl Policy {
    /// A policy of these settings.
    ///
    /// # Errors
    /// [`Impossible`] names the field with which no client could stay connected and well-behaved.
    pub fn new(settings: Settings) -> Result<Self, Impossible> {
        settings.check().map(|()| Self(settings))
    }

    /// What it was made of.
    pub const fn settings(&self) -> &Settings {
        &self.0
    }

    /// The delay before the next attempt when `failed` failures came before this one; without jitter.
    /// Doubling saturates.
    pub fn delay(&self, failed: u32) -> Duration {
        let [first, second, third] = self.0.first_delays;
        let delay = match failed {
            0 => first,
            1 => second,
            _ => third.saturating_mul(2_u32.saturating_pow(failed - 2)),
        };
        delay.min(self.0.max_delay)
    }

    /// After a lone failure: the delay, shortened by up to [`Settings::jitter`].
    pub fn lone(&self, failed: u32, random: f64) -> Duration {
        let delay = self.delay(failed);
        delay.saturating_sub(part(part(delay, self.0.jitter), random))
    }

    /// When everybody comes back: anywhere between nothing and the delay, or [`Settings::drain_spread`]
    /// if that is longer.
    pub fn crowd(&self, failed: u32, random: f64) -> Duration {
        part(self.delay(failed).max(self.0.drain_spread), random)
    }

    /// When something has to change first: at least [`Settings::min_wait`], and longer by up to the delay
    /// or [`Settings::min_wait`] again, within [`Settings::max_delay`].
    pub fn wait(&self, failed: u32, random: f64) -> Duration {
        let min_wait = self.0.min_wait;
        let spread = self.delay(failed).max(min_wait);
        let longest = min_wait.saturating_add(spread).min(self.0.max_delay);
        min_wait.saturating_add(part(longest.saturating_sub(min_wait), random))
    }

    /// When the server says when: that, within [`Settings::max_told_delay`].
    pub fn told(&self, spread: Spread, random: f64) -> Duration {
        // Each part is cut by itself, so that a spread beyond the bound stays a spread.
        let max = self.0.max_told_delay;
        let after = spread.after.min(max);
        Spread { after, jitter: spread.jitter.min(max) }.delay(random)
    }
}
