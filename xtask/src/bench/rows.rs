//! The tables that results end in: one row for each entry, and one line for each floor.
//! Knows results and figures; not where the tables go.

use super::figures::Figures;
use super::grade::Grade;
use super::numbers::{NOTHING, bytes, grouped, median, percent, plain, with_spread};
use super::results::{Entry, Results};
use super::table::Table;

/// One row for each scenario: what was asked, what came, what it cost, and its grade.
pub(crate) fn scenarios(results: &Results) -> Table {
    let mut table = Table::new(&[
        "scenario",
        "grade",
        ">connections",
        ">asked/s",
        ">reached/s",
        ">p50 ms",
        ">p95 ms",
        ">p99 ms",
        ">p99.9 ms",
        ">errors",
        ">lost",
        ">CPU %",
        ">CPU-s/M",
        ">memory",
        ">network/s",
    ]);
    for entry in &results.entries {
        let figures = figures(entry);
        table.row([
            entry.name.clone(),
            grade(entry, &figures),
            grouped(i64::from(entry.asked.connections)),
            median(&figures.asked_per_s, plain),
            median(&figures.reached_per_s, plain),
            median(&figures.p50_ms, plain),
            median(&figures.p95_ms, plain),
            with_spread(&figures.p99_ms, plain),
            median(&figures.p999_ms, plain),
            errors(entry, &figures),
            lost(entry, &figures),
            median(&figures.cpu_percent, plain),
            median(&figures.cpu_s_per_million, plain),
            median(&figures.rss_bytes, bytes),
            median(&figures.network_bytes_per_s, bytes),
        ]);
    }
    table
}

/// The published floors, met or not.
pub(crate) fn floors(results: &Results) -> Table {
    let mut table = Table::new(&["scenario", "floor", ">seen", "met"]);
    for entry in &results.entries {
        for floor in &entry.floors {
            let met = if floor.met { "met" } else { "NOT MET" };
            let cells = [&entry.name, &floor.what, &floor.seen].map(Clone::clone);
            table.row(cells.into_iter().chain([met.to_owned()]));
        }
    }
    table
}

/// What there is to say about single entries, as sentences.
pub(crate) fn remarks(results: &Results) -> Vec<String> {
    let mut remarks = results.notes.clone();
    for entry in &results.entries {
        let say = |text: &str| format!("{}: {text}", entry.name);
        if let Some(failed) = &entry.failure {
            remarks.push(say(&format!("{}. {}", failed.what, failed.hint)));
        }
        if let Some(Grade { letter, reasons }) = &entry.grade
            && !reasons.is_empty()
        {
            remarks.push(say(&format!("{letter} because {}", reasons.join(", "))));
        }
        let Some(report) = &entry.report else { continue };
        if report.partial {
            remarks.push(say("partial: the figures are of what was done"));
        }
        for run in report.runs.iter().filter(|run| run.generator.limited) {
            let why = run.generator.why.as_deref().unwrap_or("it was too busy");
            remarks.push(say(&format!("* generator-limited: {why}")));
        }
        remarks.extend(report.notes.iter().map(|note| say(note)));
        let wrong = report.runs.iter().flat_map(|run| &run.probes).filter(|probe| !probe.ok);
        remarks.extend(wrong.map(|probe| {
            say(&format!("`{}`: expected {}, saw {}", probe.name, probe.expected, probe.seen))
        }));
        let reasons = Figures::of(report).counts.reasons;
        remarks.extend(reasons.iter().map(|(reason, count)| say(&format!("{count} × {reason}"))));
    }
    remarks.dedup();
    remarks
}

/// The figures of an entry, all empty where it has none.
pub(crate) fn figures(entry: &Entry) -> Figures {
    entry.report.as_ref().map(Figures::of).unwrap_or_default()
}

/// The letter; a `*` says that the generator was the bottleneck.
pub(crate) fn grade(entry: &Entry, figures: &Figures) -> String {
    let star = if figures.generator_limited { " *" } else { "" };
    let partial = if entry.is_whole() { "" } else { " partial" };
    let letter = entry.grade.as_ref().map_or(NOTHING.into(), |grade| grade.letter.to_string());
    format!("{letter}{star}{partial}")
}

