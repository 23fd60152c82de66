//! A log that many threads share: its lock, who waits for it, and what others may know of it without the lock.
//! Knows neither the other logs nor a disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;

use crate::log::Log;
use crate::name::LogName;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::waiters::Waiters;

/// What a log without content takes, its place in the table included; its name comes on top.
const BASE_BYTES: usize = 152;

/// One log and what belongs to it.
#[derive(Debug)]
pub(crate) struct Hot {
    name: LogName,
    /// What the log counts, as of the last change.
    bytes: AtomicUsize,
    /// When it was last read, in Unix milliseconds; `REMOVED` when it is no more.
    read_ms: AtomicU64,
    state: Mutex<State>,
}

const REMOVED: u64 = u64::MAX;

/// What the lock is for.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) log: Log,
    pub(crate) waiters: Waiters,
    #[cfg(feature = "disk")]
    pub(crate) durable: Option<Box<crate::journal::Durable>>,
}

/// A log's lock, held. Whoever is to be woken is, when it is let go.
pub(crate) struct Held<'a> {
    hot: &'a Hot,
    state: Option<MutexGuard<'a, State>>,
    woken: Vec<Waker>,
}

impl Hot {
    pub(crate) fn new(name: LogName, state: State, now_ms: u64) -> Arc<Self> {
        state.log.budget().add(BASE_BYTES + name.as_str().len());
        Arc::new(Self {
            bytes: AtomicUsize::new(state.log.bytes()),
            read_ms: AtomicU64::new(now_ms.min(REMOVED - 1)),
            name,
            state: Mutex::new(state),
        })
    }

    pub(crate) const fn name(&self) -> &LogName {
        &self.name
    }

    /// What it counts, without its lock.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn read_ms(&self) -> u64 {
        self.read_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.read_ms() == REMOVED
    }

    /// Takes note that it was read. Only with its lock held, so that a removed log stays removed.
    pub(crate) fn note_read(&self, _held: &Held<'_>, now_ms: u64) {
        if !self.is_removed() {
            self.read_ms.store(now_ms.min(REMOVED - 1), Ordering::Relaxed);
        }
    }

    /// Says, of one that nobody has yet, that it was not read since.
    #[cfg(feature = "disk")]
    pub(crate) fn note_unread_since(&self, since_ms: u64) {
        self.read_ms.store(since_ms.min(REMOVED - 1), Ordering::Relaxed);
    }

    /// Its lock.
    #[inline]
    pub(crate) fn hold(&self) -> Held<'_> {
        Held { hot: self, state: Some(lock(&self.state)), woken: Vec::new() }
    }
}

impl Drop for Hot {
    fn drop(&mut self) {
        let bytes = BASE_BYTES + self.name.as_str().len();
        lock(&self.state).log.budget().remove(bytes);
    }
}

impl Held<'_> {
    /// Wakes those who wait for what may be read now.
    #[inline]
    pub(crate) fn wake_reached(&mut self) {
        let tail = self.log.tail();
        let reached = self.waiters.reached(tail);
        if !reached.is_empty() {
            self.woken.extend(reached);
        }
    }

    /// Wakes all.
    pub(crate) fn wake_all(&mut self) {
        let all = self.waiters.all();
        self.woken.extend(all);
    }

    /// Says that it is no more, to whoever holds it.
    pub(crate) fn remove(&mut self) {
        self.hot.read_ms.store(REMOVED, Ordering::Relaxed);
        self.wake_all();
    }
}

impl std::ops::Deref for Held<'_> {
    type Target = State;

    #[inline]
    fn deref(&self) -> &State {
        self.state.as_ref().expect("the lock is let go only when this is dropped")
    }
}

impl std::ops::DerefMut for Held<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State {
        self.state.as_mut().expect("the lock is let go only when this is dropped")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let bytes = self.log.bytes();
        if self.hot.bytes() != bytes {
            self.hot.bytes.store(bytes, Ordering::Relaxed);
        }
        self.state = None;
        if !self.woken.is_empty() {
            self.woken.drain(..).for_each(Waker::wake);
        }
    }
}
