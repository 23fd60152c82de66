//! State in 64 parts, each under its own lock and on cache lines of its own, so that sessions seldom wait for
//! each other. Access is by closure only: no guard leaves this file. Knows nothing of what it holds.

use std::hash::{BuildHasher, Hash};

use crate::sync::{PoisonError, RwLock};

pub(crate) const SHARDS: usize = 64;

#[derive(Debug)]
pub(crate) struct Shards<T, S> {
    shards: Box<[Shard<T>]>,
    hasher: S,
}

#[derive(Debug)]
#[repr(align(64))]
struct Shard<T>(RwLock<T>);

// A lock is poisoned only by a panic under it, and no code of a caller runs under one (of std's maps and
// vectors only a failed allocation could, which ends the process). So poison is passed over.
impl<T, S: BuildHasher + Clone> Shards<T, S> {
    /// Parts made by `part`, whose maps hash as the parts are told apart: with one secret.
    pub(crate) fn new(hasher: S, part: impl Fn(S) -> T) -> Self {
        let shards = (0..SHARDS).map(|_| Shard(RwLock::new(part(hasher.clone())))).collect();
        Self { shards, hasher }
    }

    /// Reads the part in which `key` lives.
    pub(crate) fn read<R>(&self, key: &impl Hash, f: impl FnOnce(&T) -> R) -> R {
        f(&self.of(key).0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes the part in which `key` lives.
    pub(crate) fn write<R>(&self, key: &impl Hash, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.of(key).0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads each part in turn, never two at once. What [`Iterator`]s do between two steps is done with no lock held.
    pub(crate) fn each<R>(&self, f: impl Fn(&T) -> R) -> impl Iterator<Item = R> {
        self.shards
            .iter()
            .map(move |shard| f(&shard.0.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Writes each part in turn, never two at once.
    pub(crate) fn each_mut(&self, mut f: impl FnMut(&mut T)) {
        for shard in &self.shards {
            f(&mut shard.0.write().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn of(&self, key: &impl Hash) -> &Shard<T> {
        // Tables place by the low bits and tell apart by the top seven: the part is told by bits between.
        &self.shards[(self.hasher.hash_one(key) >> 48) as usize % SHARDS]
    }
}
