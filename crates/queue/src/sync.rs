//! What the hand-off shares memory with: one place, so that a model checker can stand in for it.

pub(crate) use std::sync::atomic::{AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard};
