//! When each message of an open loop should go, and what the load is at a time. It reads no clock.

use serde::{Deserialize, Serialize};

use crate::clock::{MILLISECOND, SECOND};

/// A stretch of time with one rate and one size. The first of a plan may be the warm-up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) name: String,
    /// Where it begins, in nanoseconds from the plan's beginning.
    pub(crate) start: u64,
    /// Where it ends, and the next begins.
    pub(crate) end: u64,
    /// Messages a second in all.
    pub(crate) rate: f64,
    pub(crate) size: usize,
    /// Connections at its end.
    pub(crate) connections: u32,
    pub(crate) churn_per_s: f64,
    pub(crate) stalled: u32,
    /// Whether it counts.
    pub(crate) counts: bool,
}

/// All segments of a run, from an absolute time on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) epoch: u64,
    /// Whether connections come and go as the segments say.
    pub(crate) changes: bool,
    pub(crate) segments: Vec<Segment>,
}

impl Segment {
    /// One that counts, with a rate and nothing that changes.
    fn steady(name: &str, connections: u32, rate: f64, size: u32) -> Self {
        Self {
            name: name.into(),
            start: 0,
            end: 0,
            rate,
            size: size as usize,
            connections,
            churn_per_s: 0.0,
            stalled: 0,
            counts: true,
        }
    }
}

impl Plan {
    /// A plan of nothing.
    pub(crate) const fn empty() -> Self {
        Self { epoch: 0, changes: false, segments: Vec::new() }
    }

    /// A plan of one rate: the warm-up, and what counts.
    pub(crate) fn steady(connections: u32, rate: f64, size: u32, warmup_ms: u64, ms: u64) -> Self {
        let mut plan = Self::empty();
        let run = Segment::steady("run", connections, rate, size);
        plan.push(warmup_ms, Segment { name: "warm-up".into(), counts: false, ..run.clone() });
        plan.push(ms, run);
        plan
    }

    /// The same, with a rate that rises while it is warmed up: a third of that at a quarter, a third at half of it.
    pub(crate) fn rising(connections: u32, rate: f64, size: u32, warmup_ms: u64, ms: u64) -> Self {
        let mut plan = Self::empty();
        let run = Segment::steady("run", connections, rate, size);
        let thirds =
            [(0.25, warmup_ms / 3), (0.5, warmup_ms / 3), (1.0, warmup_ms - 2 * (warmup_ms / 3))];
        for (share, ms) in thirds {
            let rate = rate * share;
            let warm_up = Segment { name: "warm-up".into(), counts: false, rate, ..run.clone() };
            plan.push(ms, warm_up);
        }
        plan.push(ms, run);
        plan
    }

    /// The part of it that is over at `time`.
    pub(crate) fn until(&self, time: u64) -> Self {
        let since = time.saturating_sub(self.epoch);
        let mut plan = self.clone();
        for segment in &mut plan.segments {
            (segment.start, segment.end) = (segment.start.min(since), segment.end.min(since));
        }
        plan
    }

    /// Appends a segment of this length.
    pub(crate) fn push(&mut self, ms: u64, segment: Segment) {
        let start = self.length();
        self.segments.push(Segment { start, end: start + ms * MILLISECOND, ..segment });
    }

    /// From the beginning to the end, in nanoseconds.
    pub(crate) fn length(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.end)
    }

    /// When it ends.
    pub(crate) fn end(&self) -> u64 {
        self.epoch + self.length()
    }

    /// When what counts begins.
    pub(crate) fn counts_from(&self) -> u64 {
        let first = self.segments.iter().find(|segment| segment.counts);
        self.epoch + first.map_or(self.length(), |segment| segment.start)
    }

    /// How long what counts takes, in nanoseconds.
    pub(crate) fn counted(&self) -> u64 {
        self.end() - self.counts_from()
    }

    /// The segment of a time; what is outside counts to the first or last. There is one, or it is 0.
    pub(crate) fn segment_at(&self, time: u64) -> usize {
        let since = time.saturating_sub(self.epoch);
        let at = self.segments.partition_point(|segment| segment.end <= since);
        at.min(self.segments.len().saturating_sub(1))
    }

    /// How many connections should have left and been replaced by a time.
    pub(crate) fn churn_until(&self, time: u64) -> f64 {
        let since = time.saturating_sub(self.epoch);
        let churned = self.segments.iter().map(|segment| {
            let passed = since.min(segment.end).saturating_sub(segment.start);
            segment.churn_per_s * passed as f64 / SECOND as f64
        });
        churned.sum()
    }

    /// How many connections there should be at a time.
    pub(crate) fn connections_at(&self, time: u64) -> u32 {
        let at = self.segment_at(time);
        let Some(segment) = self.segments.get(at) else { return 0 };
        let before = at.checked_sub(1).and_then(|at| self.segments.get(at));
        let from = f64::from(before.unwrap_or(segment).connections);
        let length = (segment.end - segment.start).max(1) as f64;
        let done = time.saturating_sub(self.epoch + segment.start) as f64 / length;
        (from + (f64::from(segment.connections) - from) * done.min(1.0)).round() as u32
    }
}

