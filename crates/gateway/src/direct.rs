//! How much a thread may write with its own hand for those who publish on it. Knows no message.
//!
//! A receiver at rest is reached for half the price if who publishes writes to it at once, and its task sleeps on. But
//! each such write carries one message: where much is published, a task that is woken writes many together, and the
//! tasks of other threads write at the same time. So a thread that wrote directly does not do so again for a
//! while: in a flood nearly everything is written by the tasks.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long a thread pauses for each direct write, which takes it 2 to 3 µs: 50 000 of them a second at most, an eighth of
/// its time. By their number, because what they took is longer when the system lets others run meanwhile.
const PAUSE: Duration = Duration::from_micros(20);

thread_local! {
    /// When this thread may write directly again.
    static NEXT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The direct writes of one publication.
#[derive(Debug)]
pub(crate) struct Budget {
    began: Instant,
    left: usize,
    used: u32,
}

impl Budget {
    /// At most `receivers` of them; none where the thread has just written enough.
    pub(crate) fn new(receivers: usize, now: Instant) -> Self {
        let may = NEXT.get().is_none_or(|next| now >= next);
        Self { began: now, left: if may { receivers } else { 0 }, used: 0 }
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
        self.used = self.used.saturating_add(1);
    }

    /// No more are written; `now` is asked for only if there were any.
    pub(crate) fn end(self, now: impl FnOnce() -> Instant) {
        if self.used > 0 {
            NEXT.set(Some(now() + PAUSE * self.used));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a base to count from")]
    fn who_has_written_pauses_by_how_much_it_was() {
        let start = Instant::now();
        let mut budget = Budget::new(2, start);
        assert!(budget.is_left());
        budget.spend();
        budget.spend();
        assert!(!budget.is_left(), "each publication has so many");
        budget.end(|| start + Duration::from_micros(10));
        let may = |us| Budget::new(2, start + Duration::from_micros(us)).is_left();
        assert!(!may(10) && !may(49));
        assert!(may(50));
        Budget::new(2, start + Duration::from_micros(50))
            .end(|| unreachable!("nothing was written"));
        assert!(may(50));
    }
}
