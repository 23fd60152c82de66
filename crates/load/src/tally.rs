//! What a thread counted of a run. It knows no connection and no clock; times are given to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::SECOND;
use crate::plan::Plan;
use crate::report::Accounting;
use crate::times::{RoughTimes, Times};

/// Everything that one thread counted; those of several are added up.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) segments: Vec<SegmentTally>,
    pub(crate) seconds: Vec<SecondTally>,
    pub(crate) lateness: Times,
    /// How long messages may have lain in a socket before they were read, at the most.
    pub(crate) reading: Times,
    /// Messages that waited here since their connection took none.
    pub(crate) held_back: u64,
    /// While it counted.
    pub(crate) bytes_sent: u64,
    /// While it counted.
    pub(crate) bytes_received: u64,
    pub(crate) reasons: BTreeMap<String, u64>,
    /// CPU time of each thread while it counted, in nanoseconds.
    pub(crate) cpu: Vec<u64>,
    /// How long each thread stood ready meanwhile and had no core, in nanoseconds.
    pub(crate) waited: Vec<u64>,
    pub(crate) streams: Option<Box<StreamTally>>,
    /// Messages that are known to be missing, for the live figures.
    pub(crate) missing: u64,
}

/// What was counted in one segment of the plan.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SegmentTally {
    pub(crate) counts: bool,
    pub(crate) numbers: Numbers,
    pub(crate) latency: Times,
    pub(crate) stalled: Times,
}

/// Plain numbers of one segment.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) sent: u64,
    pub(crate) unsent: u64,
    pub(crate) expected: u64,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    /// Of the lost: those whose connection the server closed with a code.
    pub(crate) lost_with_close: u64,
    pub(crate) doubled: u64,
    pub(crate) late: u64,
    pub(crate) corrupt: u64,
    pub(crate) refused: u64,
    pub(crate) gaps: u64,
    pub(crate) broken: u64,
    pub(crate) failed_connects: u64,
}

/// What was counted of one second.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SecondTally {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) latency: RoughTimes,
}

/// What was counted of token streams.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StreamTally {
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) tokens: u64,
    pub(crate) messages: u64,
    pub(crate) first: Times,
    pub(crate) between: Times,
    pub(crate) upstream_between: Times,
    pub(crate) added: Times,
    pub(crate) first_added: Times,
}

/// How a delivery counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Usual,
    /// Its reader had stalled: not among the usual latencies.
    Stalled,
}

impl Tally {
    pub(crate) fn new(plan: &Plan) -> Self {
        let segment = |counts| SegmentTally { counts, ..SegmentTally::default() };
        let seconds = plan.counted().div_ceil(SECOND) as usize;
        Self {
            segments: plan.segments.iter().map(|it| segment(it.counts)).collect(),
            seconds: vec![SecondTally::default(); seconds],
            ..Self::default()
        }
    }

    /// The numbers of the segment of a time.
    pub(crate) fn at(&mut self, plan: &Plan, time: u64) -> &mut Numbers {
        let at = plan.segment_at(time);
        if self.segments.is_empty() {
            self.segments.push(SegmentTally::default());
        }
        &mut self.segments[at].numbers
    }

    /// The numbers of all that counts together, or of the warm-up.
    pub(crate) fn of(&mut self, counts: bool) -> &mut Numbers {
        let at = self.segments.iter().position(|segment| segment.counts == counts);
        let at = at.unwrap_or_else(|| {
            self.segments.push(SegmentTally { counts, ..SegmentTally::default() });
            self.segments.len() - 1
        });
        &mut self.segments[at].numbers
    }

    /// A message was sent at `now` that should have gone at `due`.
    pub(crate) fn sent(&mut self, plan: &Plan, due: u64, now: u64) {
        let at = plan.segment_at(due);
        let Some(segment) = self.segments.get_mut(at) else { return };
        segment.numbers.sent += 1;
        if segment.counts {
            self.lateness.note(now.saturating_sub(due));
            if let Some(second) = second(&mut self.seconds, plan, due) {
                second.sent += 1;
            }
        }
    }

    /// A message was received for the first time.
    pub(crate) fn received(&mut self, plan: &Plan, due: u64, now: u64, weight: Weight) {
        let at = plan.segment_at(due);
        let Some(segment) = self.segments.get_mut(at) else { return };
        segment.numbers.received += 1;
        let time = now.saturating_sub(due);
        let usual = weight == Weight::Usual;
        if usual {
            segment.latency.note(time);
        } else {
            segment.stalled.note(time);
        }
        if segment.counts
            && let Some(second) = second(&mut self.seconds, plan, due)
        {
            second.received += 1;
            if usual {
                second.latency.note(time);
            }
        }
    }

    /// A token was received at `now` that the upstream sent at `sent`. Streams are accounted for whole, the warm-up included.
    pub(crate) fn token(&mut self, plan: &Plan, sent: u64, now: u64) {
        self.of(true).received += 1;
        let counts = sent >= plan.counts_from();
        if counts && let Some(second) = second(&mut self.seconds, plan, sent) {
            second.received += 1;
            second.latency.note(now.saturating_sub(sent));
        }
    }

