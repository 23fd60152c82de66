//! The figures of a report that tables, plots, grades and comparisons are made of: each over all repetitions.
//! Knows the generator's report; judges nothing.

use tidegate_load::report::{Accounting, Latency, Report, Run, Spread};

/// Each figure with its spread over the repetitions; what was not measured is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// Repetitions.
    pub(crate) runs: usize,
    /// When load began.
    pub(crate) connections: u32,
    /// Messages a second that should have been received.
    pub(crate) asked_per_s: Option<Spread>,
    /// Messages a second that were.
    pub(crate) reached_per_s: Option<Spread>,
    pub(crate) p50_ms: Option<Spread>,
    pub(crate) p95_ms: Option<Spread>,
    pub(crate) p99_ms: Option<Spread>,
    pub(crate) p999_ms: Option<Spread>,
    /// Of one core.
    pub(crate) cpu_percent: Option<Spread>,
    pub(crate) cpu_s_per_million: Option<Spread>,
    /// The greatest that was seen.
    pub(crate) rss_bytes: Option<Spread>,
    /// Both ways, heads and frames included.
    pub(crate) network_bytes_per_s: Option<Spread>,
    /// Summed over all repetitions.
    pub(crate) counts: Accounting,
    /// What the generator had to do with it.
    pub(crate) mark: Option<Mark>,
}

/// What keeps figures from being the server's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The generator was the bottleneck.
    Limited,
    /// One of generator and server waited for a core.
    Crowded,
}

impl Mark {
    pub(crate) fn of(report: &Report) -> Option<Self> {
        match (report.generator_limited, report.crowded) {
            (true, _) => Some(Self::Limited),
            (false, true) => Some(Self::Crowded),
            (false, false) => None,
        }
    }

    /// As it stands in tables.
    pub(crate) fn sign(self) -> char {
        match self {
            Self::Limited => '*',
            Self::Crowded => '‡',
        }
    }

    /// In words.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Limited => "the generator was the bottleneck",
            Self::Crowded => "generator and server were short of cores",
        }
    }
}

/// A named figure, for those who go through all of them.
pub(crate) struct Named<'a> {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) spread: &'a Option<Spread>,
    /// Whether more of it is better.
    pub(crate) more_is_better: bool,
}

impl Figures {
    pub(crate) fn of(report: &Report) -> Self {
        let runs = &report.runs;
        let times = |of: fn(&Latency) -> f64| {
            over(runs, |run| latency(run).filter(|times| times.count > 0).map(of))
        };
        let server = |of: fn(&tidegate_load::report::ServerUse) -> Option<f64>| {
            over(runs, |run| run.server.as_ref().and_then(of))
        };
        Self {
            runs: runs.len(),
            connections: runs.iter().map(most_connections).max().unwrap_or(0),
            asked_per_s: over(runs, asked_per_s),
            reached_per_s: over(runs, reached_per_s),
            p50_ms: times(|times| times.p50),
            p95_ms: times(|times| times.p95),
            p99_ms: times(|times| times.p99),
            p999_ms: times(|times| times.p999),
            cpu_percent: server(|server| Some(server.cpu_percent)),
            cpu_s_per_million: over(runs, cpu_s_per_million),
            rss_bytes: server(|server| Some(server.rss_peak_bytes as f64)),
            network_bytes_per_s: over(runs, |run| {
                let bytes = (run.bytes_sent + run.bytes_received) as f64;
                (run.elapsed_s > 0.0).then(|| bytes / run.elapsed_s)
            }),
            counts: runs.iter().fold(Accounting::default(), |sum, run| add(sum, &run.accounting)),
            mark: Mark::of(report),
        }
    }

    /// Those that two results are compared by.
    pub(crate) fn compared(&self) -> [Named<'_>; 8] {
        let less = |name, unit, spread| Named { name, unit, spread, more_is_better: false };
        [
            Named { more_is_better: true, ..less("reached", "msg/s", &self.reached_per_s) },
            less("p50", "ms", &self.p50_ms),
            less("p95", "ms", &self.p95_ms),
            less("p99", "ms", &self.p99_ms),
            less("p99.9", "ms", &self.p999_ms),
            less("CPU", "%", &self.cpu_percent),
            less("CPU a million", "s", &self.cpu_s_per_million),
            less("memory", "B", &self.rss_bytes),
        ]
    }

