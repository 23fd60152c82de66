//! The limiters of many keys, under a hard cap. It does not know what a key means.

use std::hash::{BuildHasher, Hash};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use foldhash::quality::RandomState;

use crate::buckets::Buckets;
use crate::log::Log;
use crate::place::Kept;
use crate::shard::{Bounds, Shard};
use crate::state::At;
use crate::{ConfigError, Limit, Totals, Verdict};

/// More shards than this help no machine that we know of.
const MAX_SHARDS: usize = 64;
/// Keys come to shards by chance: with fewer in each, some are full long before others.
const MIN_SHARD_KEYS: usize = 1024;

/// One [`Limit`] for many keys, each with its own state; all methods take `&self`.
///
/// At most `max_keys` keys are held, spread over up to 64 locked shards by a keyed hash; a shard is full when it has its
/// share. Each new key clears out a few idle ones. Where there is no room, of eight keys that are not blocked the one
/// that has used least is forgotten. So nobody is missed much, and a blocked key is never forgotten before its block ends.
/// If all that a new key looks at (64 places) are blocked, it is not held: such keys share one state in each shard, with
/// the same limit but no block, and [`Self::untracked`] counts their requests. No step takes longer because there are many
/// keys, but growing (by an eighth) and, every 2³⁰ steps of [`Limit::resolution`] or so, moving a shard's times.
///
/// Time is that of all keys of a shard: a `now` before the latest that any of them was asked with counts as that one.
///
/// ```
/// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
/// use std::num::NonZeroUsize;
/// use std::time::{Duration, Instant};
/// use tidegate_ratelimit::{Keyed, Limit};
///
/// let users = Keyed::new(Limit::per_minute(1), NonZeroUsize::new(10_000).unwrap());
/// let now = Instant::now();
/// assert!(users.check(&"ann", now, 1).is_allowed());
/// assert!(users.check(&"bob", now, 1).is_allowed());
/// assert!(!users.check(&"ann", now, 1).is_allowed());
/// ```
#[derive(Debug)]
pub struct Keyed<K> {
    limit: Limit,
    max_keys: NonZeroUsize,
    max_bytes: usize,
    key_bytes: fn(&K) -> usize,
    began: OnceLock<Instant>,
    hasher: RandomState,
    store: Store<K>,
}

#[derive(Debug)]
enum Store<K> {
    Exact(Shards<K, Log>),
    Counted(Shards<K, Buckets>),
}

/// Their number is a power of two.
type Shards<K, W> = Box<[Mutex<Shard<K, W>>]>;

