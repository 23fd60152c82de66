//! Notices a client that takes nothing of what is written to it.

use std::time::{Duration, Instant};

/// Remembers how much was unwritten, and since when that has not become less.
#[derive(Debug, Default)]
pub(crate) struct Stall {
    pending: usize,
    since: Option<Instant>,
}

impl Stall {
    /// Looks at how many bytes wait for the socket.
    pub(crate) fn look(&mut self, pending: usize, now: Instant) {
        if pending == 0 {
            self.since = None;
        } else if self.since.is_none() || pending < self.pending {
            self.since = Some(now);
        }
        self.pending = pending;
    }

    /// When the wait has lasted for `timeout`, if anything waits.
    pub(crate) fn due(&self, timeout: Duration) -> Option<Instant> {
        self.since.map(|since| since + timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant serves as a start")]
    fn counts_from_the_last_byte_that_was_taken() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut stall = Stall::default();
        assert_eq!(stall.due(second), None);
        stall.look(100, start);
        stall.look(100, start + second);
        assert_eq!(stall.due(second), Some(start + second));
        stall.look(200, start + second);
        assert_eq!(stall.due(second), Some(start + second), "more to write is no progress");
        stall.look(150, start + second * 2);
        assert_eq!(stall.due(second), Some(start + second * 3));
        stall.look(0, start + second * 3);
        assert_eq!(stall.due(second), None);
    }
}
