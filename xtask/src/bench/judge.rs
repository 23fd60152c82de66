//! What a report is worth for its scenario: its grade, and the floors that are met or not.
//! Knows scenarios and figures; the bounds of grades are in `grade.rs`.

use tidegate_load::report::{Report, Run, Spread};

use super::figures::{Figures, most_connections};
use super::grade::{Grade, Letter, Measures};
use super::results::Floor;
use super::scenario::{Expect, Floors, Scenario};

/// Until all are back after a cut: with more than this an A+ is gone, with more than the other everything is.
const RECOVERY_SECONDS: [(f64, Letter); 2] = [(5.0, Letter::F), (1.0, Letter::A)];

/// The grade of `report` for what the scenario is about.
pub(crate) fn grade(scenario: &Scenario, report: &Report) -> Grade {
    let figures = Figures::of(report);
    let mut grade = Grade::of(&measures(&figures, &scenario.expect, report));
    if let Some(seconds) = recovery(report) {
        for (most, letter) in RECOVERY_SECONDS {
            if seconds.max > most {
                grade.at_best(letter, format!("all were back after {:.1} s", seconds.max));
                break;
            }
        }
    }
    let (wrong, all) = probes(report);
    if wrong > 0 {
        grade.at_best(Letter::F, format!("{wrong} of {all} limits are not where they should be"));
    }
    let (failed, begun) = streams(report);
    if failed > 0 && begun == failed {
        grade.at_best(Letter::F, "no stream came to its end");
    }
    grade
}

fn measures(figures: &Figures, expect: &Expect, report: &Report) -> Measures {
    let away = recovery(report).is_some();
    let time = |spread: &Option<Spread>| spread.filter(|_| !away).map(|spread| spread.median);
    let counts = &figures.counts;
    let (failed, begun) = streams(report);
    let failed_share = if begun > 0 { failed as f64 / begun as f64 } else { 0.0 };
    Measures {
        p95_ms: time(&figures.p95_ms),
        p99_ms: time(&figures.p99_ms),
        error_share: figures.error_share(expect.said_losses).max(failed_share),
        reached_share: figures.reached_share(expect.said_losses),
        lost: counts.critical_loss,
        doubled: counts.doubled,
        reordered: counts.out_of_order,
        corrupt: counts.corrupt,
    }
}

/// The published floors that the scenario names, each with what was seen.
pub(crate) fn floors(scenario: &Scenario, report: &Report) -> Vec<Floor> {
    let figures = Figures::of(report);
    let mut lines = Vec::new();
    let wanted = &scenario.floors;
    for (name, most, seen) in times(wanted, &figures) {
        lines.extend(at_most(name, "ms", most, seen.map(|spread| spread.median)));
    }
    let errors = figures.error_share(scenario.expect.said_losses) * 100.0;
    lines.extend(at_most("errors", "%", wanted.error_percent, Some(errors)));
    // A server that we did not start cannot be looked into; that is no fault of its own.
    if report.runs.iter().any(|run| run.server.is_some()) {
        let cpu = figures.cpu_percent.map(|cpu| cpu.median);
        lines.extend(at_most("CPU", "% of one core", wanted.cpu_percent, cpu));
        let memory = figures.rss_bytes.map(|bytes| bytes.max / MIB);
        lines.extend(at_most("memory", "MiB", wanted.memory_mib, memory));
        let each = per_connection(report);
        lines.extend(at_most("a connection", "MiB", wanted.memory_mib_per_connection, each));
    }
    let back = recovery(report).map(|seconds| seconds.max);
    lines.extend(at_most("all back", "s", wanted.recovery_s, back));
    let lost = figures.counts.critical_loss;
    if figures.counts.expected > 0 {
        let what = "nothing lost without a word".to_owned();
        lines.push(Floor { what, seen: format!("{lost} lost"), met: lost == 0 });
    }
    lines
}

const MIB: f64 = 1024.0 * 1024.0;

fn times<'a>(
    floors: &Floors,
    figures: &'a Figures,
) -> [(&'static str, Option<f64>, &'a Option<Spread>); 3] {
    [
        ("p50", floors.p50_ms, &figures.p50_ms),
        ("p95", floors.p95_ms, &figures.p95_ms),
        ("p99", floors.p99_ms, &figures.p99_ms),
    ]
}

/// The line of a floor that the scenario has; what was not measured is not met.
fn at_most(name: &str, unit: &str, most: Option<f64>, seen: Option<f64>) -> Option<Floor> {
    let most = most?;
    let what = format!("{name} at most {most} {unit}");
    let Some(seen) = seen else {
        return Some(Floor { what, seen: "not measured".into(), met: false });
    };
    let digits = if seen < 0.1 { 3 } else { 2 };
    Some(Floor { what, seen: format!("{seen:.digits$} {unit}"), met: seen <= most })
}

/// What the server grew by, over the connections there were, in the worst repetition.
fn per_connection(report: &Report) -> Option<f64> {
    let of = |run: &Run| {
        let server = run.server.as_ref()?;
        let grown = server.rss_peak_bytes.saturating_sub(server.rss_before_bytes) as f64;
        let connections = most_connections(run);
        (connections > 0).then(|| grown / f64::from(connections) / MIB)
    };
    report.runs.iter().filter_map(of).max_by(f64::total_cmp)
}

fn recovery(report: &Report) -> Option<Spread> {
    let backs = report.runs.iter().filter_map(|run| run.reconnect.as_ref());
    super::figures::spread(backs.map(|back| {
        // Whoever never came back is not back.
        if back.back < back.connections { f64::INFINITY } else { back.all_back_s }
    }))
}

