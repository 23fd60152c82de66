//! The tables of a comparison, in Markdown that can be read as it stands: one of all works, sorted by how far each
//! server is from the best, then one for each work. Knows figures; measures nothing.

use tidegate_load::report::Accounting;

use super::figures::{FIGURES, Figure, entry, mean};
use crate::bench::results::{Entry, Results};

/// The server that ratios are given to besides the best.
const YARDSTICK: &str = "uws";

/// What the marks and ratios mean.
const LEGEND: &str = "\
CPU-s/M: the server's CPU seconds for a million messages (deliveries). The middle of the repetitions; behind it how many \
times the best server's figure (× 2.0: half as good). The order goes by the geometric mean of those ratios; a server that \
cannot do a work has none there. `*`: the generator was the bottleneck, so the server may do better. `!`: messages were \
lost, doubled or out of order. The bare epoll loop is no server to use, and nobody's best.";

/// A server among others.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The peer's name.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) note: String,
    /// Whether it counts when the best is looked for.
    pub(crate) is_floor: bool,
}

/// One table: heads, then rows of as many cells.
struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// All tables of `results`, one after another.
pub(crate) fn tables(results: &Results, rows: &[Row]) -> String {
    let mut text = format!("## All works\n\n{}\n{LEGEND}\n", overview(results, rows));
    let mut works: Vec<&str> = results.entries.iter().map(|entry| entry.name.as_str()).collect();
    works.dedup();
    for work in works {
        text.push_str(&one_work(results, rows, work));
    }
    text.push_str("\n## Servers\n\n");
    for row in rows {
        let version = results.versions.get(&row.name).map_or("", String::as_str);
        let facts: Vec<&str> =
            [version, &row.note].into_iter().filter(|fact| !fact.is_empty()).collect();
        text.push_str(&format!("- **{}** (`{}`): {}\n", row.title, row.name, facts.join("; ")));
    }
    text
}

