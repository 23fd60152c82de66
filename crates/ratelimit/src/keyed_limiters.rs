//! Several limits at once on each of many keys: all pass or none counts. It does not know what the limits count.

use std::hash::Hash;
use std::time::Instant;

use crate::{FOREVER, Keyed, Standing, Verdict};

/// What [`Limiters`](crate::Limiters) are for one key: a request passes if every limit lets it, and what one refuses counts for
/// none. Each limit has a name, by which a client is told of it.
///
/// ```
/// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
/// use std::{num::NonZeroUsize, time::Instant};
/// use tidegate_ratelimit::{Keyed, KeyedLimiters, Limit, Refused};
///
/// let most = NonZeroUsize::new(10_000).unwrap();
/// let users = KeyedLimiters::new([
///     ("minute", Keyed::new(Limit::per_minute(2), most)),
///     ("bytes", Keyed::new(Limit::per_second(1 << 20), most)),
/// ]);
/// let now = Instant::now();
/// assert_eq!(Refused::by(&users.check(&"ann", now, [1, 1_000_000])), None);
/// let refused = Refused::by(&users.check(&"ann", now, [1, 1_000_000])).unwrap();
/// assert_eq!(refused.policy, "bytes");
/// assert!(users.check(&"ann", now, [1, 9]).iter().all(|standing| standing.verdict.is_allowed()));
/// ```
#[derive(Debug)]
pub struct KeyedLimiters<K, const M: usize> {
    each: [(&'static str, Keyed<K>); M],
}

impl<K: Hash + Eq + Clone, const M: usize> KeyedLimiters<K, M> {
    /// The limits by their names.
    #[must_use]
    pub const fn new(each: [(&'static str, Keyed<K>); M]) -> Self {
        Self { each }
    }

    /// What each limit says about a request by `key` that costs so much of each; 0: it is none of its business.
    ///
    /// Where one refuses, nothing is counted; the limits after it are told as they stand. The request passes if all
    /// verdicts are [`Verdict::Allowed`], which is what [`Refused::by`](crate::Refused::by) looks for.
    #[must_use = "a verdict that nobody reads limits nothing"]
    pub fn check(&self, key: &K, now: Instant, costs: [u32; M]) -> [Standing; M] {
        let mut standings = self.each.each_ref().map(|(policy, keyed)| Standing {
            policy,
            limit: keyed.limit(),
            verdict: Verdict::Limited { retry_after: FOREVER },
        });
        if let ([(_, keyed)], [cost], [standing]) = (&self.each[..], &costs[..], &mut standings[..])
        {
            standing.verdict = keyed.check(key, now, *cost);
            return standings;
        }
        let asked = self.check_from(0, key, now, &costs, &mut standings);
        let rest = self.each.iter().zip(costs).zip(&mut standings).skip(asked);
        for (((_, keyed), cost), standing) in rest {
            standing.verdict = keyed.peek(key, now, cost);
        }
        standings
    }

    /// What [`Self::check`] would say, with nothing counted.
    #[must_use]
    pub fn peek(&self, key: &K, now: Instant, costs: [u32; M]) -> [Standing; M] {
        let mut costs = costs.into_iter();
        self.each.each_ref().map(|(policy, keyed)| Standing {
            policy,
            limit: keyed.limit(),
            verdict: keyed.peek(key, now, costs.next().unwrap_or(0)),
        })
    }

    /// Forgets a key and its blocks.
    pub fn forget(&self, key: &K) {
        self.each.iter().for_each(|(_, keyed)| keyed.forget(key));
    }

    /// The stores, for their statistics.
    #[must_use]
    pub const fn each(&self) -> &[(&'static str, Keyed<K>); M] {
        &self.each
    }

    /// Asks the limits from that one on, each while those before are locked: always in the same order. Says how
    /// many were asked in all.
    fn check_from(
        &self,
        index: usize,
        key: &K,
        now: Instant,
        costs: &[u32; M],
        standings: &mut [Standing; M],
    ) -> usize {
        let (Some((_, keyed)), Some(cost)) = (self.each.get(index), costs.get(index)) else {
            return M;
        };
        let mut asked = index + 1;
        let verdict = keyed.check_if(key, now, *cost, || {
            asked = self.check_from(index + 1, key, now, costs, standings);
            standings.iter().take(asked).skip(index + 1).all(|after| after.verdict.is_allowed())
        });
        if let Some(standing) = standings.get_mut(index) {
            standing.verdict = verdict;
        }
        asked
    }
}
