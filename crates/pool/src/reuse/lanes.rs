//! Who has which connection and who waits, under one lock of the caller's. Drops no connection and wakes nobody:
//! both are the caller's code, and are returned.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::task::Waker;
use std::time::Instant;

use super::limits::{Exhausted, ReuseLimits, ReuseStats};
use crate::hash::NameHash;

/// A connection that is nobody's for the moment.
#[derive(Debug)]
pub(super) struct Free<C> {
    pub(super) connection: C,
    /// Whether it has been given more than once.
    pub(super) is_reused: bool,
}

/// What comes to whoever waits: a connection, or a place to make one.
pub(super) type Gift<C> = Option<Free<C>>;

/// The answer to who asks.
pub(super) enum Asked<C> {
    /// Take this.
    Gift(Gift<C>),
    /// Ask again with a waker, to wait.
    Wait,
    /// Wait under this number.
    Waiting(u64),
}

/// All targets.
#[derive(Debug)]
pub(super) struct Lanes<K, C> {
    limits: ReuseLimits,
    by_key: HashMap<K, Lane<C>, NameHash>,
    idle: usize,
    tickets: u64,
    pub(super) stats: ReuseStats,
}

/// One target. While anybody waits, nothing is idle and no place is free; without connections it is not there.
#[derive(Debug)]
struct Lane<C> {
    /// The longest idle first.
    idle: VecDeque<(Instant, Free<C>)>,
    /// Connections and places that are not free.
    open: usize,
    waiting: BTreeMap<u64, Waker>,
    /// What was given to whoever waited and has not looked yet.
    given: BTreeMap<u64, Gift<C>>,
}

impl<C> Default for Lane<C> {
    fn default() -> Self {
        let (idle, waiting, given) = (VecDeque::new(), BTreeMap::new(), BTreeMap::new());
        Self { idle, open: 0, waiting, given }
    }
}

impl<K: Hash + Eq + Clone, C> Lanes<K, C> {
    pub(super) fn new(limits: ReuseLimits) -> Self {
        let by_key = HashMap::with_hasher(NameHash::default());
        Self { limits, by_key, idle: 0, tickets: 0, stats: ReuseStats::default() }
    }

    /// What is there for whoever comes now. Connections that were idle for too long go into `dead`.
    pub(super) fn ask(
        &mut self,
        key: &K,
        now: Instant,
        waker: &mut Option<Waker>,
        dead: &mut Vec<C>,
    ) -> Result<Asked<C>, Exhausted> {
        let Some(lane) = self.by_key.get_mut(key) else {
            self.by_key.insert(key.clone(), Lane { open: 1, ..Lane::default() });
            self.stats.pools_created += 1;
            return Ok(Asked::Gift(None));
        };
        let expired = expire(lane, now, &self.limits, dead);
        self.idle -= expired;
        self.stats.connections_expired += expired as u64;
        if let Some((_, free)) = lane.idle.pop_back() {
            self.idle -= 1;
            return Ok(Asked::Gift(Some(free)));
        }
        if lane.open < self.limits.max_connections {
            lane.open += 1;
            return Ok(Asked::Gift(None));
        }
        if lane.waiting.len() >= self.limits.max_waiting {
            return Err(Exhausted);
        }
        let Some(waker) = waker.take() else { return Ok(Asked::Wait) };
        self.tickets += 1;
        lane.waiting.insert(self.tickets, waker);
        Ok(Asked::Waiting(self.tickets))
    }

    /// What was given to a ticket. If nothing yet, its waker is exchanged for this one.
    pub(super) fn look(&mut self, key: &K, ticket: u64, waker: &mut Waker) -> Option<Gift<C>> {
        let lane = self.by_key.get_mut(key)?;
        if let Some(waiting) = lane.waiting.get_mut(&ticket) {
            std::mem::swap(waiting, waker);
            return None;
        }
        lane.given.remove(&ticket)
    }

    /// Another for one that is broken and keeps its place: an idle one, whose place is given up then.
    pub(super) fn another(&mut self, key: &K) -> Gift<C> {
        self.stats.connections_broken += 1;
        let lane = self.by_key.get_mut(key)?;
        let (_, free) = lane.idle.pop_back()?;
        lane.open -= 1;
        self.idle -= 1;
        Some(free)
    }

    /// Takes a connection back: for the first who waits, else to be kept. `Err` has one that is not kept.
    pub(super) fn put(&mut self, key: &K, free: Free<C>, now: Instant) -> Result<Option<Waker>, C> {
        let Some(lane) = self.by_key.get_mut(key) else { return Err(free.connection) };
        if let Some((ticket, waker)) = lane.waiting.pop_first() {
            lane.given.insert(ticket, Some(free));
            return Ok(Some(waker));
        }
        if self.idle >= self.limits.max_idle {
            self.leave(key);
            return Err(free.connection);
        }
        lane.idle.push_back((now, free));
        self.idle += 1;
        Ok(None)
    }

    /// Takes a place back: for the first who waits, else it is free.
    pub(super) fn leave(&mut self, key: &K) -> Option<Waker> {
        let Entry::Occupied(mut entry) = self.by_key.entry(key.clone()) else { return None };
        let lane = entry.get_mut();
        if let Some((ticket, waker)) = lane.waiting.pop_first() {
            lane.given.insert(ticket, None);
            return Some(waker);
        }
        lane.open -= 1;
        if lane.open == 0 {
            entry.remove();
        }
        None
    }

    /// Forgets who waited. What had been given to them is returned, to be given to the next; and their waker.
    pub(super) fn forget(&mut self, key: &K, ticket: u64) -> (Option<Gift<C>>, Option<Waker>) {
        let Some(lane) = self.by_key.get_mut(key) else { return (None, None) };
        (lane.given.remove(&ticket), lane.waiting.remove(&ticket))
    }

    /// Takes out what was idle for too long.
    pub(super) fn expire(&mut self, now: Instant, dead: &mut Vec<C>) {
        let mut expired = 0;
        self.by_key.retain(|_, lane| {
            expired += expire(lane, now, &self.limits, dead);
            lane.open > 0
        });
        self.idle -= expired;
        self.stats.connections_expired += expired as u64;
    }

    /// The counters, and how things stand.
    pub(super) fn stats(&self) -> ReuseStats {
        let lanes = self.by_key.values();
        let (open, waiting) = lanes
            .fold((0, 0), |(open, waiting), lane| (open + lane.open, waiting + lane.waiting.len()));
        ReuseStats { open, waiting, idle: self.idle, ..self.stats }
    }
}

/// Moves the connections of one lane that were idle for too long, and says how many.
fn expire<C>(lane: &mut Lane<C>, now: Instant, limits: &ReuseLimits, dead: &mut Vec<C>) -> usize {
    let before = lane.idle.len();
    let is_old = |since: Instant| now.saturating_duration_since(since) >= limits.idle_timeout;
    while let Some((_, free)) = lane.idle.pop_front_if(|(since, _)| is_old(*since)) {
        dead.push(free.connection);
    }
    let expired = before - lane.idle.len();
    lane.open -= expired;
    expired
}
