//! An estimate of how long answers take, that follows a rise at once and a fall slowly. Knows no clock: `now` is
//! an argument.

use std::time::{Duration, Instant};

use crate::sync::{AtomicU64, Ordering::Relaxed};

/// A decaying estimate of a latency, as a load for [`Method::P2c`](super::Method::P2c).
///
/// A slower answer than expected is believed at once; a faster one counts the more, the longer ago the last one
/// was (`1 − e^(−elapsed ÷ decay)`). Without answers the estimate decays towards zero, so that one that was slow is tried
/// again. It is one atomic: microseconds above, milliseconds of the last answer below; 71 minutes are the most it says.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tidegate_pool::balance::Latency;
/// let (start, ms) = (Instant::now(), Duration::from_millis);
/// let latency = Latency::new(ms(1_000), ms(50), start);
/// latency.observe(ms(400), start);
/// assert_eq!(latency.estimate(start), ms(400));
/// assert!(latency.estimate(start + ms(1_000)) < ms(150)); // 400 ms ÷ e
/// ```
#[derive(Debug)]
pub struct Latency {
    decay: Duration,
    base: Instant,
    state: AtomicU64,
}

impl Latency {
    /// An estimate of `assumed` before any answer. A `decay` of zero believes each answer at once.
    #[must_use]
    pub fn new(decay: Duration, assumed: Duration, now: Instant) -> Self {
        Self { decay, base: now, state: AtomicU64::new(pack(micros(assumed), 0)) }
    }

    /// An answer took so long.
    pub fn observe(&self, took: Duration, now: Instant) {
        let (took, at) = (micros(took), self.millis(now));
        let next = |state| {
            let (estimate, last) = unpack(state);
            let old = self.left(last, at);
            let mixed = f64::from(estimate) * old + f64::from(took) * (1.0 - old);
            // The later time stays: an answer that is counted late does not turn it back.
            let at = if is_before(at, last) { last } else { at };
            Some(pack(took.max(mixed as u32), at))
        };
        // The closure never says None.
        let _ = self.state.fetch_update(Relaxed, Relaxed, next);
    }

    /// What an answer is expected to take.
    #[must_use]
    pub fn estimate(&self, now: Instant) -> Duration {
        let (estimate, last) = unpack(self.state.load(Relaxed));
        let left = f64::from(estimate) * self.left(last, self.millis(now));
        Duration::from_micros(left as u64)
    }

    /// The part of an estimate that is left after the time between two moments.
    fn left(&self, last: u32, at: u32) -> f64 {
        let elapsed = if is_before(at, last) { 0 } else { at.wrapping_sub(last) };
        if elapsed == 0 && !self.decay.is_zero() {
            return 1.0;
        }
        let part = f64::from(elapsed) / (self.decay.as_secs_f64() * 1_000.0);
        if part.is_nan() { 0.0 } else { (-part).exp() }
    }

    /// Milliseconds since the begin; they start anew after 49 days, which matters to nobody who decays.
    fn millis(&self, now: Instant) -> u32 {
        now.saturating_duration_since(self.base).as_millis() as u32
    }
}

fn is_before(one: u32, other: u32) -> bool {
    one.wrapping_sub(other) > u32::MAX / 2
}

const fn pack(micros: u32, millis: u32) -> u64 {
    (micros as u64) << 32 | millis as u64
}

const fn unpack(state: u64) -> (u32, u32) {
    ((state >> 32) as u32, state as u32)
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