fn errors(entry: &Entry, figures: &Figures) -> String {
    if entry.report.is_none() { NOTHING.into() } else { percent(figures.error_share(false)) }
}

/// What is missing without a word, and beside it what is missing and was said to be.
fn lost(entry: &Entry, figures: &Figures) -> String {
    let counts = &figures.counts;
    match (entry.report.is_some(), counts.said) {
        (false, _) => NOTHING.into(),
        (true, 0) => counts.critical_loss.to_string(),
        (true, said) => format!("{} + {said} said", counts.critical_loss),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tidegate_load::report::{Accounting, Generator, Latency, Report, Run};

    use super::super::grade::Letter;
    use super::super::results::{Asked, Failed, Floor, Kind, OURS};
    use super::*;

    fn entry(name: &str, p99: f64) -> Entry {
        let run = Run {
            elapsed_s: 10.0,
            connections: 1_000,
            received_per_s: 1_200.0,
            latency: Latency { count: 12_000, p99, ..Latency::default() },
            accounting: Accounting {
                sent: 12_000,
                expected: 12_000,
                received: 11_990,
                lost: 10,
                said: 7,
                critical_loss: 3,
                ..Accounting::default()
            },
            ..Run::default()
        };
        let asked = Asked { connections: 1_000, rate_per_s: Some(1_200.0) };
        let mut entry = Entry::new(name, OURS, asked);
        entry.report = Some(Report { runs: vec![run], ..Report::default() });
        entry.grade = Some(Grade { letter: Letter::F, reasons: vec!["3 messages lost".into()] });
        entry
    }

    fn results(entries: Vec<Entry>) -> Results {
        let mut results = Results::begin(Path::new("."), Kind::Scenarios, &[]);
        results.entries = entries;
        results
    }

    #[test]
    fn a_row_has_what_was_asked_what_came_and_the_grade() {
        let text = scenarios(&results(vec![entry("high", 8.0)])).markdown();
        let row = text.lines().last().unwrap();
        assert!(row.starts_with("| high | F | 1\u{a0}000 | 1\u{a0}200 | 1\u{a0}200 |"), "{row}");
        assert!(row.contains("| 8.00 |") && row.contains("| 3 + 7 said |"), "{row}");
    }

    #[test]
    fn a_scenario_without_a_report_has_a_row_that_says_nothing() {
        let mut failed = entry("high", 8.0);
        failed.report = None;
        failed.grade = None;
        failed.failure = Some(Failed { what: "the port is in use".into(), hint: "--port".into() });
        let results = results(vec![failed]);
        let text = scenarios(&results).markdown();
        assert!(text.contains("| high | – partial | 1\u{a0}000 | – | – |"), "{text}");
        assert_eq!(remarks(&results), ["high: the port is in use. --port"]);
    }

    #[test]
    fn a_generator_that_was_the_bottleneck_is_said() {
        let mut limited = entry("high", 8.0);
        let report = limited.report.as_mut().unwrap();
        report.generator_limited = true;
        report.runs[0].generator =
            Generator { limited: true, why: Some("97 % busy".into()), ..Generator::default() };
        let results = results(vec![limited]);
        assert!(scenarios(&results).markdown().contains("| high | F * |"));
        let said = remarks(&results);
        assert!(said.contains(&"high: * generator-limited: 97 % busy".to_owned()), "{said:?}");
        assert!(said.contains(&"high: F because 3 messages lost".to_owned()), "{said:?}");
    }

    #[test]
    fn each_floor_has_its_line() {
        let mut met = entry("high", 8.0);
        let what = "p99 at most 200 ms".to_owned();
        met.floors = vec![Floor { what, seen: "8.00 ms".into(), met: true }];
        let text = floors(&results(vec![met])).text();
        assert!(text.contains("high      p99 at most 200 ms  8.00 ms  met"), "{text}");
    }
}