    /// What should have been received and was not, doubled, broken, or could not be sent, as a share of what
    /// should have been; without what the server owned up to where that is expected of it.
    pub(crate) fn error_share(&self, said_is_no_error: bool) -> f64 {
        let counts = &self.counts;
        let pardoned = if said_is_no_error { counts.said.min(counts.lost) } else { 0 };
        let errors = counts.lost - pardoned + counts.doubled + counts.corrupt + counts.unsent;
        let errors = errors + counts.broken + counts.failed_connects;
        if errors == 0 { 0.0 } else { errors as f64 / counts.expected.max(errors) as f64 }
    }

    /// What was received, as a share of what should have been.
    pub(crate) fn reached_share(&self, said_is_no_error: bool) -> Option<f64> {
        let counts = &self.counts;
        let pardoned = if said_is_no_error { counts.said } else { 0 };
        let wanted = counts.expected + counts.unsent;
        (wanted > 0).then(|| (counts.received + pardoned) as f64 / wanted as f64)
    }
}

/// The least, middle and greatest of `values`; `None` without any.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (min, max) = (*values.first()?, *values.last()?);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let even = values.len().is_multiple_of(2);
    let lower = if even { values.get(middle.saturating_sub(1)).copied()? } else { upper };
    Some(Spread { min, median: f64::midpoint(lower, upper), max })
}

fn over(runs: &[Run], of: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
    spread(runs.iter().filter_map(of))
}

/// The latency that a person would feel: of streams what the server added to a token, of connections that
/// were cut how long each was away.
pub(crate) fn latency(run: &Run) -> Option<&Latency> {
    match (&run.streams, &run.reconnect) {
        (Some(streams), _) => Some(&streams.added),
        (None, Some(back)) => Some(&back.latency),
        (None, None) => (run.latency.count > 0).then_some(&run.latency),
    }
}

/// The most connections that there were at one time.
pub(crate) fn most_connections(run: &Run) -> u32 {
    let by_second = run.timeline.iter().map(|second| second.connections);
    by_second.chain([run.connections]).max().unwrap_or(0)
}

fn has_messages(run: &Run) -> bool {
    run.accounting.expected > 0 || run.accounting.unsent > 0
}

fn asked_per_s(run: &Run) -> Option<f64> {
    if run.streams.is_some() {
        return None;
    }
    let wanted = (run.accounting.expected + run.accounting.unsent) as f64;
    (has_messages(run) && run.elapsed_s > 0.0).then(|| wanted / run.elapsed_s)
}

/// Of streams, tokens.
fn reached_per_s(run: &Run) -> Option<f64> {
    match &run.streams {
        Some(streams) => (run.elapsed_s > 0.0).then(|| streams.tokens as f64 / run.elapsed_s),
        None => has_messages(run).then_some(run.received_per_s),
    }
}

fn cpu_s_per_million(run: &Run) -> Option<f64> {
    let server = run.server.as_ref()?;
    match &run.streams {
        Some(streams) if streams.tokens > 0 => Some(server.cpu_s / streams.tokens as f64 * 1e6),
        Some(_) => None,
        None => server.cpu_s_per_million,
    }
}

fn add(mut sum: Accounting, more: &Accounting) -> Accounting {
    sum.sent += more.sent;
    sum.unsent += more.unsent;
    sum.expected += more.expected;
    sum.received += more.received;
    sum.lost += more.lost;
    sum.said += more.said;
    sum.critical_loss += more.critical_loss;
    sum.doubled += more.doubled;
    sum.out_of_order += more.out_of_order;
    sum.corrupt += more.corrupt;
    sum.refused += more.refused;
    sum.gaps += more.gaps;
    sum.broken += more.broken;
    sum.failed_connects += more.failed_connects;
    for (reason, count) in &more.reasons {
        *sum.reasons.entry(reason.clone()).or_default() += count;
    }
    sum
}

