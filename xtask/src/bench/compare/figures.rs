//! The figures that servers are compared by: from which work, what is better, and how far one is from another.
//! Knows reports; not how tables look.

use tidegate_load::report::{Run, Spread};

use super::joined::spread;
use crate::bench::results::{Entry, Results};

/// One figure.
#[derive(Debug)]
pub(crate) struct Figure {
    /// The work it is of.
    pub(crate) work: &'static str,
    /// Its head in a table of all works.
    pub(crate) name: &'static str,
    /// Its head in the table of its own work.
    pub(crate) short: &'static str,
    pub(crate) better: Better,
    /// Whether the order of servers goes by it.
    pub(crate) counts: bool,
    read: fn(&Run) -> Option<f64>,
}

/// Which of two is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

pub(crate) const FIGURES: [Figure; 10] = [
    Figure {
        work: "echo",
        name: "echo CPU-s/M",
        short: "CPU-s/M",
        better: Better::Less,
        counts: true,
        read: cpu_s_per_million,
    },
    Figure {
        work: "echo",
        name: "echo p99 ms",
        short: "p99 ms",
        better: Better::Less,
        counts: false,
        read: p99_ms,
    },
    Figure {
        work: "echo-16",
        name: "echo-16 CPU-s/M",
        short: "CPU-s/M",
        better: Better::Less,
        counts: true,
        read: cpu_s_per_million,
    },
    Figure {
        work: "echo-16",
        name: "echo-16 k/s",
        short: "k/s",
        better: Better::More,
        counts: false,
        read: |run| Some(run.received_per_s / 1_000.0),
    },
    Figure {
        work: "fanout",
        name: "fan-out CPU-s/M",
        short: "CPU-s/M",
        better: Better::Less,
        counts: true,
        read: cpu_s_per_million,
    },
    Figure {
        work: "fanout",
        name: "fan-out p99 ms",
        short: "p99 ms",
        better: Better::Less,
        counts: false,
        read: p99_ms,
    },
    Figure {
        work: "ceiling",
        name: "ceiling k/s",
        short: "k deliveries/s",
        better: Better::More,
        counts: true,
        read: |run| Some(run.sustained_per_s? / 1_000.0),
    },
    Figure {
        work: "idle",
        name: "idle KiB/conn",
        short: "KiB/connection",
        better: Better::Less,
        counts: true,
        read: kib_per_connection,
    },
    Figure {
        work: "idle",
        name: "CPU-s/1 000 conn",
        short: "CPU-s/1 000 connects",
        better: Better::Less,
        counts: true,
        read: |run| run.connecting.server_cpu_s_per_1000,
    },
    Figure {
        work: "idle",
        name: "connects/s",
        short: "connects/s",
        better: Better::More,
        counts: false,
        read: |run| Some(run.connecting.per_s),
    },
];

impl Figure {
    /// Over the repetitions of an entry.
    pub(crate) fn of(&self, entry: &Entry) -> Option<Spread> {
        self.of_runs(&entry.report.as_ref()?.runs)
    }

    pub(crate) fn of_runs(&self, runs: &[Run]) -> Option<Spread> {
        spread(runs.iter().filter_map(self.read).collect())
    }

    /// The same of a server, by what `results` has of it; nothing of what was not done to its end.
    pub(crate) fn of_server(&self, results: &Results, server: &str) -> Option<f64> {
        let entry = entry(results, self.work, server).filter(|entry| !is_partial(entry))?;
        Some(self.of(entry)?.median)
    }

    /// How many times as good as `value` the figure `by` is: 2 means that `value` is half as good. `None` where
    /// one of them is nothing.
    pub(crate) fn ratio(&self, value: f64, by: f64) -> Option<f64> {
        let ratio = match self.better {
            Better::Less => value / by,
            Better::More => by / value,
        };
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    /// The best of `servers`.
    pub(crate) fn best<'a>(
        &self,
        results: &Results,
        servers: impl Iterator<Item = &'a str>,
    ) -> Option<f64> {
        let values = servers.filter_map(|server| self.of_server(results, server));
        let values = values.filter(|value| *value > 0.0);
        match self.better {
            Better::Less => values.min_by(f64::total_cmp),
            Better::More => values.max_by(f64::total_cmp),
        }
    }
}

/// Whether an entry has no repetition that was done to its end.
pub(crate) fn is_partial(entry: &Entry) -> bool {
    entry.report.as_ref().is_some_and(|report| report.partial)
}

/// What `server` did of `work`.
pub(crate) fn entry<'a>(results: &'a Results, work: &str, server: &str) -> Option<&'a Entry> {
    results.entries.iter().find(|entry| entry.name == work && entry.server == server)
}

/// The geometric mean: that of ratios, which says the same whichever way round they are taken.
pub(crate) fn mean(ratios: &[f64]) -> Option<f64> {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (sum / ratios.len() as f64).exp())
}

fn cpu_s_per_million(run: &Run) -> Option<f64> {
    run.server.as_ref()?.cpu_s_per_million
}

fn p99_ms(run: &Run) -> Option<f64> {
    (run.latency.count > 0).then_some(run.latency.p99)
}

/// By the proportional set size where the system has it: pages that several processes share count once.
fn kib_per_connection(run: &Run) -> Option<f64> {
    let idle = run.idle.as_ref()?;
    Some(idle.pss_bytes_per_connection.or(idle.rss_bytes_per_connection)? / 1_024.0)
}

#[cfg(test)]
mod tests {
    use tidegate_load::report::{IdleCost, ServerUse};

    use super::*;

    fn figure(name: &str) -> &'static Figure {
        FIGURES.iter().find(|figure| figure.name == name).unwrap()
    }

    #[test]
    fn a_ratio_says_how_far_behind_whichever_way_is_better() {
        assert_eq!(figure("echo CPU-s/M").ratio(24.0, 12.0), Some(2.0));
        assert_eq!(figure("ceiling k/s").ratio(500.0, 2_000.0), Some(4.0));
        assert_eq!(figure("echo CPU-s/M").ratio(24.0, 0.0), None);
        assert_eq!(figure("ceiling k/s").ratio(0.0, 2_000.0), None);
    }

    #[test]
    fn the_mean_of_ratios_is_their_geometric_one() {
        assert_eq!(mean(&[0.5, 2.0]), Some(1.0));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn shared_pages_count_once_where_that_is_known() {
        let mut run = Run::default();
        assert_eq!(kib_per_connection(&run), None);
        let rss = Some(4_096.0);
        run.idle = Some(IdleCost { rss_bytes_per_connection: rss, ..IdleCost::default() });
        assert_eq!(kib_per_connection(&run), Some(4.0));
        run.idle.as_mut().unwrap().pss_bytes_per_connection = Some(2_048.0);
        assert_eq!(kib_per_connection(&run), Some(2.0));
    }

    #[test]
    fn a_server_that_was_not_watched_has_no_figure_of_its_use() {
        let mut run = Run::default();
        assert_eq!(cpu_s_per_million(&run), None);
        run.server = Some(ServerUse { cpu_s_per_million: Some(3.0), ..ServerUse::default() });
        assert_eq!(cpu_s_per_million(&run), Some(3.0));
    }
}