/// How many probes went wrong, and how many there were.
fn probes(report: &Report) -> (usize, usize) {
    let rows = || report.runs.iter().flat_map(|run| &run.probes);
    (rows().filter(|row| !row.ok).count(), rows().count())
}

/// How many streams failed, and how many there were.
fn streams(report: &Report) -> (u64, u64) {
    let times = || report.runs.iter().filter_map(|run| run.streams.as_ref());
    let failed: u64 = times().map(|streams| streams.failed).sum();
    (failed, failed + times().map(|streams| streams.completed).sum::<u64>())
}

#[cfg(test)]
mod tests {
    use tidegate_load::report::{Accounting, Back, Latency, ProbeRow, ServerUse, StreamTimes};

    use super::*;

    fn scenario(more: &str) -> Scenario {
        let text = format!(
            "purpose = \"To try.\"\nposition = 1\n[messages]\nsize = 64\n\
             [[messages.phases]]\nseconds = 2\nconnections = 10\nrate = 20\n{more}"
        );
        Scenario::parse("small", "small.toml", &text).unwrap()
    }

    fn report(change: impl Fn(&mut Run)) -> Report {
        let mut run = Run {
            elapsed_s: 10.0,
            connections: 100,
            latency: Latency { count: 1_000, p50: 2.0, p95: 4.0, p99: 8.0, ..Latency::default() },
            accounting: Accounting {
                sent: 1_000,
                expected: 1_000,
                received: 1_000,
                ..Accounting::default()
            },
            server: Some(ServerUse {
                cpu_percent: 30.0,
                rss_before_bytes: 10 << 20,
                rss_peak_bytes: 60 << 20,
                ..ServerUse::default()
            }),
            ..Run::default()
        };
        change(&mut run);
        Report { runs: vec![run], ..Report::default() }
    }

    fn letter(more: &str, change: impl Fn(&mut Run)) -> Letter {
        grade(&scenario(more), &report(change)).letter
    }

    #[test]
    fn a_sound_run_is_the_best_and_one_silent_loss_the_worst() {
        assert_eq!(letter("", |_| {}), Letter::APlus);
        let lose = |run: &mut Run| {
            run.accounting.received = 999;
            run.accounting.lost = 1;
            run.accounting.critical_loss = 1;
        };
        assert_eq!(letter("", lose), Letter::F);
        assert_eq!(letter("", |run| run.accounting.corrupt = 1), Letter::F);
    }

    #[test]
    fn losses_that_are_said_are_errors_unless_they_are_expected() {
        let drop = |run: &mut Run| {
            run.accounting.received = 600;
            run.accounting.lost = 400;
            run.accounting.said = 400;
        };
        assert_eq!(letter("", drop), Letter::F);
        assert_eq!(letter("[expect]\nsaid_losses = true\n", drop), Letter::APlus);
    }

    #[test]
    fn connections_that_come_back_late_or_never_lower_the_grade() {
        let back = |seconds: f64, back: u32| {
            letter("", move |run| {
                run.accounting = Accounting::default();
                run.reconnect = Some(Back {
                    connections: 10,
                    back,
                    all_back_s: seconds,
                    latency: Latency { count: 10, p99: seconds * 1e3, ..Latency::default() },
                    ..Back::default()
                });
            })
        };
        assert_eq!(back(0.8, 10), Letter::APlus);
        assert_eq!(back(3.0, 10), Letter::A);
        assert_eq!(back(7.0, 10), Letter::F);
        assert_eq!(back(0.8, 9), Letter::F);
    }

    #[test]
    fn a_limit_that_is_elsewhere_and_streams_that_fail_are_seen() {
        let probe = |ok| ProbeRow { ok, ..ProbeRow::default() };
        assert_eq!(letter("", |run| run.probes = vec![probe(true)]), Letter::APlus);
        assert_eq!(letter("", |run| run.probes = vec![probe(true), probe(false)]), Letter::F);
        let streams = |completed, failed| {
            letter("", move |run| {
                run.streams = Some(StreamTimes { completed, failed, ..StreamTimes::default() });
            })
        };
        assert_eq!(streams(200, 0), Letter::APlus);
        assert_eq!(streams(99, 1), Letter::A);
        assert_eq!(streams(0, 5), Letter::F);
    }

    #[test]
    fn each_floor_is_a_line_that_is_met_or_not() {
        let scenario = scenario(
            "[floors]\np50_ms = 1\np99_ms = 200\ncpu_percent = 65\nmemory_mib = 100\n\
             memory_mib_per_connection = 5\nerror_percent = 1\n",
        );
        let lines = floors(&scenario, &report(|_| {}));
        let met: Vec<(&str, bool)> =
            lines.iter().map(|line| (line.what.split(' ').next().unwrap(), line.met)).collect();
        let all = [
            ("p50", false),
            ("p99", true),
            ("errors", true),
            ("CPU", true),
            ("memory", true),
            ("a", true),
            ("nothing", true),
        ];
        assert_eq!(met, all);
        assert_eq!(lines[5].seen, "0.50 MiB");
    }

    #[test]
    fn a_floor_that_was_not_measured_is_not_met() {
        let scenario = scenario("[floors]\ncpu_percent = 65\np99_ms = 200\n");
        let lines = floors(&scenario, &report(|run| run.latency.count = 0));
        assert_eq!((lines[0].seen.as_str(), lines[0].met), ("not measured", false));
    }

    #[test]
    fn what_a_server_costs_that_we_did_not_start_is_no_floor() {
        let scenario = scenario("[floors]\ncpu_percent = 65\n");
        let lines = floors(&scenario, &report(|run| run.server = None));
        assert!(lines.iter().all(|line| !line.what.contains("CPU")), "{lines:?}");
    }
}
