//! A fixed list of upstreams: one is picked, what became of it is told, and who fails stands aside for a while. Knows
//! neither a socket nor a clock.

use std::time::{Duration, Instant};

use super::latency::Latency;
use super::pick::{Balancer, Candidates, Method};
use crate::Impossible;
use crate::sync::{Arc, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// In the list, answering.
const IN: u64 = 0;
/// Out of the list, and a probe is on its way.
const PROBED: u64 = u64::MAX;

/// When an upstream stands aside, and for how long; and how its latency is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Failures in a row that put an upstream aside, at least 1; 5 by default.
    pub max_failures: u32,
    /// How long it stands aside before a probe, the first time; 10 s by default. Twice as long each time the probe fails.
    pub ejection_delay: Duration,
    /// The longest time that it stands aside; 5 minutes by default.
    pub max_ejection_delay: Duration,
    /// In how long an observed latency decays to a third ([`Latency`]); 10 s by default.
    pub latency_decay: Duration,
    /// The latency of an upstream that has not answered yet; 50 ms by default.
    pub assumed_latency: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            max_failures: 5,
            ejection_delay: Duration::from_secs(10),
            max_ejection_delay: Duration::from_secs(300),
            latency_decay: Duration::from_secs(10),
            assumed_latency: Duration::from_millis(50),
        }
    }
}

/// Upstreams that are balanced, watched, and put aside while they fail. A clone is the same list.
///
/// After [`Health::max_failures`] in a row one stands aside; when its time is over a single request is its probe, and
/// the answer brings it back. The last one left is never put aside: a list that is not empty always has a pick.
/// Under [`Method::P2c`] the load is the requests in flight and one more, times the expected latency; otherwise
/// the requests in flight.
///
/// ```
/// use std::time::Instant;
/// use tidegate_pool::balance::{Health, Method, Upstreams};
/// let now = Instant::now();
/// let two = [("a", 1), ("b", 1)];
/// let upstreams = Upstreams::new(Method::RoundRobin, Health::default(), two, now).unwrap();
/// let picked = upstreams.pick(now, 0);
/// assert_eq!(*picked.value(), "a");
/// picked.succeeded(now);
/// ```
#[derive(Debug)]
pub struct Upstreams<T>(Arc<Shared<T>>);

impl<T> Clone for Upstreams<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Shared<T> {
    balancer: Balancer,
    health: Health,
    base: Instant,
    /// Never more than are [`IN`], and never 0.
    available: AtomicUsize,
    all: Box<[Watched<T>]>,
}

#[derive(Debug)]
struct Watched<T> {
    value: T,
    weight: u32,
    in_flight: AtomicU32,
    failures: AtomicU32,
    /// How often it was put aside without a success between.
    ejections: AtomicU32,
    /// [`IN`], [`PROBED`], or the millisecond since `base` at which a probe is due.
    due: AtomicU64,
    latency: Latency,
}

/// What is known of one upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpstreamState {
    /// Requests on their way.
    pub in_flight: u32,
    /// Failures in a row.
    pub failures: u32,
    /// Whether it stands aside.
    pub is_ejected: bool,
    /// What an answer is expected to take.
    pub latency: Duration,
}

impl<T> Upstreams<T> {
    /// A list in which all are well: each is what the caller knows it by, and its share under [`Method::Weighted`].
    ///
    /// # Errors
    /// [`Impossible`] if the list is empty, a weight or `max_failures` is 0, or `ejection_delay` is longer than its
    /// maximum.
    pub fn new(
        method: Method,
        health: Health,
        upstreams: impl IntoIterator<Item = (T, u32)>,
        now: Instant,
    ) -> Result<Self, Impossible> {
        let watched = |(value, weight)| Watched {
            value,
            weight,
            in_flight: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            due: AtomicU64::new(IN),
            latency: Latency::new(health.latency_decay, health.assumed_latency, now),
        };
        let all: Box<[_]> = upstreams.into_iter().map(watched).collect();
        Impossible::if_zero("upstreams", all.is_empty())?;
        Impossible::if_zero("weight", all.iter().any(|one| one.weight == 0))?;
        Impossible::if_zero("max_failures", health.max_failures == 0)?;
        if health.ejection_delay > health.max_ejection_delay {
            let why = "must not be longer than `max_ejection_delay`";
            return Err(Impossible { field: "ejection_delay", why });
        }
        let (balancer, available) = (Balancer::new(method), AtomicUsize::new(all.len()));
        Ok(Self(Arc::new(Shared { balancer, health, base: now, available, all })))
    }

    /// Picks one for a request. `random` is 64 random bits, used by [`Method::P2c`] alone.
    pub fn pick(&self, now: Instant, random: u64) -> Picked<T> {
        let shared = &*self.0;
        let due = shared.due(now);
        let view = View { shared, now };
        // One is always in; it may have changed under the walk, though.
        let index = due.or_else(|| shared.balancer.pick(&view, random)).unwrap_or(0);
        shared.of(index).in_flight.fetch_add(1, Relaxed);
        Picked { list: Arc::clone(&self.0), index, at: now, is_probe: due.is_some() }
    }

