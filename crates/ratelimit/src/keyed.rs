//! The limiters of many keys, under a hard cap. It does not know what a key means.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hash};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crate::limit::nanos;
use crate::state::State;
use crate::{Limit, Totals, Verdict};

/// More shards than this help no machine that we know of.
const MAX_SHARDS: usize = 64;
/// Below this many keys a shard is too small to choose well whom to forget.
const MIN_SHARD_KEYS: usize = 64;
/// Slots that each new key looks at, to forget those that are idle. A new key adds one slot and every removal
/// brings another into its place, so less than 3 would never shrink the store.
const SWEEP: usize = 4;
/// Unblocked keys among which the one to forget is chosen.
const CHOICE: usize = 8;

/// One [`Limit`] for many keys, each with its own state; all methods take `&self`.
///
/// At most `max_keys` keys are held, spread over up to 64 locked shards by a keyed hash. Each new key clears out
/// a few idle ones. Where none is idle and its shard is full, one that is not blocked and has used least (of a few)
/// is forgotten, in at most one pass over the shard. A blocked key is never forgotten before its block ends:
/// if all of a shard's are blocked, a new key is answered like a fresh one, but not held, and [`Self::untracked`] counts it.
///
/// ```
/// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
/// use std::num::NonZeroUsize;
/// use std::time::{Duration, Instant};
/// use tidegate_ratelimit::{Keyed, Limit};
///
/// let users = Keyed::new(Limit::new(1, Duration::from_secs(60)), NonZeroUsize::new(10_000).unwrap());
/// let now = Instant::now();
/// assert!(users.check(&"ann", now, 1).is_allowed());
/// assert!(users.check(&"bob", now, 1).is_allowed());
/// assert!(!users.check(&"ann", now, 1).is_allowed());
/// ```
#[derive(Debug)]
pub struct Keyed<K> {
    limit: Limit,
    began: OnceLock<Instant>,
    hasher: RandomState,
    shards: Box<[Mutex<Shard<K>>]>,
}

#[derive(Debug)]
struct Shard<K> {
    max_keys: usize,
    places: HashMap<K, usize>,
    slots: Vec<Slot<K>>,
    /// Where the next search for an idle key begins.
    hand: usize,
    /// Until then no slot is free of a block.
    full_until: u64,
    totals: Totals,
    untracked: u64,
}

#[derive(Debug)]
struct Slot<K> {
    key: K,
    state: State,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// `limit` for each of at most `max_keys` keys. Allocates as keys come.
    pub fn new(limit: Limit, max_keys: NonZeroUsize) -> Self {
        let max_keys = max_keys.get();
        let count = (max_keys / MIN_SHARD_KEYS).clamp(1, MAX_SHARDS);
        let shard = |index| {
            let share = max_keys / count + usize::from(index < max_keys % count);
            Mutex::new(Shard::new(share))
        };
        let shards = (0..count).map(shard).collect();
        Self { limit, began: OnceLock::new(), hasher: RandomState::new(), shards }
    }

    /// Decides about a request of `cost` units by `key`, as [`Limiter::check`](crate::Limiter::check) does.
    pub fn check(&self, key: &K, now: Instant, cost: u32) -> Verdict {
        let at = self.at(now);
        let mut shard = self.shard(key);
        let verdict = shard.check(&self.limit, key, at, cost);
        shard.totals.count(verdict);
        verdict
    }

    /// The verdict that [`Self::check`] would give, with nothing counted.
    pub fn peek(&self, key: &K, now: Instant, cost: u32) -> Verdict {
        let at = self.at(now);
        match self.shard(key).state(key) {
            Some(state) => state.peek(&self.limit, at, cost),
            None => State::new(&self.limit).peek(&self.limit, at, cost),
        }
    }

    /// Forgets a key and its block, as when its last connection went.
    pub fn forget(&self, key: &K) {
        self.shard(key).forget(key);
    }

    /// The limit that is in force for each key.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// How many keys are held, idle ones included.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).slots.len()).sum()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Requests by verdict over all keys, forgotten ones included.
    pub fn totals(&self) -> Totals {
        self.shards.iter().fold(Totals::default(), |sum, shard| sum.plus(lock(shard).totals))
    }