/// The one table of everything.
pub(crate) fn overview(results: &Results, rows: &[Row]) -> String {
    let is_measured =
        |figure: &&Figure| rows.iter().any(|row| figure.of_server(results, &row.name).is_some());
    let figures: Vec<&Figure> = FIGURES.iter().filter(is_measured).collect();
    let mut ranked: Vec<(f64, &Row)> =
        rows.iter().map(|row| (rank(results, rows, row, None), row)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let heads = ["server".to_owned(), "× best".to_owned(), format!("× {YARDSTICK}")].into_iter();
    let names = figures.iter().map(|figure| figure.name.to_owned());
    let mut table = Table { heads: heads.chain(names).collect(), rows: Vec::new() };
    for (best, row) in ranked {
        let cells = figures.iter().map(|figure| cell(results, rows, figure, row));
        let to_yardstick = rank(results, rows, row, Some(YARDSTICK));
        let mut line = vec![row.title.clone(), times(best), times(to_yardstick)];
        line.extend(cells);
        table.rows.push(line);
    }
    table.to_string()
}

/// The mean of a row's ratios to the best, or to one server; infinite where there is none.
fn rank(results: &Results, rows: &[Row], row: &Row, to: Option<&str>) -> f64 {
    let counting = FIGURES.iter().filter(|figure| figure.counts);
    let ratios = counting.filter_map(|figure| {
        let by = to.map_or_else(
            || best(results, rows, figure),
            |server| figure.of_server(results, server),
        );
        figure.ratio(figure.of_server(results, &row.name)?, by?)
    });
    mean(&ratios.collect::<Vec<_>>()).unwrap_or(f64::INFINITY)
}

fn best(results: &Results, rows: &[Row], figure: &Figure) -> Option<f64> {
    let servers = rows.iter().filter(|row| !row.is_floor);
    figure.best(results, servers.map(|row| row.name.as_str()))
}

fn cell(results: &Results, rows: &[Row], figure: &Figure, row: &Row) -> String {
    let Some(entry) = entry(results, figure.work, &row.name) else { return "–".to_owned() };
    let Some(value) = figure.of(entry).map(|spread| spread.median) else {
        return "failed".to_owned();
    };
    let marks = marks(entry);
    if !figure.counts {
        return format!("{}{marks}", number(value));
    }
    let ratio = best(results, rows, figure).and_then(|best| figure.ratio(value, best));
    format!("{}{marks} ({})", number(value), times(ratio.unwrap_or(f64::INFINITY)))
}

/// The table of one work, sorted by the first of its figures.
fn one_work(results: &Results, rows: &[Row], work: &str) -> String {
    let figures: Vec<&Figure> = FIGURES.iter().filter(|figure| figure.work == work).collect();
    let Some(main) = figures.first() else { return String::new() };
    let done = rows.iter().filter_map(|row| Some((row, entry(results, work, &row.name)?)));
    let mut done: Vec<(f64, &Row, &Entry)> = done
        .map(|(row, entry)| {
            let value = main.of(entry).map(|spread| spread.median);
            let ratio = value.and_then(|value| main.ratio(value, best(results, rows, main)?));
            (ratio.unwrap_or(f64::INFINITY), row, entry)
        })
        .collect();
    done.sort_by(|a, b| a.0.total_cmp(&b.0));
    let heads = ["server", "× best"].map(str::to_owned).into_iter();
    let yardstick = std::iter::once(format!("× {YARDSTICK}"));
    let names = figures.iter().map(|figure| figure.short.to_owned());
    let further = ["lost", "generator CPU", "remarks"].map(str::to_owned);
    let mut table = Table {
        heads: heads.chain(yardstick).chain(names).chain(further).collect(),
        rows: Vec::new(),
    };
    for (ratio, row, entry) in &done {
        let value = main.of(entry).map(|spread| spread.median);
        let by = main.of_server(results, YARDSTICK);
        let to_yardstick = value.zip(by).and_then(|(value, by)| main.ratio(value, by));
        let mut line =
            vec![row.title.clone(), times(*ratio), times(to_yardstick.unwrap_or(f64::INFINITY))];
        line.extend(figures.iter().map(|figure| with_spread(figure, entry)));
        line.extend([lost(entry), generator(entry), remarks(entry)]);
        table.rows.push(line);
    }
    let purpose = done.first().map_or("", |(_, _, entry)| entry.purpose.as_str());
    format!("\n## {work}\n\n{purpose}\n\n{table}")
}

/// `12.3 (11.9–13.0)`; the middle alone of a single repetition.
fn with_spread(figure: &Figure, entry: &Entry) -> String {
    match figure.of(entry) {
        None => "failed".to_owned(),
        Some(of) if of.min == of.max => number(of.median),
        Some(of) => format!("{} ({}–{})", number(of.median), number(of.min), number(of.max)),
    }
}

fn accountings(entry: &Entry) -> impl Iterator<Item = &Accounting> {
    entry.report.iter().flat_map(|report| &report.runs).map(|run| &run.accounting)
}

fn lost(entry: &Entry) -> String {
    accountings(entry).map(|accounting| accounting.lost).sum::<u64>().to_string()
}

/// How busy the generator's busiest thread was, at the most.
fn generator(entry: &Entry) -> String {
    let runs = entry.report.iter().flat_map(|report| &report.runs);
    let busiest = runs.map(|run| run.generator.busiest_thread).fold(0.0, f64::max);
    format!("{:.0} %", busiest * 100.0)
}

/// In words what [`marks`] says in signs, and why an entry is not whole.
fn remarks(entry: &Entry) -> String {
    let mut remarks = Vec::new();
    if entry.report.as_ref().is_some_and(|report| report.generator_limited) {
        remarks.push("the generator was the bottleneck".to_owned());
    }
    for (count, what) in faults(entry) {
        if count > 0 {
            remarks.push(format!("{count} {what}"));
        }
    }
    if let Some(failure) = &entry.failure {
        remarks.push(failure.what.lines().next().unwrap_or_default().to_owned());
    }
    remarks.join("; ")
}

fn faults(entry: &Entry) -> [(u64, &'static str); 4] {
    let sum = |of: fn(&Accounting) -> u64| accountings(entry).map(of).sum();
    [
        (sum(|accounting| accounting.critical_loss), "lost without a word"),
        (sum(|accounting| accounting.doubled), "doubled"),
        (sum(|accounting| accounting.out_of_order), "out of order"),
        (sum(|accounting| accounting.corrupt), "corrupt"),
    ]
}

fn marks(entry: &Entry) -> String {
    let limited = entry.report.as_ref().is_some_and(|report| report.generator_limited);
    let faulty = faults(entry).iter().any(|(count, _)| *count > 0);
    [(limited, '*'), (faulty, '!')]
        .iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, mark)| mark)
        .collect()
}

/// Three figures that count.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 1.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn times(ratio: f64) -> String {
    match ratio {
        ratio if !ratio.is_finite() => "–".to_owned(),
        ratio if ratio < 10.0 => format!("× {ratio:.2}"),
        ratio => format!("× {ratio:.0}"),
    }
}

