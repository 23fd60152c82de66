//! The pool of connections, and what it lends: a connection, or a place to make one. Each finds its way back.

use std::fmt;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};
use std::task::Waker;
use std::time::Instant;

use super::checkout::Checkout;
use super::lanes::{Free, Lanes};
use super::limits::{ReuseLimits, ReuseStats};
use crate::Impossible;
use crate::sync::{Arc, AtomicU64, Mutex, MutexGuard, Ordering::Relaxed, PoisonError};

/// Connections `C` to targets `K`, kept for the next who needs one. A clone is the same pool.
///
/// Whoever asks gets the connection that was used last, so that those that are too many grow old. If all are
/// lent and no more may be made, askers wait in their order. About 150 bytes for each target, and 40 for
/// each idle connection beside itself; a checkout of one that is there allocates nothing.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tidegate_pool::reuse::{Given, Reuse, ReuseLimits};
/// # fn block_on<T, E>(checkout: impl Future<Output = Result<T, E>>) -> T {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(checkout).poll(&mut context) {
/// #         std::task::Poll::Ready(Ok(given)) => given,
/// #         _ => unreachable!("there is room"),
/// #     }
/// # }
/// let reuse: Reuse<&str, String> = Reuse::new(ReuseLimits::default()).unwrap();
/// let now = Instant::now();
/// let Given::Vacancy(vacancy) = block_on(reuse.checkout("backend:80", now, |_| true)) else { panic!() };
/// vacancy.fill("a connection".to_owned()).give_back(now);
/// let later = now + Duration::from_secs(1);
/// let Given::Lent(connection) = block_on(reuse.checkout("backend:80", later, |_| true)) else { panic!() };
/// assert_eq!(*connection, "a connection");
/// assert_eq!(reuse.stats().pool_hits, 1);
/// ```
pub struct Reuse<K, C>(Arc<Shared<K, C>>);

struct Shared<K, C> {
    lanes: Mutex<Lanes<K, C>>,
    hits: AtomicU64,
    misses: AtomicU64,
    reused: AtomicU64,
}

impl<K: Hash + Eq + Clone, C> Reuse<K, C> {
    /// An empty pool.
    ///
    /// # Errors
    /// [`Impossible`] if `max_connections` or `idle_timeout` is zero.
    pub fn new(limits: ReuseLimits) -> Result<Self, Impossible> {
        limits.check()?;
        let [hits, misses, reused] = [(); 3].map(|()| AtomicU64::new(0));
        let lanes = Mutex::new(Lanes::new(limits));
        Ok(Self(Arc::new(Shared { lanes, hits, misses, reused })))
    }

    /// Asks for a connection to `key`. `is_fit` looks at one that was there before it is given: a broken one is closed,
    /// and the next is looked at.
    pub fn checkout<F>(&self, key: K, now: Instant, is_fit: F) -> Checkout<K, C, F>
    where
        F: FnMut(&mut C) -> bool,
    {
        Checkout::new(self.clone(), key, now, is_fit)
    }

    /// Closes what was idle for too long, and says how many. A checkout does so for its own target.
    pub fn expire(&self, now: Instant) -> usize {
        let mut dead = Vec::new();
        self.lanes(|lanes| lanes.expire(now, &mut dead));
        dead.len() // they close here, where no lock is held
    }

    /// The counters, and how things stand.
    #[must_use]
    pub fn stats(&self) -> ReuseStats {
        let Shared { hits, misses, reused, .. } = &*self.0;
        let [pool_hits, pool_misses, connections_reused] =
            [hits, misses, reused].map(|counter| counter.load(Relaxed));
        let stats = self.lanes(|lanes| lanes.stats());
        ReuseStats { pool_hits, pool_misses, connections_reused, ..stats }
    }
}

impl<K, C> Reuse<K, C> {
    /// Access to everything. No code of the caller runs under the lock but what hashes and clones keys and wakers.
    pub(super) fn lanes<R>(&self, f: impl FnOnce(&mut Lanes<K, C>) -> R) -> R {
        let mut lanes: MutexGuard<'_, _> =
            self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        f(&mut lanes)
    }

    pub(super) fn count_miss(&self) {
        self.0.misses.fetch_add(1, Relaxed);
    }
}

impl<K, C> Clone for Reuse<K, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, C> fmt::Debug for Reuse<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reuse").finish_non_exhaustive()
    }
}

/// A place among the connections to one target: leave to make one. Dropped, it is free for the next who waits.
#[must_use = "a place that is dropped goes to the next who waits"]
pub struct Vacancy<K: Hash + Eq + Clone, C> {
    reuse: Reuse<K, C>,
    key: K,
    is_held: bool,
}

impl<K: Hash + Eq + Clone, C> Vacancy<K, C> {
    /// The target.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Takes the connection that was made, and lends it.
    pub fn fill(self, connection: C) -> Lent<K, C> {
        Lent { free: Free { connection, is_reused: false }, place: self }
    }

    pub(super) fn new(reuse: Reuse<K, C>, key: K) -> Self {
        Self { reuse, key, is_held: true }
    }

    /// Lends one that was there.
    pub(super) fn lend(self, mut free: Free<C>) -> Lent<K, C> {
        self.reuse.0.hits.fetch_add(1, Relaxed);
        if !std::mem::replace(&mut free.is_reused, true) {
            self.reuse.0.reused.fetch_add(1, Relaxed);
        }
        Lent { free, place: self }
    }

    pub(super) fn put(mut self, free: Free<C>, now: Instant) {
        self.is_held = false;
        match self.reuse.lanes(|lanes| lanes.put(&self.key, free, now)) {
            Ok(waker) => waker.into_iter().for_each(Waker::wake),
            Err(too_many) => drop(too_many), // where no lock is held
        }
    }
}

impl<K: Hash + Eq + Clone, C> Drop for Vacancy<K, C> {
    fn drop(&mut self) {
        if self.is_held {
            let waker = self.reuse.lanes(|lanes| lanes.leave(&self.key));
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

impl<K: Hash + Eq + Clone + fmt::Debug, C> fmt::Debug for Vacancy<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vacancy").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A connection on loan: to be given back when it is whole, or dropped to close it.
#[must_use = "a connection that is dropped is closed"]
pub struct Lent<K: Hash + Eq + Clone, C> {
    // The connection closes before its place is free.
    free: Free<C>,
    place: Vacancy<K, C>,
}

impl<K: Hash + Eq + Clone, C> Lent<K, C> {
    /// The target.
    #[must_use]
    pub fn key(&self) -> &K {
        self.place.key()
    }

    /// Whether it served somebody before.
    #[must_use]
    pub fn is_reused(&self) -> bool {
        self.free.is_reused
    }

    /// Gives it to the next who waits, or keeps it. It is closed if [`ReuseLimits::max_idle`] are kept already.
    pub fn give_back(self, now: Instant) {
        self.place.put(self.free, now);
    }
}

impl<K: Hash + Eq + Clone, C> Deref for Lent<K, C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.free.connection
    }
}

impl<K: Hash + Eq + Clone, C> DerefMut for Lent<K, C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.free.connection
    }
}

impl<K: Hash + Eq + Clone + fmt::Debug, C: fmt::Debug> fmt::Debug for Lent<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, connection) = (self.key(), &self.free.connection);
        f.debug_struct("Lent").field("key", key).field("connection", connection).finish()
    }
}
