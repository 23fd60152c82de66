//! A fixed list of upstreams: one is picked, what became of it is told, and who fails stands aside for a while. Knows
//! neither a socket nor a clock.

use std::time::{Duration, Instant};

use super::latency::Latency;
use super::pick::{Balancer, Candidates, Method};
use super::picked::Picked;
use crate::Impossible;
use crate::sync::{Arc, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// In the list, answering.
pub(super) const IN: u64 = 0;
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
pub(super) struct Shared<T> {
    balancer: Balancer,
    pub(super) health: Health,
    base: Instant,
    /// Never more than are [`IN`], and never 0.
    pub(super) available: AtomicUsize,
    all: Box<[Watched<T>]>,
}

#[derive(Debug)]
pub(super) struct Watched<T> {
    pub(super) value: T,
    weight: u32,
    pub(super) in_flight: AtomicU32,
    pub(super) failures: AtomicU32,
    /// How often it was put aside without a success between.
    pub(super) ejections: AtomicU32,
    /// [`IN`], [`PROBED`], or the millisecond since `base` at which a probe is due.
    pub(super) due: AtomicU64,
    pub(super) latency: Latency,
    requests: AtomicU64,
    pub(super) failed: AtomicU64,
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
    /// Its share under [`Method::Weighted`].
    pub weight: u32,
    /// How often it was picked.
    pub requests: u64,
    /// How many of these failed.
    pub failed: u64,
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
        let watched = |(value, weight)| Watched::new(value, weight, &health, now);
        Self::of(method, health, upstreams.into_iter().map(watched).collect(), now)
    }

    /// Another list, or the same with other settings. What is known of an upstream that is in both is taken over: its
    /// latency, its failures, and whether it stands aside; if all of the new list do, they all
    /// come back. Requests in flight stay with the list
    /// that they were picked from.
    ///
    /// # Errors
    /// As [`Upstreams::new`].
    pub fn changed(
        &self,
        method: Method,
        health: Health,
        upstreams: impl IntoIterator<Item = (T, u32)>,
        now: Instant,
    ) -> Result<Self, Impossible>
    where
        T: PartialEq,
    {
        let watched = |(value, weight)| {
            let new = Watched::new(value, weight, &health, now);
            match self.0.all.iter().find(|old| old.value == new.value) {
                Some(old) => new.knowing(old, &health, self.0.millis(now), now),
                None => new,
            }
        };
        Self::of(method, health, upstreams.into_iter().map(watched).collect(), self.0.base)
    }

    fn of(
        method: Method,
        health: Health,
        all: Box<[Watched<T>]>,
        base: Instant,
    ) -> Result<Self, Impossible> {
        Impossible::if_zero("upstreams", all.is_empty())?;
        Impossible::if_zero("weight", all.iter().any(|one| one.weight == 0))?;
        Impossible::if_zero("max_failures", health.max_failures == 0)?;
        if health.ejection_delay > health.max_ejection_delay {
            let why = "must not be longer than `max_ejection_delay`";
            return Err(Impossible { field: "ejection_delay", why });
        }
        if all.iter().all(|one| !one.is_in()) {
            all.iter().for_each(Watched::forgive);
        }
        let available = AtomicUsize::new(all.iter().filter(|one| one.is_in()).count());
        Ok(Self(Arc::new(Shared { balancer: Balancer::new(method), health, base, available, all })))
    }

    /// Picks one for a request. `random` is 64 random bits, used by [`Method::P2c`] alone.
    pub fn pick(&self, now: Instant, random: u64) -> Picked<T> {
        // One is always in; it may have changed under the walk, though.
        let (index, is_probe) = self.0.choose(now, random, &|_| false).unwrap_or((0, false));
        self.picked(index, now, is_probe)
    }

    /// Picks one for a request that others of the list did not answer: none whose place in the list `is_tried`. If all
    /// others stand aside, the one that is to be probed next is asked now. `None` if all are tried.
    #[must_use]
    pub fn pick_other(
        &self,
        now: Instant,
        random: u64,
        is_tried: impl Fn(usize) -> bool,
    ) -> Option<Picked<T>> {
        let chosen = self.0.choose(now, random, &is_tried);
        let (index, is_probe) = chosen.or_else(|| self.0.next_due(&is_tried))?;
        Some(self.picked(index, now, is_probe))
    }

    fn picked(&self, index: usize, now: Instant, is_probe: bool) -> Picked<T> {
        let one = self.0.at(index);
        one.in_flight.fetch_add(1, Relaxed);
        one.requests.fetch_add(1, Relaxed);
        Picked::new(Arc::clone(&self.0), index, now, is_probe)
    }

    /// How many there are, whether they stand aside or not; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty list is not constructed")]
    pub fn len(&self) -> usize {
        self.0.all.len()
    }

    /// All upstreams, in their order.
    pub fn states(&self, now: Instant) -> impl Iterator<Item = (&T, UpstreamState)> {
        self.0.all.iter().map(move |one| {
            let state = UpstreamState {
                in_flight: one.in_flight.load(Relaxed),
                failures: one.failures.load(Relaxed),
                is_ejected: !one.is_in(),
                latency: one.latency.estimate(now),
                weight: one.weight,
                requests: one.requests.load(Relaxed),
                failed: one.failed.load(Relaxed),
            };
            (&one.value, state)
        })
    }
}

