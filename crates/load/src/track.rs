//! What one reader has of one sender's messages. It knows no time and no socket.

use std::ops::Range;

/// What a message was to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is the next, or this many before it are missing for now.
    New {
        /// Messages left out before it.
        skipped: u32,
    },
    /// It was missing: it came after a later one.
    Late,
    /// It has been there before.
    Doubled,
}

/// What one reader has of one sender's messages, numbered from 0.
///
/// Eight bytes for each hole besides; none while nothing is missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Track {
    first: Option<u32>,
    next: u32,
    holes: Vec<Range<u32>>,
}

impl Track {
    /// Expects everything from message `first` on.
    pub(crate) fn from(first: u32) -> Self {
        Self { first: Some(first), next: first, holes: Vec::new() }
    }

    /// Expects everything from the first message on that comes.
    pub(crate) fn from_anywhere() -> Self {
        Self::default()
    }

    /// The message after the last that came.
    pub(crate) fn next(&self) -> u32 {
        self.next
    }

    /// Notes a message.
    pub(crate) fn note(&mut self, seq: u32) -> Seen {
        let first = *self.first.get_or_insert_with(|| {
            self.next = seq;
            seq
        });
        if seq < first {
            return Seen::Doubled;
        }
        if seq >= self.next {
            let skipped = seq - self.next;
            if skipped > 0 {
                self.holes.push(self.next..seq);
            }
            self.next = seq.saturating_add(1);
            return Seen::New { skipped };
        }
        self.fill(seq)
    }

    fn fill(&mut self, seq: u32) -> Seen {
        let at = self.holes.partition_point(|hole| hole.end <= seq);
        let Some(hole) = self.holes.get_mut(at).filter(|hole| hole.contains(&seq)) else {
            return Seen::Doubled;
        };
        let after = seq + 1..hole.end;
        hole.end = seq;
        let before_is_empty = hole.start == hole.end;
        match (before_is_empty, after.start == after.end) {
            (true, true) => drop(self.holes.remove(at)),
            (true, false) => *hole = after,
            (false, true) => {}
            (false, false) => self.holes.insert(at + 1, after),
        }
        Seen::Late
    }

    /// How many of the messages in `range` should have come.
    pub(crate) fn expected_in(&self, range: Range<u32>) -> u64 {
        let first = self.first.unwrap_or(range.end);
        u64::from(range.end.saturating_sub(range.start.max(first)))
    }

    /// How many of the messages in `range` have not come.
    pub(crate) fn missing_in(&self, range: Range<u32>) -> u64 {
        let Some(first) = self.first else { return 0 };
        let start = range.start.max(first);
        let holes = self
            .holes
            .iter()
            .map(|hole| u64::from(hole.end.min(range.end).saturating_sub(hole.start.max(start))));
        holes.sum::<u64>() + u64::from(range.end.saturating_sub(self.next.max(start)))
    }

    /// Whether nothing below `end` is missing.
    pub(crate) fn has_all_below(&self, end: u32) -> bool {
        self.first.is_none() || (self.holes.is_empty() && self.next >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(track: &mut Track, seqs: &[u32]) -> Vec<Seen> {
        seqs.iter().map(|seq| track.note(*seq)).collect()
    }

    #[test]
    fn in_order_nothing_is_missing() {
        let mut track = Track::from(0);
        assert_eq!(noted(&mut track, &[0, 1, 2]), [Seen::New { skipped: 0 }; 3]);
        assert!(track.has_all_below(3));
        assert_eq!(track.missing_in(0..4), 1);
    }

    #[test]
    fn a_hole_is_missing_until_it_is_filled() {
        let mut track = Track::from(0);
        assert_eq!(
            noted(&mut track, &[0, 4, 2]),
            [Seen::New { skipped: 0 }, Seen::New { skipped: 3 }, Seen::Late]
        );
        assert_eq!(track.missing_in(0..5), 2);
        assert_eq!(noted(&mut track, &[2, 1, 3]), [Seen::Doubled, Seen::Late, Seen::Late]);
        assert!(track.has_all_below(5));
    }

    #[test]
    fn ranges_are_told_apart() {
        let mut track = Track::from(0);
        noted(&mut track, &[1, 5, 9]);
        assert_eq!((track.missing_in(0..5), track.missing_in(5..10)), (4, 3));
        assert_eq!((track.expected_in(0..5), track.expected_in(5..10)), (5, 5));
    }

    #[test]
    fn who_comes_later_expects_what_follows() {
        let mut track = Track::from_anywhere();
        assert_eq!(track.missing_in(0..9), 0);
        assert_eq!(track.expected_in(0..9), 0);
        noted(&mut track, &[7, 9]);
        assert_eq!((track.expected_in(0..10), track.missing_in(0..10)), (3, 1));
    }

    #[test]
    fn any_order_comes_out_as_a_set_would() {
        // A fixed, scrambled order with repetitions, against a set.
        let mut track = Track::from(0);
        let mut set = std::collections::BTreeSet::new();
        for step in 0..4_000_u32 {
            let seq = step.wrapping_mul(2_654_435_761) % 1_000;
            let doubled = track.note(seq) == Seen::Doubled;
            assert_eq!(doubled, !set.insert(seq), "{seq}");
        }
        assert_eq!(track.missing_in(0..1_000), 1_000 - set.len() as u64);
    }
}
