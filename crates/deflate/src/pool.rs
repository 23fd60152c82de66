//! A bounded pool of inflaters, lent for the time of one message. It knows no connection and wakes no one.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Inflater;

/// At most so many inflaters, made at first use and kept. A clone is the same pool.
///
/// The lock is held for one push or pop of a pointer, twice in a message: lent inflaters are used without it.
#[derive(Clone, Debug)]
pub struct InflaterPool {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    #[expect(
        clippy::vec_box,
        reason = "lent as a pointer: a connection that holds none stays small"
    )]
    idle: Vec<Box<Inflater>>,
    /// How many more may be made.
    unmade: usize,
}

/// An inflater on loan; back in its pool when dropped.
#[derive(Debug)]
pub struct Lent {
    /// `None` only while it is dropped.
    inflater: Option<Box<Inflater>>,
    pool: InflaterPool,
}

impl InflaterPool {
    /// A pool of at most `max` inflaters, about 80 KiB each.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { shared: Arc::new(Mutex::new(Shared { idle: Vec::new(), unmade: max })) }
    }

    /// An inflater, or `None` if all are lent.
    #[must_use]
    pub fn lend(&self) -> Option<Lent> {
        let mut shared = self.lock();
        let idle = shared.idle.pop();
        let make = idle.is_none() && shared.unmade > 0;
        shared.unmade -= usize::from(make);
        drop(shared);
        let inflater = idle.or_else(|| make.then(Box::default))?;
        Some(Lent { inflater: Some(inflater), pool: self.clone() })
    }

    /// How many could be lent now.
    #[must_use]
    pub fn free(&self) -> usize {
        let shared = self.lock();
        shared.idle.len() + shared.unmade
    }

    /// No code that can panic runs under the lock, so what it guards is whole.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Lent {
    type Target = Inflater;

    fn deref(&self) -> &Inflater {
        self.inflater.as_deref().expect("an inflater is lent until it is dropped")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Inflater {
        self.inflater.as_deref_mut().expect("an inflater is lent until it is dropped")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(inflater) = self.inflater.take() {
            self.pool.lock().idle.push(inflater);
        }
    }
}