impl<T> Watched<T> {
    fn new(value: T, weight: u32, health: &Health, now: Instant) -> Self {
        let [in_flight, failures, ejections] = [(); 3].map(|()| AtomicU32::new(0));
        let [requests, failed] = [(); 2].map(|()| AtomicU64::new(0));
        let latency = Latency::new(health.latency_decay, health.assumed_latency, now);
        let due = AtomicU64::new(IN);
        Self { value, weight, in_flight, failures, ejections, due, latency, requests, failed }
    }

    /// The same, with what was known of it before. Of a probe on its way nothing will be heard: the next is due.
    fn knowing(self, old: &Self, health: &Health, millis: u64, now: Instant) -> Self {
        let due = match old.due.load(Relaxed) {
            PROBED => millis.max(IN + 1),
            due => due,
        };
        let copy = |counter: &AtomicU32| AtomicU32::new(counter.load(Relaxed));
        Self {
            failures: copy(&old.failures),
            ejections: copy(&old.ejections),
            due: AtomicU64::new(due),
            latency: Latency::new(health.latency_decay, old.latency.estimate(now), now),
            requests: AtomicU64::new(old.requests.load(Relaxed)),
            failed: AtomicU64::new(old.failed.load(Relaxed)),
            ..self
        }
    }

    fn forgive(&self) {
        self.due.store(IN, Relaxed);
        self.failures.store(0, Relaxed);
        self.ejections.store(0, Relaxed);
    }

    pub(super) fn is_in(&self) -> bool {
        self.due.load(Relaxed) == IN
    }
}

impl<T> Shared<T> {
    /// The upstream at an index that was picked, which is within the list.
    pub(super) fn at(&self, index: usize) -> &Watched<T> {
        &self.all[index]
    }

    /// One that is in, or one whose probe is due; and whether it is that.
    fn choose(
        &self,
        now: Instant,
        random: u64,
        is_tried: &dyn Fn(usize) -> bool,
    ) -> Option<(usize, bool)> {
        if let Some(due) = self.due(now, is_tried) {
            return Some((due, true));
        }
        let view = View { shared: self, now, is_tried };
        self.balancer.pick(&view, random).map(|index| (index, false))
    }

    /// One that stood aside long enough; whoever gets it makes the probe.
    fn due(&self, now: Instant, is_tried: &dyn Fn(usize) -> bool) -> Option<usize> {
        if self.available.load(Relaxed) == self.all.len() {
            return None;
        }
        let now = self.millis(now);
        (0..self.all.len()).filter(|&index| !is_tried(index)).find(|&index| {
            let due = self.at(index).due.load(Relaxed);
            due <= now && self.probe(index, due)
        })
    }

    /// Of those not tried the one whose probe is due first, though that is not yet.
    fn next_due(&self, is_tried: &dyn Fn(usize) -> bool) -> Option<(usize, bool)> {
        let others = (0..self.all.len()).filter(|&index| !is_tried(index));
        let dues = others.map(|index| (self.at(index).due.load(Relaxed), index));
        dues.min().map(|(due, index)| (index, self.probe(index, due)))
    }

    /// Whether the caller makes the probe of one that was out until `due`; only one does.
    fn probe(&self, index: usize, due: u64) -> bool {
        let is_out = due != IN && due != PROBED;
        let one = self.at(index);
        is_out && one.due.compare_exchange(due, PROBED, Relaxed, Relaxed).is_ok()
    }

    /// Puts one aside, unless it is the last. It is counted out before it is marked, and counted in after it is
    /// unmarked: so one is always left.
    pub(super) fn eject(&self, one: &Watched<T>, now: Instant) {
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
    pub(super) fn next_probe(&self, one: &Watched<T>, now: Instant) -> u64 {
        let times = one.ejections.fetch_add(1, Relaxed).min(31);
        let delay = self.health.ejection_delay.saturating_mul(1 << times);
        let due =
            self.millis(now).saturating_add(millis(delay.min(self.health.max_ejection_delay)));
        due.clamp(IN + 1, PROBED - 1)
    }

    pub(super) fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.base))
    }
}

/// The list as a balancer sees it at one moment.
struct View<'a, T> {
    shared: &'a Shared<T>,
    now: Instant,
    is_tried: &'a dyn Fn(usize) -> bool,
}

impl<T> Candidates for View<'_, T> {
    fn count(&self) -> usize {
        self.shared.all.len()
    }

    fn is_available(&self, index: usize) -> bool {
        self.shared.all.get(index).is_some_and(Watched::is_in) && !(self.is_tried)(index)
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
