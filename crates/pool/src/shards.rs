//! State in 64 parts, each under its own lock, so that sessions seldom wait for each other. Access is by
//! closure only: no guard leaves this file. Knows nothing of what it holds.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{PoisonError, RwLock};

pub(crate) const SHARDS: usize = 64;

#[derive(Debug)]
pub(crate) struct Shards<T> {
    shards: [RwLock<T>; SHARDS],
    hasher: RandomState,
}

impl<T: Default> Shards<T> {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::new(T::default())),
            hasher: RandomState::new(),
        }
    }
}

// A lock is poisoned only by a panic under it, and no code of a caller runs under one (of std's maps and
// vectors only a failed allocation could, which ends the process). So poison is passed over.
impl<T> Shards<T> {
    /// Reads the part in which `key` lives.
    pub(crate) fn read<R>(&self, key: &impl Hash, f: impl FnOnce(&T) -> R) -> R {
        f(&self.of(key).read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes the part in which `key` lives.
    pub(crate) fn write<R>(&self, key: &impl Hash, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.of(key).write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads each part in turn, never two at once.
    pub(crate) fn each(&self, mut f: impl FnMut(&T)) {
        for number in 0..SHARDS {
            self.nth(number, &mut f);
        }
    }

    /// Reads one part of [`SHARDS`], for those who act between two parts.
    pub(crate) fn nth<R>(&self, number: usize, f: impl FnOnce(&T) -> R) -> R {
        f(&self.shards[number % SHARDS].read().unwrap_or_else(PoisonError::into_inner))
    }

    fn of(&self, key: &impl Hash) -> &RwLock<T> {
        // The remainder of 64 is below 64.
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }
}
