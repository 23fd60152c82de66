//! Whether anything new may be written, asked before a seq is given out. Knows no store.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::StoreError;

const OPEN: u8 = 0;
const FULL: u8 = 1;
const POISONED: u8 = 2;
const CLOSED: u8 = 3;

/// What the writer says to those who want to write.
#[derive(Debug)]
pub(crate) struct Gate {
    state: AtomicU8,
    free: AtomicU64,
    least_free: u64,
    why: Mutex<Option<StoreError>>,
}

impl Gate {
    pub(crate) const fn new(least_free: u64) -> Self {
        let (state, free) = (AtomicU8::new(OPEN), AtomicU64::new(u64::MAX));
        Self { state, free, least_free, why: Mutex::new(None) }
    }

    /// Whether something new may be written.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self.state.load(Ordering::Acquire) {
            OPEN => Ok(()),
            FULL => {
                let free = self.free.load(Ordering::Relaxed);
                Err(StoreError::Full { free, least: self.least_free })
            }
            POISONED => {
                let why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
                Err(why.clone().unwrap_or(StoreError::Closed))
            }
            _ => Err(StoreError::Closed),
        }
    }

    /// How much room there is by now.
    pub(crate) fn measure(&self, free: u64) {
        self.free.store(free, Ordering::Relaxed);
        let (from, to) = if free < self.least_free { (OPEN, FULL) } else { (FULL, OPEN) };
        let _ = self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
    }

    pub(crate) fn poison(&self, why: &StoreError) {
        *self.why.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        self.state.store(POISONED, Ordering::Release);
    }

    pub(crate) fn open(&self) {
        self.state.store(OPEN, Ordering::Release);
    }

    pub(crate) fn close(&self) {
        self.state.store(CLOSED, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_nothing_is_written_and_opens_again() {
        let gate = Gate::new(100);
        assert_eq!(gate.check(), Ok(()));
        gate.measure(99);
        assert_eq!(gate.check(), Err(StoreError::Full { free: 99, least: 100 }));
        gate.measure(100);
        assert_eq!(gate.check(), Ok(()));
        let why = StoreError::Poisoned("a test".to_owned());
        gate.poison(&why);
        gate.measure(1_000);
        assert_eq!(gate.check(), Err(why));
        gate.open();
        assert_eq!(gate.check(), Ok(()));
        gate.close();
        assert_eq!(gate.check(), Err(StoreError::Closed));
    }
}
