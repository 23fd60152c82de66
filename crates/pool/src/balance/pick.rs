//! The four ways to pick one of many. Knows neither health nor time.

use crate::sync::{AtomicU64, Ordering::Relaxed};

/// How one of many is picked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Each available one in turn.
    RoundRobin,
    /// The one with the least load; among equals in turn.
    LeastConnections,
    /// In proportion to the weights: of as many picks as all weights together each gets exactly its weight,
    /// spread evenly instead of in runs.
    Weighted,
    /// The less loaded of two taken at random: nearly as good as the least loaded, and many balancers
    /// that know nothing of each other do not all run to the same one. The default.
    #[default]
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

    /// A number by which the one at `index` is known if the list moves; it grows with the index. The index
    /// itself by default, which is right for a list that does not move.
    fn mark(&self, index: usize) -> u64 {
        index as u64
    }

    /// The first index of this mark or a later one; any number at or beyond the end if there is none.
    fn place(&self, mark: u64) -> usize {
        usize::try_from(mark).unwrap_or(usize::MAX)
    }
}

/// Picks one of many by a [`Method`]; remembers only whose turn it is, so candidates may come and go.
///
/// A pick allocates nothing. `RoundRobin` looks at the next available one; the others walk over all, once or
/// twice.
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
    turn: Turn,
}

impl Balancer {
    /// A balancer at its first turn.
    #[must_use]
    pub fn new(method: Method) -> Self {
        Self { method, turn: Turn::default() }
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
        self.turn.pick(self.method, candidates, random)
    }
}

/// Whose turn it is: the mark after the last one picked; under [`Method::Weighted`] a count.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicU64);

impl Turn {
    pub(crate) fn pick(
        &self,
        method: Method,
        candidates: &impl Candidates,
        random: u64,
    ) -> Option<usize> {
        match method {
            Method::RoundRobin => self.in_turn(candidates),
            Method::LeastConnections => self.least(candidates),
            Method::Weighted => weighted(self.0.fetch_add(1, Relaxed), candidates),
            Method::P2c => p2c(random, candidates),
        }
    }

    /// The next one after the last: whoever loses a race for it takes the one after that.
    fn in_turn(&self, candidates: &impl Candidates) -> Option<usize> {
        let mut turn = self.0.load(Relaxed);
        loop {
            let picked = around(candidates, turn).next()?;
            let next = candidates.mark(picked).wrapping_add(1);
            match self.0.compare_exchange_weak(turn, next, Relaxed, Relaxed) {
                Ok(_) => return Some(picked),
                Err(now) => turn = now,
            }
        }
    }

    /// Of those with the least load the first after the last pick. Each load is read once.
    fn least(&self, candidates: &impl Candidates) -> Option<usize> {
        let all = around(candidates, self.0.load(Relaxed));
        let picked = all.min_by_key(|&index| candidates.load(index))?;
        self.0.store(candidates.mark(picked).wrapping_add(1), Relaxed);
        Some(picked)
    }
}

fn available(candidates: &impl Candidates) -> impl Iterator<Item = usize> {
    (0..candidates.count()).filter(|&index| candidates.is_available(index))
}

/// Those available from a mark on to the end, then from the begin.
fn around(candidates: &impl Candidates, mark: u64) -> impl Iterator<Item = usize> {
    let count = candidates.count();
    let from = candidates.place(mark).min(count);
    (from..count).chain(0..from).filter(|&index| candidates.is_available(index))
}

/// Turn `n` of a cycle as long as the sum of the weights falls on `n × step`, modulo that sum. A step without
/// a common divisor meets each point once a cycle; one close to the golden section of the sum fills any interval
/// evenly. It needs no state per candidate, which the usual smooth round robin does.
fn weighted(turn: u64, candidates: &impl Candidates) -> Option<usize> {
    const GOLDEN: u128 = 0x9E37_79B9_7F4A_7C15; // 2^64 / golden ratio
    let share = |index| u64::from(candidates.weight(index));
    let total = available(candidates).map(share).fold(0, u64::saturating_add);
    let about = ((u128::from(total) * GOLDEN) >> 64) as u64;
    let step = (about..).find(|&step| greatest_common_divisor(step, total) == 1)?;
    let product = u128::from(turn.checked_rem(total)?) * u128::from(step);
    let point = product % u128::from(total);
    let mut reached = 0;
    let at_point = available(candidates).find(|&index| {
        reached += u128::from(share(index));
        point < reached
    });
    // Weights may change under us: then the point lies beyond them.
    at_point.or_else(|| available(candidates).find(|&index| share(index) > 0))
}

fn greatest_common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

fn p2c(random: u64, candidates: &impl Candidates) -> Option<usize> {
    let count = available(candidates).count() as u64;
    let (low, high) = (random & 0xFFFF_FFFF, random >> 32);
    let nth = |place| available(candidates).nth(usize::try_from(place).ok()?);
    let first = low.checked_rem(count)?;
    // Availability may change under us: then the place may be beyond the end.
    let one = nth(first).or_else(|| available(candidates).next())?;
    let Some(step) = high.checked_rem(count - 1) else { return Some(one) };
    let Some(other) = nth((first + 1 + step) % count) else { return Some(one) };
    Some(if candidates.load(other) < candidates.load(one) { other } else { one })
}
