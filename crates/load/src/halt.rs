//! How everybody at work on a job is told to stop. It knows not why.

use std::sync::atomic::{AtomicU8, Ordering};

const GOING: u8 = 0;
const WRAPPING_UP: u8 = 1;
const ABORTED: u8 = 2;

/// Whether the work goes on. What was stopped is not taken up again.
#[derive(Debug, Default)]
pub(crate) struct Halt(AtomicU8);

impl Halt {
    /// Nothing more is begun; what is under way is waited for, and counted.
    pub(crate) fn wrap_up(&self) {
        self.0.fetch_max(WRAPPING_UP, Ordering::Relaxed);
    }

    /// Everything is dropped: somebody failed.
    pub(crate) fn abort(&self) {
        self.0.fetch_max(ABORTED, Ordering::Relaxed);
    }

    /// Whether nothing more is begun.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) != GOING
    }

    /// Whether everything is dropped.
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.load(Ordering::Relaxed) == ABORTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_aborted_does_not_wrap_up_any_more() {
        let halt = Halt::default();
        assert!(!halt.is_stopped());
        halt.wrap_up();
        assert!(halt.is_stopped() && !halt.is_aborted());
        halt.abort();
        halt.wrap_up();
        assert!(halt.is_aborted());
    }
}
