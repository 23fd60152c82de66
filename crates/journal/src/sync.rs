//! The lock that threads share a log by: one place, so that a model checker can stand in for it.

#[cfg(tidegate_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
use std::sync::PoisonError;
#[cfg(not(tidegate_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Takes a lock. Who panicked while holding it left a log that is whole: what may panic is done before it is changed.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
