//! Several limits at once on one key: all pass or none counts. It does not know what the limits count.

use std::time::Instant;

use crate::{Limit, Limiter, Verdict};

/// `30 a minute and 500 an hour and 1 MiB a second`: a request passes if every limit lets it, and what one refuses counts for
/// none.
///
/// Each limit has a cost of its own in each request: one that is 0 says that the request is none of its business. So
/// bytes are a limit beside requests, and requests that are free a limit beside those that are not.
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
        let refuses = |(limiter, cost): (&Limiter, &u32)| !limiter.peek(now, *cost).is_allowed();
        let refused = M > 1 && self.each.iter().zip(&costs).any(refuses);
        let mut costs = costs.into_iter();
        self.each.each_mut().map(|limiter| {
            let cost = costs.next().unwrap_or(0);
            match refused {
                true => limiter.refuse_or_peek(now, cost),
                false => limiter.check(now, cost),
            }
        })
    }

    /// The verdicts that [`Self::check`] would give, with nothing counted and no block begun.
    #[must_use]
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
