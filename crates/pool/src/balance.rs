//! Picks one of many: members of a group, or upstreams. Knows only their load and weight; randomness is an argument.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How one of many is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Each available one in turn.
    RoundRobin,
    /// The one with the least load; among equals in turn.
    LeastConnections,
    /// In proportion to the weights, spread evenly instead of in runs.
    Weighted,
    /// The less loaded of two taken at random: nearly as good as the least loaded, and many balancers
    /// that know nothing of each other do not all run to the same one.
    P2c,
}

/// What can be picked from: a list as [`Balancer::pick`] sees it.
pub trait Candidates {
    /// How many there are.
    fn count(&self) -> usize;

    /// Whether the one at `index` may be picked; `index` is below [`count`](Self::count).
    fn is_available(&self, index: usize) -> bool {
        let _ = index;
        true
    }

    /// How busy the one at `index` is, in any unit that all share (requests in flight, say).
    fn load(&self, index: usize) -> u64;

    /// The share of the one at `index` under [`Method::Weighted`]; one of weight 0 gets nothing.
    fn weight(&self, index: usize) -> u32 {
        let _ = index;
        1
    }
}

/// Picks one of many by a [`Method`]; remembers only whose turn it is, so candidates may come and go.
///
/// A pick costs a walk over the candidates or two, and no allocation.
///
/// ```
/// use tidegate_pool::balance::{Balancer, Candidates, Method};
/// struct Upstreams(Vec<u64>); // the requests in flight of each
/// impl Candidates for Upstreams {
///     fn count(&self) -> usize { self.0.len() }
///     fn load(&self, index: usize) -> u64 { self.0[index] }
/// }
/// let balancer = Balancer::new(Method::LeastConnections);
/// assert_eq!(balancer.pick(&Upstreams(vec![4, 1, 7]), 0), Some(1));
/// ```
#[derive(Debug)]
pub struct Balancer {
    method: Method,
    turn: AtomicU64,
}

impl Balancer {
    /// A balancer at its first turn.
    #[must_use]
    pub const fn new(method: Method) -> Self {
        Self { method, turn: AtomicU64::new(0) }
    }

    /// How it picks.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The index of the one picked, or `None` if none is available. `random` is 64 random bits; only
    /// [`Method::P2c`] uses them.
    #[must_use]
    pub fn pick(&self, candidates: &impl Candidates, random: u64) -> Option<usize> {
        choose(self.method, self.turn.fetch_add(1, Relaxed), candidates, random)
    }
}

/// The pick of one turn.
pub(crate) fn choose(
    method: Method,
    turn: u64,
    candidates: &impl Candidates,
    random: u64,
) -> Option<usize> {
    match method {
        Method::RoundRobin => in_turn(turn, || available(candidates)),
        Method::LeastConnections => least(turn, candidates),
        Method::Weighted => weighted(turn, candidates),
        Method::P2c => p2c(random, candidates),
    }
}

fn available(candidates: &impl Candidates) -> impl Iterator<Item = usize> {
    (0..candidates.count()).filter(|&index| candidates.is_available(index))
}

/// The one whose turn it is. Counts first, so that the neighbour of one left out gets no double share.
fn in_turn<I: Iterator<Item = usize>>(turn: u64, choice: impl Fn() -> I) -> Option<usize> {
    let count = choice().count() as u64;
    let place = turn.checked_rem(count)?;
    choice().nth(usize::try_from(place).ok()?)
}

fn least(turn: u64, candidates: &impl Candidates) -> Option<usize> {
    // Loads may change under us: each is read once to find the least, once to find who has no more.
    let least = available(candidates).map(|index| candidates.load(index)).min()?;
    in_turn(turn, || available(candidates).filter(|&index| candidates.load(index) <= least))
        .or_else(|| available(candidates).next())
}

/// Turn `n` falls on the fraction of `n / golden ratio`, a sequence that fills any interval evenly: after
/// N turns each has N times its share, give or take a few, and never a long run of its own. It needs no
/// state per candidate, which a smooth round robin would.
fn weighted(turn: u64, candidates: &impl Candidates) -> Option<usize> {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15; // 2^64 / golden ratio
    let share = |index| u128::from(candidates.weight(index));
    let total: u128 = available(candidates).map(share).sum();
    let point = (u128::from(turn.wrapping_mul(GOLDEN)) * total) >> 64;
    let mut reached = 0;
    available(candidates).find(|&index| {
        reached += share(index);
        point < reached
    })
}

fn p2c(random: u64, candidates: &impl Candidates) -> Option<usize> {
    let count = available(candidates).count() as u64;
    let (low, high) = (random & 0xFFFF_FFFF, random >> 32);
    let first = low.checked_rem(count)?;
    let one = available(candidates).nth(usize::try_from(first).ok()?)?;
    let Some(step) = high.checked_rem(count - 1) else { return Some(one) };
    let second = (first + 1 + step) % count;
    let Some(other) = available(candidates).nth(usize::try_from(second).ok()?) else {
        return Some(one);
    };
    Some(if candidates.load(other) < candidates.load(one) { other } else { one })
}
