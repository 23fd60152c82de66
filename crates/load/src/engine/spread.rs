//! The report as a whole: its head, its notes, and how far its repetitions lie apart. It measures nothing.

use std::collections::BTreeMap;

use crate::job::{Job, Work};
use crate::report::{Report, Run, Spread};

/// Memory that changes by more than this share in a second is not what connections come to.
const UNSETTLED: f64 = 0.02;

/// A machine of which others take more than this is no quiet one.
const DISTURBED: f64 = 0.1;

/// A report without runs.
pub(super) fn empty(job: &Job) -> Report {
    let closed_loop = matches!(&job.work, Work::Echo(echo) if echo.rate.is_none());
    let mut notes = Vec::new();
    if closed_loop {
        notes.push(
            "Closed loop: each message waited for the one before it, so these latencies leave out what waiting would have cost."
                .to_owned(),
        );
    }
    Report {
        schema: 1,
        version: env!("CARGO_PKG_VERSION").into(),
        kind: kind(&job.work).into(),
        closed_loop,
        notes,
        ..Report::default()
    }
}

fn kind(work: &Work) -> &'static str {
    match work {
        Work::Echo(_) => "echo",
        Work::Fanout(_) => "fanout",
        Work::FanoutSearch(_) => "fanout_search",
        Work::Phases(_) => "phases",
        Work::Idle(_) => "idle",
        Work::Reconnect(_) => "reconnect",
        Work::Streams(_) => "streams",
        Work::Limits(_) => "limits",
    }
}

/// Fills in what follows from the runs.
pub(super) fn finish(report: &mut Report) {
    let mut figures: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in &report.runs {
        for (name, value) in of(run) {
            figures.entry(name).or_default().push(value);
        }
    }
    report.spread = figures.into_iter().map(|(name, all)| (name.into(), spread(all))).collect();
    report.generator_limited = report.runs.iter().any(|run| run.generator.limited);
    report.crowded = report.runs.iter().any(|run| run.generator.crowded);
    for (number, run) in (1..).zip(&report.runs) {
        report.notes.extend(notes(number, run));
    }
}

/// What must be known of one run.
fn notes(number: u32, run: &Run) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(unsettled(run).map(|what| format!("Run {number}: {what}")));
    // An unwatched server is one of the others.
    let is_watched = run.server.is_some();
    if is_watched && run.machine.busy_others > DISTURBED {
        let others = run.machine.busy_others * 100.0;
        notes.push(format!("Run {number}: other processes took {others:.0} % of the machine."));
    }
    let disturbed = run.steps.iter().filter(|step| !step.ok && step.busy_others > DISTURBED);
    let disturbed = disturbed.count();
    if is_watched && disturbed > 0 {
        let all = run.steps.len();
        notes.push(format!(
            "Run {number}: {disturbed} of {all} attempts failed while other processes took much of the machine."
        ));
    }
    let generator = &run.generator;
    let what = if generator.limited { "Generator-limited" } else { "Short of cores" };
    notes.extend(generator.why.iter().map(|why| format!("{what}, run {number}: {why}.")));
    notes
}

/// Whether the memory of idle connections was read too early.
fn unsettled(run: &Run) -> Option<String> {
    run.idle.as_ref()?;
    let [.., before, last] = &run.timeline[..] else { return None };
    let (before, last) = (before.server_rss_bytes? as f64, last.server_rss_bytes? as f64);
    ((last - before).abs() > UNSETTLED * before).then(|| {
        let change = 100.0 * (last - before) / before;
        format!("the server's memory still changed by {change:+.1} % in the last second.")
    })
}

fn of(run: &Run) -> Vec<(&'static str, f64)> {
    let mut figures = Vec::new();
    let latency = &run.latency;
    if latency.count > 0 {
        figures.extend([
            ("p50_ms", latency.p50),
            ("p95_ms", latency.p95),
            ("p99_ms", latency.p99),
            ("p999_ms", latency.p999),
        ]);
    }
    if run.accounting.sent > 0 {
        figures.extend([
            ("sent_per_s", run.sent_per_s),
            ("received_per_s", run.received_per_s),
            ("lost", run.accounting.lost as f64),
            ("critical_loss", run.accounting.critical_loss as f64),
        ]);
    }
    let mut given = |name, value: Option<f64>| figures.extend(value.map(|value| (name, value)));
    let server = run.server.as_ref();
    given("server_cpu_s", server.map(|it| it.cpu_s));
    given("server_cpu_s_per_million", server.and_then(|it| it.cpu_s_per_million));
    given("server_rss_bytes", server.map(|it| it.rss_bytes as f64));
    given("connects_per_s", (run.connecting.connections > 0).then_some(run.connecting.per_s));
    given("server_cpu_s_per_1000_connects", run.connecting.server_cpu_s_per_1000);
    given("sustained_per_s", run.sustained_per_s);
    given("rss_bytes_per_connection", run.idle.as_ref().and_then(|it| it.rss_bytes_per_connection));
    given("pss_bytes_per_connection", run.idle.as_ref().and_then(|it| it.pss_bytes_per_connection));
    given("all_back_s", run.reconnect.as_ref().map(|it| it.all_back_s));
    given("first_token_p99_ms", run.streams.as_ref().map(|it| it.first_token.p99));
    given("inter_token_p99_ms", run.streams.as_ref().map(|it| it.inter_token.p99));
    figures
}

fn spread(mut all: Vec<f64>) -> Spread {
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    let median = match (all.get(middle), middle.checked_sub(1).and_then(|below| all.get(below))) {
        (Some(above), Some(below)) if all.len().is_multiple_of(2) => f64::midpoint(*above, *below),
        (Some(above), _) => *above,
        (None, _) => 0.0,
    };
    let min = all.first().copied().unwrap_or(0.0);
    Spread { min, median, max: all.last().copied().unwrap_or(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{IdleCost, Second};

    #[test]
    fn memory_that_still_changes_is_said() {
        let second = |rss| Second { server_rss_bytes: Some(rss), ..Second::default() };
        let run = |seconds: &[u64]| Run {
            idle: Some(IdleCost::default()),
            timeline: seconds.iter().map(|rss| second(*rss)).collect(),
            ..Run::default()
        };
        assert_eq!(unsettled(&run(&[500, 1_000, 1_010])), None);
        assert!(unsettled(&run(&[1_000, 1_000, 900])).is_some_and(|said| said.contains("-10.0 %")));
        assert_eq!(unsettled(&run(&[1_000])), None);
        assert_eq!(unsettled(&Run { idle: None, ..run(&[1, 2]) }), None);
    }

    #[test]
    fn the_middle_of_an_even_number_is_the_mean_of_two() {
        let expected = Spread { min: 1.0, median: 2.5, max: 9.0 };
        assert_eq!(spread(vec![9.0, 1.0, 3.0, 2.0]), expected);
        assert_eq!(spread(vec![7.0]), Spread { min: 7.0, median: 7.0, max: 7.0 });
    }
}
