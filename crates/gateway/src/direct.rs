//! How much a thread may write with its own hand for those who publish on it. Knows no message.
//!
//! A receiver at rest is reached for half the price if who publishes writes to it at once, and its task sleeps on. But
//! each such write carries one message: where much is published, a task that is woken writes many together, and the
//! tasks of other threads write at the same time. So a thread that wrote directly does not do so again for a
//! while that is longer than what it took: in a flood nearly everything is written by the tasks.

use std::cell::Cell;
use std::time::Instant;

/// A thread that has written directly for a time does not for this many times as long.
const PAUSE: u32 = 8;

thread_local! {
    /// When this thread may write directly again.
    static NEXT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The direct writes of one publication.
#[derive(Debug)]
pub(crate) struct Budget {
    began: Instant,
    left: usize,
    used: bool,
}

impl Budget {
    /// At most `receivers` of them; none where the thread has just written enough.
    pub(crate) fn new(receivers: usize, now: Instant) -> Self {
        let may = NEXT.get().is_none_or(|next| now >= next);
        Self { began: now, left: if may { receivers } else { 0 }, used: false }
    }

    /// When the publication began.
    pub(crate) const fn began(&self) -> Instant {
        self.began
    }

    pub(crate) const fn is_left(&self) -> bool {
        self.left > 0
    }

    /// One was written.
    pub(crate) const fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.used = true;
    }

    /// No more are written; `now` is asked for only if there were any.
    pub(crate) fn end(self, now: impl FnOnce() -> Instant) {
        if self.used {
            let now = now();
            NEXT.set(Some(now + now.saturating_duration_since(self.began) * PAUSE));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a base to count from")]
    fn who_has_written_pauses_for_longer_than_it_took() {
        let start = Instant::now();
        let mut budget = Budget::new(2, start);
        assert!(budget.is_left());
        budget.spend();
        budget.spend();
        assert!(!budget.is_left(), "each publication has so many");
        budget.end(|| start + Duration::from_millis(1));
        let pause = |ms| Budget::new(2, start + Duration::from_millis(ms)).is_left();
        assert!(!pause(1) && !pause(8));
        assert!(pause(9));
        Budget::new(2, start + Duration::from_millis(9))
            .end(|| unreachable!("nothing was written"));
        assert!(pause(10));
    }
}