    /// Requests by new keys that could not be held because every slot of their shard was blocked.
    pub fn untracked(&self) -> u64 {
        self.shards.iter().map(|shard| lock(shard).untracked).sum()
    }

    fn at(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(*self.began.get_or_init(|| now)))
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K>> {
        let spread = self.hasher.hash_one(key) as usize % self.shards.len();
        lock(&self.shards[spread])
    }
}

impl<K: Hash + Eq + Clone> Shard<K> {
    fn new(max_keys: usize) -> Self {
        Self {
            max_keys,
            places: HashMap::new(),
            slots: Vec::new(),
            hand: 0,
            full_until: 0,
            totals: Totals::default(),
            untracked: 0,
        }
    }

    fn check(&mut self, limit: &Limit, key: &K, at: u64, cost: u32) -> Verdict {
        if let Some(slot) = self.places.get(key).and_then(|&place| self.slots.get_mut(place)) {
            return slot.state.check(limit, at, cost);
        }
        let mut state = State::new(limit);
        let verdict = state.check(limit, at, cost);
        if !state.is_idle(limit, at) {
            self.hold(limit, key, at, state);
        }
        verdict
    }

    fn state(&self, key: &K) -> Option<&State> {
        let place = *self.places.get(key)?;
        self.slots.get(place).map(|slot| &slot.state)
    }

    /// Holds a new key, in the place of another if there is no room.
    fn hold(&mut self, limit: &Limit, key: &K, at: u64, state: State) {
        self.sweep(limit, at);
        if self.slots.len() >= self.max_keys {
            match self.least_needed(limit, at) {
                Some(place) => self.remove(place),
                None => {
                    self.untracked += 1;
                    return;
                }
            }
        }
        if let Entry::Vacant(vacant) = self.places.entry(key.clone()) {
            vacant.insert(self.slots.len());
            self.slots.push(Slot { key: key.clone(), state });
        }
    }

    /// Forgets the idle ones among the next few slots.
    fn sweep(&mut self, limit: &Limit, at: u64) {
        for _ in 0..SWEEP {
            match self.slots.get(self.hand) {
                Some(slot) if slot.state.is_idle(limit, at) => self.remove(self.hand),
                Some(_) => self.hand += 1,
                None => self.hand = 0,
            }
        }
    }

    /// The place of the key that is missed least: an idle one, or of the next few that are not blocked the
    /// one with the lowest load.
    fn least_needed(&mut self, limit: &Limit, at: u64) -> Option<usize> {
        if at < self.full_until {
            return None;
        }
        let (mut seen, mut best, mut first_unblocked) = (0, None, u64::MAX);
        for step in 0..self.slots.len() {
            let place = (self.hand + step) % self.slots.len();
            let state = &self.slots.get(place)?.state;
            if state.is_blocked(at) {
                first_unblocked = first_unblocked.min(state.blocked_until());
                continue;
            }
            let load = state.load(limit, at);
            if best.is_none_or(|(least, _)| load < least) {
                best = Some((load, place));
            }
            seen += 1;
            if load == 0 || seen == CHOICE {
                break;
            }
        }
        if best.is_none() {
            self.full_until = first_unblocked;
        }
        best.map(|(_, place)| place)
    }

    fn forget(&mut self, key: &K) {
        if let Some(&place) = self.places.get(key) {
            self.remove(place);
            self.full_until = 0;
        }
    }

    /// Removes a slot; the last one takes its place.
    fn remove(&mut self, place: usize) {
        let removed = self.slots.swap_remove(place);
        self.places.remove(&removed.key);
        if let Some(moved) = self.slots.get(place)
            && let Some(its_place) = self.places.get_mut(&moved.key)
        {
            *its_place = place;
        }
    }
}

/// A shard is never left half changed by a panic that we could cause; one of `K`'s own costs at most a count.
fn lock<K>(shard: &Mutex<Shard<K>>) -> MutexGuard<'_, Shard<K>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
