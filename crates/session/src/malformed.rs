//! Counts malformed messages over the last minute: one is answered, many end the session.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Malformed {
    max: usize,
    seen: VecDeque<Instant>,
}

impl Malformed {
    pub(crate) const fn new(max: usize) -> Self {
        Self { max, seen: VecDeque::new() }
    }

    /// Notes one; true if it is the one too many.
    pub(crate) fn note(&mut self, now: Instant) -> bool {
        while self.seen.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            self.seen.pop_front();
        }
        self.seen.push_back(now);
        self.seen.len() >= self.max.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant serves as a start")]
    fn ten_in_a_minute_are_too_many_and_ten_in_two_are_not() {
        let start = Instant::now();
        let mut quick = Malformed::new(10);
        let verdicts: Vec<bool> =
            (0..10).map(|second| quick.note(start + Duration::from_secs(second))).collect();
        assert_eq!(verdicts.iter().position(|over| *over), Some(9));
        let mut slow = Malformed::new(10);
        assert!((0..100).all(|n| !slow.note(start + Duration::from_secs(n * 12))));
    }
}
