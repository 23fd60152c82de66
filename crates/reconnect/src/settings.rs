//! All numbers of a policy, as they are configured. It does not know how they are used.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::Impossible;

/// The longest time that a setting may have: 365 days. Sums of such times fit any clock.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What a [`Policy`](crate::Policy) is made of. The defaults are those of Tidegate's clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The delays after the first three failures; from then on each is twice the one before. What is
    /// longer than `max_delay` is cut to it. Default: 0.1 s, 0.5 s, 1 s.
    pub first_delays: [Duration; 3],
    /// No delay is longer, but one that the server asks for, and where `drain_spread` or `min_wait` is
    /// longer. Default: 30 s.
    pub max_delay: Duration,
    /// The share by which the delay after a lone failure is shortened at most, 0 to 1. Default: 0.05.
    pub jitter: f64,
    /// Over how long, at least, returns are spread when the server sends everybody away and asks for no
    /// spread of its own. Default: 4 s, so that all are back within 5.
    pub drain_spread: Duration,
    /// The shortest wait where something has to change first. Default: 5 s.
    pub min_wait: Duration,
    /// What a server asks for is cut to this: a wrong number must not keep a client away for ever.
    /// Default: 1 h.
    pub max_told_delay: Duration,
    /// How long one attempt may take before it counts as failed. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long a connection must have stood for the failures before it to be forgotten. Zero: a
    /// connection has proved itself when it is made. Default: 5 s.
    pub proved_after: Duration,
    /// Failures in a row after which to give up. Default: never.
    pub max_failures: Option<NonZeroU32>,
    /// Give up when the next attempt would begin so long after the connection was lost, or after the
    /// first attempt failed. Default: never.
    pub outage_timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            first_delays: [100, 500, 1_000].map(Duration::from_millis),
            max_delay: Duration::from_secs(30),
            jitter: 0.05,
            drain_spread: Duration::from_secs(4),
            min_wait: Duration::from_secs(5),
            max_told_delay: Duration::from_secs(60 * 60),
            connect_timeout: Duration::from_secs(5),
            proved_after: Duration::from_secs(5),
            max_failures: None,
            outage_timeout: None,
        }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Impossible> {
        let [.., last] = self.first_delays;
        if !self.first_delays.is_sorted() || last.is_zero() {
            return Err(Impossible::FirstDelays);
        }
        if self.max_delay.is_zero() {
            return Err(Impossible::MaxDelay);
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(Impossible::Jitter);
        }
        if self.connect_timeout.is_zero() {
            return Err(Impossible::ConnectTimeout);
        }
        let too_long = self.times().into_iter().find(|(_, time)| *time > LONGEST);
        too_long.map_or(Ok(()), |(field, _)| Err(Impossible::TooLong { field }))
    }

    fn times(&self) -> [(&'static str, Duration); 8] {
        let [.., last] = self.first_delays;
        [
            ("first_delays", last),
            ("max_delay", self.max_delay),
            ("drain_spread", self.drain_spread),
            ("min_wait", self.min_wait),
            ("max_told_delay", self.max_told_delay),
            ("connect_timeout", self.connect_timeout),
            ("proved_after", self.proved_after),
            ("outage_timeout", self.outage_timeout.unwrap_or_default()),
        ]
    }
}