#[cfg(test)]
mod tests {
    use tidegate_load::report::{Second, ServerUse, StreamTimes};

    use super::*;

    fn run(p99: f64, received: u64) -> Run {
        Run {
            elapsed_s: 10.0,
            connections: 5,
            received_per_s: received as f64 / 10.0,
            bytes_sent: 600,
            bytes_received: 400,
            latency: Latency { count: received, p99, ..Latency::default() },
            accounting: Accounting {
                sent: 1_000,
                expected: 1_000,
                received,
                lost: 1_000 - received,
                ..Accounting::default()
            },
            server: Some(ServerUse { cpu_percent: 7.0, ..ServerUse::default() }),
            ..Run::default()
        }
    }

    fn figures(runs: Vec<Run>) -> Figures {
        Figures::of(&Report { runs, ..Report::default() })
    }

    #[test]
    fn a_spread_is_the_least_the_middle_and_the_greatest() {
        assert_eq!(spread([]), None);
        let all = |spread: Spread| (spread.min, spread.median, spread.max);
        assert_eq!(spread([3.0]).map(all), Some((3.0, 3.0, 3.0)));
        assert_eq!(spread([9.0, 1.0, 2.0]).map(all), Some((1.0, 2.0, 9.0)));
        assert_eq!(spread([4.0, 1.0]).map(all), Some((1.0, 2.5, 4.0)));
    }

    #[test]
    fn times_are_the_middle_of_the_repetitions_and_counts_their_sum() {
        let figures = figures(vec![run(4.0, 1_000), run(9.0, 990), run(5.0, 1_000)]);
        assert_eq!(figures.p99_ms.unwrap().median, 5.0);
        assert_eq!((figures.counts.lost, figures.counts.expected), (10, 3_000));
        assert_eq!(figures.asked_per_s.unwrap().median, 100.0);
        assert_eq!(figures.network_bytes_per_s.unwrap().median, 100.0);
        assert_eq!(figures.cpu_percent.unwrap().max, 7.0);
    }

    #[test]
    fn what_the_server_owned_up_to_is_pardoned_where_it_is_expected() {
        let mut run = run(4.0, 900);
        run.accounting.said = 100;
        let figures = figures(vec![run]);
        assert_eq!(figures.error_share(false), 0.1);
        assert_eq!(figures.error_share(true), 0.0);
        assert_eq!(figures.reached_share(false), Some(0.9));
        assert_eq!(figures.reached_share(true), Some(1.0));
    }

    #[test]
    fn what_could_not_be_sent_is_missing_too() {
        let mut run = run(4.0, 1_000);
        run.accounting.unsent = 1_000;
        let figures = figures(vec![run]);
        assert_eq!(figures.reached_share(false), Some(0.5));
        assert_eq!(figures.error_share(false), 1.0);
        assert_eq!(figures.asked_per_s.unwrap().median, 200.0);
    }

    #[test]
    fn of_streams_the_latency_is_what_the_server_added() {
        let mut streams = run(400.0, 1_000);
        let added = Latency { count: 3, p99: 2.0, ..Latency::default() };
        streams.streams = Some(StreamTimes { added, tokens: 500, ..StreamTimes::default() });
        streams.server = Some(ServerUse { cpu_s: 2.0, ..ServerUse::default() });
        streams.timeline = vec![Second { connections: 9, ..Second::default() }];
        let figures = figures(vec![streams]);
        assert_eq!(figures.p99_ms.unwrap().median, 2.0);
        assert_eq!(figures.connections, 9);
        assert_eq!((figures.asked_per_s, figures.reached_per_s.unwrap().median), (None, 50.0));
        assert_eq!(figures.cpu_s_per_million.unwrap().median, 4_000.0);
    }

    #[test]
    fn without_messages_there_are_no_rates_and_no_errors() {
        let figures = figures(vec![Run { elapsed_s: 1.0, ..Run::default() }]);
        assert_eq!((figures.asked_per_s, figures.reached_share(false)), (None, None));
        assert_eq!((figures.error_share(false), figures.p50_ms), (0.0, None));
    }
}