/// The times at which one of several threads should send.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    share: Share,
    segment: usize,
    sent: u64,
}

/// One of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) index: u32,
    pub(crate) of: u32,
}

impl Share {
    /// Its part of a whole: the parts of all sum up to it.
    pub(crate) fn of_count(self, whole: u32) -> u32 {
        whole / self.of + u32::from(self.index < whole % self.of)
    }
}

impl Schedule {
    pub(crate) fn new(share: Share) -> Self {
        Self { share, segment: 0, sent: 0 }
    }

    /// When the next message is due; `None` when there is none any more.
    pub(crate) fn due(&mut self, plan: &Plan) -> Option<u64> {
        loop {
            let segment = plan.segments.get(self.segment)?;
            let number = self.sent * u64::from(self.share.of) + u64::from(self.share.index);
            let since = (number as f64 + 0.5) / segment.rate.max(f64::MIN_POSITIVE) * SECOND as f64;
            let length = segment.end - segment.start;
            if since < length as f64 {
                return Some(plan.epoch + segment.start + since as u64);
            }
            self.segment += 1;
            self.sent = 0;
        }
    }

    /// Goes on to the message after.
    pub(crate) fn advance(&mut self) {
        self.sent += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(plan: &Plan, index: u32, of: u32) -> Vec<u64> {
        let mut schedule = Schedule::new(Share { index, of });
        std::iter::from_fn(|| {
            let due = schedule.due(plan);
            schedule.advance();
            due
        })
        .collect()
    }

    #[test]
    fn a_rate_is_met_to_the_message() {
        let plan = Plan { epoch: 1_000, ..Plan::steady(10, 150.0, 64, 1_000, 2_000) };
        let due = all(&plan, 0, 1);
        assert_eq!(due.len(), 450);
        assert!(due.is_sorted());
        assert_eq!(due.iter().filter(|due| **due >= plan.counts_from()).count(), 300);
        assert!(due.iter().all(|due| plan.epoch <= *due && *due < plan.end()));
    }

    #[test]
    fn a_rate_may_rise_while_it_is_warmed_up() {
        let plan = Plan { epoch: 1_000, ..Plan::rising(10, 120.0, 64, 900, 1_000) };
        let due = all(&plan, 0, 1);
        // 300 ms each at 30, 60 and 120 a second.
        let warm_up = due.iter().filter(|due| **due < plan.counts_from()).count();
        assert_eq!((warm_up, due.len()), (9 + 18 + 36, 9 + 18 + 36 + 120));
        assert_eq!((plan.counts_from(), plan.counted()), (1_000 + 900 * MILLISECOND, SECOND));
    }

    #[test]
    fn threads_share_a_rate() {
        let plan = Plan::steady(10, 97.0, 64, 0, 1_000);
        let mut shared: Vec<u64> = (0..3).flat_map(|index| all(&plan, index, 3)).collect();
        shared.sort_unstable();
        assert_eq!(shared, all(&plan, 0, 1));
        assert_eq!((0..3).map(|index| Share { index, of: 3 }.of_count(100)).sum::<u32>(), 100);
    }

    #[test]
    fn what_is_over_at_a_time_ends_there() {
        let plan = Plan { epoch: SECOND, ..Plan::steady(10, 10.0, 64, 1_000, 2_000) };
        let part = plan.until(2 * SECOND + 500 * MILLISECOND);
        assert_eq!((part.counts_from(), part.counted()), (2 * SECOND, 500 * MILLISECOND));
        assert_eq!(plan.until(0).counted(), 0);
        assert_eq!(plan.until(60 * SECOND).counted(), 2 * SECOND);
    }

    #[test]
    fn no_rate_is_no_message() {
        assert!(all(&Plan::steady(10, 0.0, 64, 1_000, 1_000), 0, 1).is_empty());
    }

    #[test]
    fn connections_come_evenly() {
        let mut plan = Plan::steady(100, 1.0, 64, 1_000, 1_000);
        let last = plan.segments[1].clone();
        plan.push(1_000, Segment { connections: 300, ..last });
        let at = |ms: u64| plan.connections_at(ms * MILLISECOND);
        assert_eq!((at(0), at(1_500), at(2_500), at(2_999), at(9_000)), (100, 100, 200, 300, 300));
    }

    #[test]
    fn churn_adds_up_over_segments() {
        let mut plan = Plan::steady(100, 1.0, 64, 1_000, 1_000);
        plan.segments[0].churn_per_s = 10.0;
        plan.segments[1].churn_per_s = 4.0;
        let at = |ms: u64| plan.churn_until(ms * MILLISECOND);
        assert_eq!((at(0), at(500), at(1_500), at(5_000)), (0.0, 5.0, 12.0, 14.0));
    }
}