/// The same for both kinds of shards.
macro_rules! shards {
    ($store:expr, $shards:ident => $body:expr) => {
        match $store {
            Store::Exact($shards) => $body,
            Store::Counted($shards) => $body,
        }
    };
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// `limit` for each of at most `max_keys` keys. Allocates as keys come.
    #[must_use]
    pub fn new(limit: Limit, max_keys: NonZeroUsize) -> Self {
        let mut keyed = Self {
            limit,
            max_keys,
            max_bytes: usize::MAX,
            key_bytes: |_| 0,
            began: OnceLock::new(),
            hasher: RandomState::default(),
            store: Store::Counted(Box::default()),
        };
        keyed.store = keyed.empty();
        keyed
    }

    /// Holds no more than `max_bytes` bytes (beside 1 KiB and sixteen logs for each shard), however few keys that are. A key that is held
    /// counts with the most that it can need.
    ///
    /// # Errors
    /// [`ConfigError::MaxBytes`] if not even one key fits.
    pub fn max_bytes(mut self, max_bytes: usize) -> Result<Self, ConfigError> {
        let needed = self.bytes_per_key();
        if max_bytes < needed {
            return Err(ConfigError::MaxBytes { given: max_bytes, needed });
        }
        self.max_bytes = max_bytes;
        self.store = self.empty();
        Ok(self)
    }

    /// Says how many bytes a key has on the heap, such as `String::capacity`, so that [`Self::max_bytes`] counts them.
    /// It must say the same of a key at any time.
    #[must_use]
    pub fn key_bytes(mut self, bytes: fn(&K) -> usize) -> Self {
        self.key_bytes = bytes;
        self.store = self.empty();
        self
    }

    /// Decides about a request of `cost` units by `key`, as [`Limiter::check`](crate::Limiter::check) does.
    #[inline(always)]
    pub fn check(&self, key: &K, now: Instant, cost: u32) -> Verdict {
        self.check_if(key, now, cost, || true)
    }

    /// The same, but what passes is counted only if `rest` says that it passes there too: so that what one limit refuses, the
    /// other does not count. An [`Verdict::Allowed`] whose `rest` said no has changed nothing here.
    ///
    /// ```
    /// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
    /// # use std::{num::NonZeroUsize, time::Instant};
    /// # use tidegate_ratelimit::{Keyed, Limit};
    /// # let (many, now) = (NonZeroUsize::MIN, Instant::now());
    /// let (users, rooms) = (Keyed::new(Limit::per_hour(9), many), Keyed::new(Limit::per_second(0), many));
    /// let mut room = None;
    /// let user = users.check_if(&"ann", now, 1, || {
    ///     room.insert(rooms.check(&"lobby", now, 1)).is_allowed()
    /// });
    /// assert!(user.is_allowed() && !room.unwrap().is_allowed());
    /// assert!(users.is_empty());
    /// ```
    ///
    /// `rest` is called while the key's shard is locked: it must not use this store, and where two stores are used
    /// so, they must be used in the same order everywhere, or two threads may wait for each other for ever.
    #[inline(always)]
    pub fn check_if(
        &self,
        key: &K,
        now: Instant,
        cost: u32,
        rest: impl FnOnce() -> bool,
    ) -> Verdict {
        let (at, hash) = (self.at(now), self.hasher.hash_one(key));
        let named = (low(hash), key);
        shards!(&self.store, shards => {
            match shard(shards, hash) {
                Some(mut shard) => shard.check_if(&self.limit, named, at, cost, rest),
                None => ONLY_IF_THERE_WERE_NO_SHARD,
            }
        })
    }

    /// The verdict that [`Self::check`] would give, with nothing counted.
    pub fn peek(&self, key: &K, now: Instant, cost: u32) -> Verdict {
        let (at, hash) = (self.at(now), self.hasher.hash_one(key));
        let named = (low(hash), key);
        shards!(&self.store, shards => {
            match shard(shards, hash) {
                Some(mut shard) => shard.peek(&self.limit, named, at, cost),
                None => ONLY_IF_THERE_WERE_NO_SHARD,
            }
        })
    }

    /// Forgets a key and its block, as when its last connection went.
    pub fn forget(&self, key: &K) {
        let hash = self.hasher.hash_one(key);
        shards!(&self.store, shards => {
            if let Some(mut shard) = shard(shards, hash) {
                shard.forget((low(hash), key));
            }
        });
    }

    /// The limit that is in force for each key.
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// How many keys are held, idle ones included.
    pub fn len(&self) -> usize {
        shards!(&self.store, shards => locked(shards).map(|shard| shard.len()).sum())
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all tables and logs, and what [`Self::key_bytes`] says of the keys.
    pub fn bytes(&self) -> usize {
        shards!(&self.store, shards => locked(shards).map(|shard| shard.bytes()).sum())
    }

    /// Requests by verdict over all keys, forgotten ones included.
    pub fn totals(&self) -> Totals {
        let sum = Totals::default();
        shards!(&self.store, shards => locked(shards).fold(sum, |sum, shard| sum.plus(shard.totals())))
    }

    /// Requests by new keys that could not be held because all others were blocked.
    pub fn untracked(&self) -> u64 {
        shards!(&self.store, shards => locked(shards).map(|shard| shard.untracked()).sum())
    }

    /// A store that holds nothing, within the bounds.
    fn empty(&self) -> Store<K> {
        match self.limit.is_exact() {
            true => Store::Exact(self.shards()),
            false => Store::Counted(self.shards()),
        }
    }

    fn shards<W: Kept>(&self) -> Shards<K, W> {
        let keys = self.max_keys.get().min(self.max_bytes / self.bytes_per_key()).max(1);
        let count = 1 << (keys / MIN_SHARD_KEYS).clamp(1, MAX_SHARDS).ilog2();
        let shard = |index| {
            let keys = keys / count + usize::from(index < keys % count);
            let bounds = Bounds { keys, bytes: self.max_bytes / count, key_bytes: self.key_bytes };
            Mutex::new(Shard::new(&self.limit, bounds))
        };
        (0..count).map(shard).collect()
    }

    fn bytes_per_key(&self) -> usize {
        match self.limit.is_exact() {
            true => Shard::<K, Log>::bytes_per_key(&self.limit),
            false => Shard::<K, Buckets>::bytes_per_key(&self.limit),
        }
    }

    #[inline]
    fn at(&self, now: Instant) -> At {
        let began = *self.began.get_or_init(|| now);
        At { now, nanos: At::nanos_since(began, now), tick: 0 }
    }
}

/// What a store without shards would say; there is none.
const ONLY_IF_THERE_WERE_NO_SHARD: Verdict = Verdict::Limited { retry_after: crate::FOREVER };

/// The half of a hash that orders a shard's table.
#[inline]
fn low(hash: u64) -> NonZeroU32 {
    NonZeroU32::new(hash as u32).unwrap_or(NonZeroU32::MIN)
}

/// The shard that the other half of a hash chooses.
#[inline]
fn shard<K, W: Kept>(shards: &Shards<K, W>, hash: u64) -> Option<MutexGuard<'_, Shard<K, W>>> {
    let index = (hash >> 32) as usize & (shards.len() - 1);
    shards.get(index).map(lock)
}

fn locked<K, W: Kept>(shards: &Shards<K, W>) -> impl Iterator<Item = MutexGuard<'_, Shard<K, W>>> {
    shards.iter().map(lock)
}

/// A shard is never left half changed by a panic that we could cause; one of `K`'s own costs at most a count.
#[inline]
fn lock<K, W: Kept>(shard: &Mutex<Shard<K, W>>) -> MutexGuard<'_, Shard<K, W>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