impl std::fmt::Display for Table {
    /// Every column as wide as its widest cell; the first to the left, the others to the right.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = || std::iter::once(&self.heads).chain(&self.rows);
        let width = |at: usize| {
            let cells = all().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.heads.len()).map(width).collect();
        for (number, row) in all().enumerate() {
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if at == 0 {
                    write!(f, "| {cell:<width$} ")?
                } else {
                    write!(f, "| {cell:>width$} ")?
                }
            }
            writeln!(f, "|")?;
            if number == 0 {
                let rule = |(at, width): (usize, &usize)| {
                    if at == 0 {
                        format!("|{}", "-".repeat(width + 2))
                    } else {
                        format!("|{}:", "-".repeat(width + 1))
                    }
                };
                writeln!(f, "{}|", widths.iter().enumerate().map(rule).collect::<String>())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tidegate_load::report::{Report, Run, ServerUse};

    use super::*;
    use crate::bench::results::{Asked, Failed, Kind};

    /// A run whose server took so many CPU seconds for a million.
    fn run(cpu_s_per_million: f64) -> Run {
        let cpu_s_per_million = Some(cpu_s_per_million);
        let server = Some(ServerUse { cpu_s_per_million, ..ServerUse::default() });
        Run { server, received_per_s: 10_000.0, ..Run::default() }
    }

    fn entry_of(work: &str, server: &str, runs: &[Run]) -> Entry {
        let mut entry = Entry::new(work, server, Asked::default());
        entry.purpose = format!("what {work} is for");
        entry.report = Some(Report { runs: runs.to_vec(), ..Report::default() });
        entry
    }

    fn results() -> Results {
        let mut results = Results::begin(Path::new("."), Kind::Comparison, &[]);
        results.versions.insert("ws".into(), "ws 8".into());
        results.entries = vec![
            entry_of("echo", "floor", &[run(5.0)]),
            entry_of("echo", "tidegate", &[run(20.0), run(22.0), run(18.0)]),
            entry_of("echo", "uws", &[run(10.0)]),
            entry_of("echo", "ws", &[run(40.0)]),
            entry_of("echo-16", "tidegate", &[run(4.0)]),
            entry_of("echo-16", "uws", &[run(2.0)]),
        ];
        results
    }

    fn rows() -> Vec<Row> {
        let row = |name: &str| Row {
            name: name.to_owned(),
            title: name.to_uppercase(),
            note: "a note".to_owned(),
            is_floor: name == "floor",
        };
        ["tidegate", "floor", "uws", "ws"].map(row).to_vec()
    }

    /// The cells of the line that begins with this server.
    fn line(text: &str, server: &str) -> Vec<String> {
        let begin = format!("| {server} ");
        let line = text.lines().find(|line| line.starts_with(&begin)).unwrap();
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    }

    #[test]
    fn servers_are_sorted_by_how_far_they_are_from_the_best_that_can_be_used() {
        let text = overview(&results(), &rows());
        let order: Vec<&str> =
            text.lines().skip(2).filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(order, ["FLOOR", "UWS", "TIDEGATE", "WS"]);
        assert_eq!(line(&text, "UWS")[1..3], ["× 1.00", "× 1.00"]);
        assert_eq!(line(&text, "TIDEGATE")[1..3], ["× 2.00", "× 2.00"]);
        assert_eq!(line(&text, "FLOOR")[1], "× 0.50");
    }

    #[test]
    fn a_cell_has_the_middle_of_the_repetitions_and_its_ratio() {
        let text = overview(&results(), &rows());
        assert_eq!(line(&text, "TIDEGATE")[3], "20.0 (× 2.00)");
        assert_eq!(line(&text, "WS")[4], "–");
    }

    #[test]
    fn works_that_nobody_did_have_no_column() {
        let head = overview(&results(), &rows()).lines().next().unwrap().to_owned();
        assert!(head.contains("16 in flight k/s") && !head.contains("fan-out"), "{head}");
    }

    #[test]
    fn each_work_has_its_table_with_the_spread() {
        let text = tables(&results(), &rows());
        let echo = text.split("\n## echo\n").nth(1).unwrap();
        assert!(echo.contains("what echo is for"), "{echo}");
        assert_eq!(line(echo, "TIDEGATE")[3], "20.0 (18.0–22.0)");
        assert!(text.contains("- **WS** (`ws`): ws 8; a note"), "{text}");
    }

    #[test]
    fn a_generator_that_was_the_bottleneck_is_said() {
        let mut results = results();
        results.entries[2].report.as_mut().unwrap().generator_limited = true;
        let text = tables(&results, &rows());
        assert_eq!(line(&text, "UWS")[3], "10.0* (× 1.00)");
        assert!(text.contains("the generator was the bottleneck |"), "{text}");
    }

    #[test]
    fn what_was_lost_or_doubled_is_said() {
        let mut results = results();
        let accounting = &mut results.entries[2].report.as_mut().unwrap().runs[0].accounting;
        (accounting.lost, accounting.critical_loss, accounting.doubled) = (3, 2, 1);
        let text = tables(&results, &rows());
        assert_eq!(line(&text, "UWS")[3], "10.0! (× 1.00)");
        assert!(text.contains("2 lost without a word; 1 doubled"), "{text}");
    }

    #[test]
    fn a_failure_stands_in_its_cell_and_its_reason_in_the_remarks() {
        let mut results = results();
        let what = "the server ended\nlast words".to_owned();
        results.entries[3].failure = Some(Failed { what, hint: String::new() });
        results.entries[3].report = None;
        let text = tables(&results, &rows());
        assert_eq!(line(&text, "WS")[1..4], ["–", "–", "failed"]);
        assert!(text.contains("| the server ended |"), "{text}");
    }

    #[test]
    fn without_the_yardstick_ratios_to_it_are_left_open() {
        let mut results = results();
        results.entries.retain(|entry| entry.server != "uws");
        let text = overview(&results, &rows());
        assert_eq!(line(&text, "TIDEGATE")[1..3], ["× 1.00", "–"]);
    }

    #[test]
    fn numbers_have_three_figures_that_count() {
        assert_eq!(
            [0.0, 0.054, 2.04, 33.33, 1234.5].map(number),
            ["0", "0.05", "2.0", "33.3", "1234"]
        );
    }
}
