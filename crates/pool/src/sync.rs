//! What threads share memory through: one place, so that a test's scheduler can stand in for the system's.

#[cfg(not(tidegate_loom))]
pub(crate) use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(tidegate_loom)]
pub(crate) use shuttle::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};
