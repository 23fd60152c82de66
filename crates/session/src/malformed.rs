//! Counts malformed messages over the last minute: one is answered, many end the session.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// Most sessions have none, and own nothing for it.
#[derive(Debug, Default)]
pub(crate) struct Malformed(Option<Box<Seen>>);

/// When they came, the oldest first.
#[derive(Debug, Default)]
struct Seen(VecDeque<Instant>);

impl Malformed {
    /// Notes one; true if it is the one too many, the `max`th within a minute.
    pub(crate) fn note(&mut self, max: usize, now: Instant) -> bool {
        let Seen(seen) = &mut **self.0.get_or_insert_default();
        while seen.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            seen.pop_front();
        }
        seen.push_back(now);
        seen.len() >= max.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant serves as a start")]
    fn ten_in_a_minute_are_too_many_and_ten_in_two_are_not() {
        let start = Instant::now();
        let mut quick = Malformed::default();
        let verdicts: Vec<bool> =
            (0..10).map(|second| quick.note(10, start + Duration::from_secs(second))).collect();
        assert_eq!(verdicts.iter().position(|over| *over), Some(9));
        let mut slow = Malformed::default();
        assert!((0..100).all(|n| !slow.note(10, start + Duration::from_secs(n * 12))));
    }
}
