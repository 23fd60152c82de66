//! Several limits at once on one key: all pass or none counts. It does not know what the limits count.

use std::time::Instant;

use crate::state::Decision;
use crate::{Limit, Limiter, Verdict};

/// `30 a minute and 500 an hour and 1 MiB a second`: a request passes if every limit lets it, and what one refuses counts for
/// none.
///
/// Each limit has a cost of its own in each request: one that is 0 says that the request is none of its business. So
/// bytes are a limit beside requests, and requests that are free a limit beside those that are not. In the
/// limiters' totals a request counts where it costs something.
///
/// ```
/// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
/// use std::time::Instant;
/// use tidegate_ratelimit::{Limit, Limiters, Verdict};
///
/// let mut limiters =
///     Limiters::new([Limit::per_minute(30), Limit::per_hour(500), Limit::per_second(1 << 20)]);
/// let now = Instant::now();
/// assert!(limiters.check(now, [1, 1, 1_000_000]).iter().all(Verdict::is_allowed));
/// let verdicts = limiters.check(now, [1, 1, 1_000_000]);
/// assert!(!verdicts[2].is_allowed());
/// assert_eq!(limiters.each()[0].remaining(now), 29);
/// ```
#[derive(Clone, Debug)]
pub struct Limiters<const M: usize> {
    each: [Limiter; M],
}

impl<const M: usize> Limiters<M> {
    /// A limiter for each limit.
    #[must_use]
    pub fn new(limits: [Limit; M]) -> Self {
        Self { each: limits.map(Limiter::new) }
    }

    /// The verdict of each limit about a request that costs so much of each.
    ///
    /// Where any refuses, nothing is counted, and those that refuse begin their blocks. The request passes if all
    /// verdicts are [`Verdict::Allowed`].
    #[must_use = "a verdict that nobody reads limits nothing"]
    pub fn check(&mut self, now: Instant, costs: [u32; M]) -> [Verdict; M] {
        // What was counted, and a block that was begun, are told by a look at how things stand.
        match self.passes(now, &costs) {
            true => self.peek(now, [0; M]),
            false => self.peek(now, costs),
        }
    }

    /// Whether a request passes, which counts it.
    #[inline]
    pub(crate) fn passes(&mut self, now: Instant, costs: &[u32; M]) -> bool {
        let mut all_pass = true;
        for (limiter, &cost) in self.each.iter_mut().zip(costs) {
            all_pass &= cost == 0 || limiter.decide(now, cost).1 == Decision::Passes;
        }
        if !all_pass {
            self.count_refusals(now, costs);
            return false;
        }
        for (limiter, &cost) in self.each.iter_mut().zip(costs) {
            if cost > 0 {
                limiter.take(cost);
                limiter.totals_mut().allowed += 1;
            }
        }
        true
    }

    #[cold]
    fn count_refusals(&mut self, now: Instant, costs: &[u32; M]) {
        for (limiter, &cost) in self.each.iter_mut().zip(costs) {
            let verdict = limiter.peek(now, cost);
            if !verdict.is_allowed() {
                limiter.totals_mut().count(&verdict);
            }
        }
    }

    /// The verdicts that [`Self::check`] would give, with nothing counted and no block begun.
    pub fn peek(&self, now: Instant, costs: [u32; M]) -> [Verdict; M] {
        let mut costs = costs.into_iter();
        self.each.each_ref().map(|limiter| limiter.peek(now, costs.next().unwrap_or(0)))
    }

    /// The limiters, for their statistics.
    #[must_use]
    pub const fn each(&self) -> &[Limiter; M] {
        &self.each
    }

    /// Forgets what was counted, and the blocks; the totals stay.
    pub fn reset(&mut self) {
        self.each.iter_mut().for_each(Limiter::reset);
    }
}
