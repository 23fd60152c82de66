//! What the hand-off shares memory with: one place, so that a model checker can stand in for it.

#[cfg(tidegate_loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
#[cfg(not(tidegate_loom))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard};