    /// Something happened that has a name.
    pub(crate) fn because(&mut self, reason: &str) {
        match self.reasons.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(self.reasons.insert(reason.to_owned(), 1)),
        }
    }

    /// Adds what another thread counted by the same plan.
    pub(crate) fn add(&mut self, other: Self) {
        for (mine, theirs) in self.segments.iter_mut().zip(&other.segments) {
            mine.numbers.add(&theirs.numbers);
            mine.latency.add(&theirs.latency);
            mine.stalled.add(&theirs.stalled);
        }
        for (mine, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            mine.sent += theirs.sent;
            mine.received += theirs.received;
            mine.latency.add(&theirs.latency);
        }
        self.lateness.add(&other.lateness);
        self.reading.add(&other.reading);
        self.held_back += other.held_back;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.missing += other.missing;
        self.cpu.extend(other.cpu);
        self.waited.extend(other.waited);
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        match (&mut self.streams, other.streams) {
            (Some(mine), Some(theirs)) => mine.add(&theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }

    /// The latencies of all segments that count.
    pub(crate) fn latency(&self) -> Times {
        let mut all = Times::default();
        for segment in self.segments.iter().filter(|segment| segment.counts) {
            all.add(&segment.latency);
        }
        all
    }

    /// The account of what counted, and of the warm-up before it.
    pub(crate) fn accounts(&self) -> (Accounting, Accounting) {
        let sum = |counts| {
            let mut sum = Numbers::default();
            for segment in self.segments.iter().filter(|segment| segment.counts == counts) {
                sum.add(&segment.numbers);
            }
            sum.account()
        };
        (Accounting { reasons: self.reasons.clone(), ..sum(true) }, sum(false))
    }
}

fn second<'a>(
    seconds: &'a mut [SecondTally],
    plan: &Plan,
    due: u64,
) -> Option<&'a mut SecondTally> {
    let since = due.saturating_sub(plan.counts_from());
    seconds.get_mut((since / SECOND) as usize)
}

impl Numbers {
    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.unsent += other.unsent;
        self.expected += other.expected;
        self.received += other.received;
        self.lost += other.lost;
        self.lost_with_close += other.lost_with_close;
        self.doubled += other.doubled;
        self.late += other.late;
        self.corrupt += other.corrupt;
        self.refused += other.refused;
        self.gaps += other.gaps;
        self.broken += other.broken;
        self.failed_connects += other.failed_connects;
    }

    fn account(&self) -> Accounting {
        let said = self.lost.min(self.gaps + self.refused + self.lost_with_close);
        Accounting {
            sent: self.sent,
            unsent: self.unsent,
            expected: self.expected,
            received: self.received,
            lost: self.lost,
            said,
            critical_loss: self.lost - said,
            doubled: self.doubled,
            out_of_order: self.late,
            corrupt: self.corrupt,
            refused: self.refused,
            gaps: self.gaps,
            broken: self.broken,
            failed_connects: self.failed_connects,
            reasons: BTreeMap::new(),
        }
    }
}

impl StreamTally {
    fn add(&mut self, other: &Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.tokens += other.tokens;
        self.messages += other.messages;
        self.first.add(&other.first);
        self.between.add(&other.between);
        self.upstream_between.add(&other.upstream_between);
        self.added.add(&other.added);
        self.first_added.add(&other.first_added);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan { epoch: 5 * SECOND, ..Plan::steady(1, 10.0, 64, 1_000, 2_000) }
    }

    #[test]
    fn the_warm_up_is_apart() {
        let plan = plan();
        let mut tally = Tally::new(&plan);
        for due in [5 * SECOND, 6 * SECOND, 7 * SECOND] {
            tally.sent(&plan, due, due + 10);
            tally.received(&plan, due, due + 2_000_000, Weight::Usual);
        }
        let (counted, warm_up) = tally.accounts();
        assert_eq!((counted.sent, counted.received, warm_up.sent), (2, 2, 1));
        assert_eq!(tally.latency().latency().count, 2);
        assert_eq!(tally.seconds.iter().map(|second| second.received).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn what_the_server_owned_up_to_is_no_critical_loss() {
        let numbers = Numbers { lost: 10, gaps: 6, refused: 1, ..Numbers::default() };
        let account = numbers.account();
        assert_eq!((account.said, account.critical_loss), (7, 3));
        assert_eq!(Numbers { lost: 2, gaps: 6, ..Numbers::default() }.account().critical_loss, 0);
    }

    #[test]
    fn a_stalled_reader_spoils_no_percentile() {
        let plan = plan();
        let mut tally = Tally::new(&plan);
        tally.received(&plan, 6 * SECOND, 9 * SECOND, Weight::Stalled);
        assert_eq!(tally.latency().latency().count, 0);
        assert_eq!(tally.accounts().0.received, 1);
    }

    #[test]
    fn threads_add_up() {
        let plan = plan();
        let mut one = Tally::new(&plan);
        let mut other = Tally::new(&plan);
        one.received(&plan, 6 * SECOND, 6 * SECOND, Weight::Usual);
        other.received(&plan, 6 * SECOND, 6 * SECOND, Weight::Usual);
        other.because("reset");
        one.add(other);
        assert_eq!(one.accounts().0.received, 2);
        assert_eq!(one.reasons["reset"], 1);
        assert_eq!(one.seconds[0].received, 2);
    }
}
