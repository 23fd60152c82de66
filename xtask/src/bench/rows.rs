//! The tables that results end in: one row for each entry, and one line for each floor.
//! Knows results and figures; not where the tables go.

use tidegate_load::report::{Latency, StreamTimes};

use super::figures::{Figures, Mark, spread};
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
            asked(entry, &figures),
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

/// Token streams: what a client waited for, what the upstream did, and the share that the gateway added.
pub(crate) fn streams(results: &Results) -> Table {
    let mut table = Table::new(&["scenario", "ms", ">p50", ">p95", ">p99", ">p99.9", ">greatest"]);
    for entry in &results.entries {
        let runs = || entry.report.iter().flat_map(|report| &report.runs);
        for (what, of) in STREAM_TIMES {
            let times = || runs().filter_map(|run| run.streams.as_ref()).map(of);
            let over = |figure: fn(&Latency) -> f64| {
                median(&spread(times().filter(|times| times.count > 0).map(figure)), plain)
            };
            if times().next().is_some() {
                let figures = [
                    over(|times| times.p50),
                    over(|times| times.p95),
                    over(|times| times.p99),
                    over(|times| times.p999),
                    over(|times| times.max),
                ];
                table.row([entry.name.clone(), what.to_owned()].into_iter().chain(figures));
            }
        }
    }
    table
}

/// One of the times of a stream.
type StreamTime = fn(&StreamTimes) -> &Latency;

const STREAM_TIMES: [(&str, StreamTime); 5] = [
    ("to the first token", |times| &times.first_token),
    ("of that, added by the gateway", |times| &times.first_added),
    ("from token to token", |times| &times.inter_token),
    ("the same at the upstream", |times| &times.upstream_inter_token),
    ("added by the gateway to each token", |times| &times.added),
];

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
        remarks.extend(report.notes.iter().map(|note| say(note)));
        let wrong = report.runs.iter().flat_map(|run| &run.probes).filter(|probe| !probe.ok);
        remarks.extend(wrong.map(|probe| {
            say(&format!("`{}`: expected {}, saw {}", probe.name, probe.expected, probe.seen))
        }));
        let reasons = Figures::of(report).counts.reasons;
        remarks.extend(reasons.iter().map(|(reason, count)| say(&format!("{count} × {reason}"))));
    }
    for mark in [Mark::Limited, Mark::Crowded] {
        if results.entries.iter().any(|entry| figures(entry).mark == Some(mark)) {
            let (sign, said) = (mark.sign(), mark.said());
            remarks.push(format!("{sign} {said}: the server may do better than it shows"));
        }
    }
    remarks
}

/// An entry in a few words.
pub(crate) fn summary(entry: &Entry) -> String {
    let Some(report) = &entry.report else { return "not measured".into() };
    let probes: Vec<bool> =
        report.runs.iter().flat_map(|run| &run.probes).map(|probe| probe.ok).collect();
    let backs = report.runs.iter().filter_map(|run| run.reconnect.as_ref());
    let figures = figures(entry);
    if !probes.is_empty() {
        let hold = probes.iter().filter(|ok| **ok).count();
        return format!("{hold} of {} limits hold", probes.len());
    }
    if let Some(seconds) = spread(backs.map(|back| back.all_back_s)) {
        return format!("all back after {} s", plain(seconds.median));
    }
    let errors = match figures.error_share(entry.expects_said_losses) {
        0.0 => String::new(),
        share => format!(", {} errors", percent(share)),
    };
    format!("p99 {} ms{errors}", median(&figures.p99_ms, plain))
}

/// The figures of an entry, all empty where it has none.
pub(crate) fn figures(entry: &Entry) -> Figures {
    entry.report.as_ref().map(Figures::of).unwrap_or_default()
}

/// The letter, with the mark of what kept it from being the server's alone.
pub(crate) fn grade(entry: &Entry, figures: &Figures) -> String {
    let star = figures.mark.map_or(String::new(), |mark| format!(" {}", mark.sign()));
    let partial = if entry.is_whole() { "" } else { " partial" };
    let letter = entry.grade.as_ref().map_or(NOTHING.into(), |grade| grade.letter.to_string());
    format!("{letter}{star}{partial}")
}

fn asked(entry: &Entry, figures: &Figures) -> String {
    match (&figures.asked_per_s, entry.asked.rate_per_s) {
        (None, Some(rate)) if figures.reached_per_s.is_some() => plain(rate),
        (seen, _) => median(seen, plain),
    }
}

fn errors(entry: &Entry, figures: &Figures) -> String {
    match entry.report {
        Some(_) => percent(figures.error_share(entry.expects_said_losses)),
        None => NOTHING.into(),
    }
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

    use tidegate_load::report::{Accounting, Back, ProbeRow, Report, Run};

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
        report.notes = vec!["Generator-limited, run 1: 97 % busy.".into()];
        let results = results(vec![limited]);
        assert!(scenarios(&results).markdown().contains("| high | F * |"));
        let said = remarks(&results);
        assert!(said[1].contains("97 % busy"), "{said:?}");
        assert!(said[2].starts_with("* the generator was the bottleneck"), "{said:?}");
        assert!(said.contains(&"high: F because 3 messages lost".to_owned()), "{said:?}");
    }

    #[test]
    fn a_machine_that_was_too_small_for_both_is_said() {
        let mut crowded = entry("high", 8.0);
        crowded.report.as_mut().unwrap().crowded = true;
        let results = results(vec![crowded]);
        assert!(scenarios(&results).markdown().contains("| high | F ‡ |"));
        let said = remarks(&results);
        assert!(said.last().unwrap().starts_with("‡ generator and server were short of cores"));
    }

    #[test]
    fn an_entry_in_a_few_words_says_what_it_is_about() {
        let change = |change: fn(&mut Run)| {
            let mut entry = entry("high", 8.0);
            change(&mut entry.report.as_mut().unwrap().runs[0]);
            summary(&entry)
        };
        assert_eq!(change(|_| {}), "p99 8.00 ms, 0.08 % errors");
        let probes = |run: &mut Run| {
            run.probes =
                [true, true, false].map(|ok| ProbeRow { ok, ..ProbeRow::default() }).into();
        };
        assert_eq!(change(probes), "2 of 3 limits hold");
        let back = |run: &mut Run| {
            run.reconnect = Some(Back { all_back_s: 1.25, ..Back::default() });
        };
        assert_eq!(change(back), "all back after 1.25 s");
        let mut none = entry("high", 8.0);
        none.report = None;
        assert_eq!(summary(&none), "not measured");
    }

    #[test]
    fn losses_that_belong_to_the_load_are_no_errors() {
        let mut expected = entry("overflow", 8.0);
        assert_eq!(errors(&expected, &figures(&expected)), "0.08 %");
        expected.expects_said_losses = true;
        assert_eq!(errors(&expected, &figures(&expected)), "0.03 %");
    }

    #[test]
    fn streams_have_a_table_of_what_was_added_to_what() {
        let mut streaming = entry("streams", 8.0);
        let added = Latency { count: 9, p99: 2.5, ..Latency::default() };
        let times = StreamTimes { tokens: 9, added, ..StreamTimes::default() };
        streaming.report.as_mut().unwrap().runs[0].streams = Some(times);
        let text = streams(&results(vec![streaming, entry("high", 8.0)])).markdown();
        assert_eq!(text.lines().count(), 2 + STREAM_TIMES.len(), "{text}");
        let last = text.lines().last().unwrap();
        assert_eq!(last, "| streams | added by the gateway to each token | 0 | 0 | 2.50 | 0 | 0 |");
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
