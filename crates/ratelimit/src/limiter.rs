//! The limiter of one key, for whoever owns that key. It does not know keys.

use std::time::{Duration, Instant};

use crate::limit::nanos;
use crate::state::State;
use crate::{Limit, Totals, Verdict};

/// The state of one key: about 130 bytes, and 4 more for each unit that counts (an exact one; room doubles).
///
/// A `now` before the latest one seen counts as that one, a repeated one is as good as any other.
///
/// ```
/// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
/// use std::time::{Duration, Instant};
/// use tidegate_ratelimit::{Limit, Limiter, Verdict};
///
/// let mut limiter = Limiter::new(Limit::new(2, Duration::from_secs(1)));
/// let now = Instant::now();
/// assert!(limiter.check(now, 1).is_allowed());
/// assert!(limiter.check(now, 1).is_allowed());
/// let refused = limiter.check(now, 1);
/// assert_eq!(refused, Verdict::Limited { retry_after: Duration::from_secs(1) });
/// assert!(limiter.check(now + Duration::from_secs(1), 1).is_allowed());
/// ```
#[derive(Clone, Debug)]
pub struct Limiter {
    limit: Limit,
    /// When the first request came; times count from here.
    began: Option<Instant>,
    state: State,
    totals: Totals,
}

impl Limiter {
    /// A limiter that has seen nothing. Allocates with the first request.
    pub fn new(limit: Limit) -> Self {
        Self { limit, began: None, state: State::new(&limit), totals: Totals::default() }
    }

    /// Decides about a request of `cost` units, and counts it if it passes.
    ///
    /// Cost 0 always passes, also while blocked, and counts nothing. A cost above [`Limit::capacity`] never
    /// passes, is answered `Limited` with [`FOREVER`](crate::FOREVER), and starts no block.
    pub fn check(&mut self, now: Instant, cost: u32) -> Verdict {
        self.began.get_or_insert(now);
        let verdict = self.state.check(&self.limit, self.at(now), cost);
        self.totals.count(verdict);
        verdict
    }

    /// The verdict that [`Self::check`] would give, with nothing counted: `remaining` and `reset` are as
    /// they stand before the request.
    pub fn peek(&self, now: Instant, cost: u32) -> Verdict {
        self.state.peek(&self.limit, self.at(now), cost)
    }

    /// Forgets what was counted, and the block; the totals stay.
    pub fn reset(&mut self) {
        self.state = State::new(&self.limit);
        self.began = None;
    }

    /// The limit that is in force.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Whether every request that costs something is refused because of an earlier refusal.
    pub fn is_blocked(&self, now: Instant) -> bool {
        self.state.is_blocked(self.at(now))
    }

    /// The units that would pass now, the burst included; 0 while blocked.
    pub fn remaining(&self, now: Instant) -> u32 {
        self.state.remaining(&self.limit, self.at(now))
    }

    /// How long until everything is free again, if nothing more comes.
    pub fn reset_after(&self, now: Instant) -> Duration {
        self.state.reset_after(&self.limit, self.at(now))
    }

    /// Requests by verdict, since the beginning.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    fn at(&self, now: Instant) -> u64 {
        self.began.map_or(0, |began| nanos(now.saturating_duration_since(began)))
    }
}
