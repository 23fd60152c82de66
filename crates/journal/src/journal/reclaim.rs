//! Who gives way when memory is short: the largest and least recently read log first, half of what it has at a time.
//! Knows sizes and times, but no content.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::Shared;
use crate::hot::Hot;
use crate::sync::lock;

/// How many logs are looked at more closely at a time.
const CANDIDATES: usize = 64;

/// A log that may give way.
#[derive(Debug)]
struct Candidate {
    score: u128,
    hot: Arc<Hot>,
}

impl Candidate {
    /// Bytes times milliseconds since it was read.
    fn new(hot: &Arc<Hot>, now_ms: u64) -> Self {
        let idle = now_ms.saturating_sub(hot.read_ms()).saturating_add(1_000);
        Self { score: hot.bytes() as u128 * u128::from(idle), hot: Arc::clone(hot) }
    }
}

impl Shared {
    /// Lets logs give way until no more than `most` bytes are used, or nothing can.
    pub(super) fn reclaim(&self, most: usize) {
        let _one_at_a_time = lock(&self.reclaiming);
        while self.budget.used() > most {
            let mut candidates = self.candidates();
            let mut gave = false;
            while self.budget.used() > most
                && let Some(largest) = candidates.pop()
            {
                if self.halve(&largest.hot, most) {
                    gave = true;
                    candidates.push(Candidate::new(&largest.hot, self.now_ms()));
                }
            }
            if !gave {
                return;
            }
        }
    }

    /// The logs with the highest scores.
    fn candidates(&self) -> BinaryHeap<Candidate> {
        let now_ms = self.now_ms();
        // The lowest on top, to be replaced by what is higher.
        let mut highest = BinaryHeap::with_capacity(CANDIDATES + 1);
        self.table.each(|hot| {
            if hot.bytes() == 0 {
                return;
            }
            let candidate = Candidate::new(hot, now_ms);
            let lowest = highest.peek().map(|lowest: &Lowest| lowest.0.score);
            if highest.len() < CANDIDATES || lowest.is_some_and(|lowest| lowest < candidate.score) {
                highest.push(Lowest(candidate));
                if highest.len() > CANDIDATES {
                    highest.pop();
                }
            }
        });
        highest.into_iter().map(|candidate| candidate.0).collect()
    }

    /// Lets a log give way until it has half of what it had, or enough is free. Answers whether it gave anything.
    fn halve(&self, hot: &Hot, most: usize) -> bool {
        let mut held = hot.hold();
        let before = held.log.bytes();
        while held.log.bytes() > before / 2 && self.budget.used() > most {
            if !self.give_way(&mut held) {
                break;
            }
        }
        held.log.bytes() < before
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.score == other.score
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.cmp(&other.score)
    }
}

/// Turns the order round.
#[derive(PartialEq, Eq)]
struct Lowest(Candidate);

impl PartialOrd for Lowest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Lowest {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.cmp(&self.0)
    }
}