    /// All upstreams, in their order.
    pub fn states(&self, now: Instant) -> impl Iterator<Item = (&T, UpstreamState)> {
        self.0.all.iter().map(move |one| {
            let state = UpstreamState {
                in_flight: one.in_flight.load(Relaxed),
                failures: one.failures.load(Relaxed),
                is_ejected: one.due.load(Relaxed) != IN,
                latency: one.latency.estimate(now),
            };
            (&one.value, state)
        })
    }
}

impl<T> Shared<T> {
    /// The upstream at an index that was picked, which is within the list.
    fn of(&self, index: usize) -> &Watched<T> {
        &self.all[index]
    }

    /// One that stood aside long enough; whoever gets it makes the probe.
    fn due(&self, now: Instant) -> Option<usize> {
        if self.available.load(Relaxed) == self.all.len() {
            return None;
        }
        let now = self.millis(now);
        self.all.iter().position(|one| {
            let due = one.due.load(Relaxed);
            let over = due != IN && due != PROBED && due <= now;
            over && one.due.compare_exchange(due, PROBED, Relaxed, Relaxed).is_ok()
        })
    }

    /// Puts one aside, unless it is the last. It is counted out before it is marked, and counted in after it is
    /// unmarked: so one is always left.
    fn eject(&self, one: &Watched<T>, now: Instant) {
        let fewer = |available: usize| (available > 1).then(|| available - 1);
        if self.available.fetch_update(Relaxed, Relaxed, fewer).is_err() {
            return;
        }
        let due = self.next_probe(one, now);
        if one.due.compare_exchange(IN, due, Relaxed, Relaxed).is_err() {
            self.available.fetch_add(1, Relaxed); // somebody else has put it aside
        }
    }

    /// When the next probe is due; twice as long each time, up to the maximum.
    fn next_probe(&self, one: &Watched<T>, now: Instant) -> u64 {
        let times = one.ejections.fetch_add(1, Relaxed).min(31);
        let delay = self.health.ejection_delay.saturating_mul(1 << times);
        let due =
            self.millis(now).saturating_add(millis(delay.min(self.health.max_ejection_delay)));
        due.clamp(IN + 1, PROBED - 1)
    }

    fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.base))
    }
}

/// A request to one upstream, in flight until this is dropped. Say what became of it: dropped without a word, it counts
/// neither for nor against the upstream.
#[derive(Debug)]
#[must_use = "the request is in flight as long as this lives"]
pub struct Picked<T> {
    list: Arc<Shared<T>>,
    index: usize,
    at: Instant,
    is_probe: bool,
}

impl<T> Picked<T> {
    /// The upstream.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.list.of(self.index).value
    }

    /// Its place in the list.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether this request is to find out if the upstream is well again.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.is_probe
    }

    /// It answered; the time since the pick is its latency.
    pub fn succeeded(mut self, now: Instant) {
        let one = self.list.of(self.index);
        one.latency.observe(now.saturating_duration_since(self.at), now);
        one.failures.store(0, Relaxed);
        if std::mem::take(&mut self.is_probe) {
            one.due.store(IN, Relaxed);
            self.list.available.fetch_add(1, Relaxed);
        } else if one.due.load(Relaxed) == IN {
            one.ejections.store(0, Relaxed);
        }
    }

    /// It could not be reached, or gave no answer. A failure that came quickly makes nobody look fast.
    pub fn failed(mut self, now: Instant) {
        let one = self.list.of(self.index);
        let took = now.saturating_duration_since(self.at);
        if took > one.latency.estimate(now) {
            one.latency.observe(took, now);
        }
        if std::mem::take(&mut self.is_probe) {
            one.due.store(self.list.next_probe(one, now), Relaxed);
            return;
        }
        let failures = one.failures.fetch_add(1, Relaxed).saturating_add(1);
        if failures >= self.list.health.max_failures && one.due.load(Relaxed) == IN {
            self.list.eject(one, now);
        }
    }
}

impl<T> Drop for Picked<T> {
    fn drop(&mut self) {
        let one = self.list.of(self.index);
        one.in_flight.fetch_sub(1, Relaxed);
        if self.is_probe {
            // Given up without an answer: the next request is the probe.
            one.due.store(self.list.millis(self.at).max(IN + 1), Relaxed);
        }
    }
}

/// The list as a balancer sees it at one moment.
struct View<'a, T> {
    shared: &'a Shared<T>,
    now: Instant,
}

impl<T> Candidates for View<'_, T> {
    fn count(&self) -> usize {
        self.shared.all.len()
    }

    fn is_available(&self, index: usize) -> bool {
        self.shared.all.get(index).is_some_and(|one| one.due.load(Relaxed) == IN)
    }

    fn load(&self, index: usize) -> u64 {
        let Some(one) = self.shared.all.get(index) else { return u64::MAX };
        let in_flight = u64::from(one.in_flight.load(Relaxed));
        if self.shared.balancer.method() != Method::P2c {
            return in_flight;
        }
        let latency = u64::try_from(one.latency.estimate(self.now).as_micros()).unwrap_or(u64::MAX);
        (in_flight + 1).saturating_mul(latency.saturating_add(1))
    }

    fn weight(&self, index: usize) -> u32 {
        self.shared.all.get(index).map_or(0, |one| one.weight)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
