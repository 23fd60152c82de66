//! The tables of a comparison: one of all works, sorted by how far each server is from the best, then one for each
//! work. Knows results and figures; not where the tables go.

use tidegate_load::report::Accounting;

use super::figures::{FIGURES, Figure, entry, is_partial, mean};
use crate::bench::figures::Mark;
use crate::bench::numbers::{NOTHING, plain, with_spread};
use crate::bench::results::{Entry, Failed, Participant, Results};
use crate::bench::table::Table;

/// The server that ratios are given to besides the best.
const YARDSTICK: &str = "uws";

/// What stands in a cell whose server failed.
const FAILED: &str = "failed";

/// What the marks and ratios mean.
const LEGEND: &str = "\
CPU-s/M: the server's CPU seconds for a million messages (deliveries). The middle of the repetitions; behind it how many \
times the best server's figure (× 2.00: half as good). The order goes by the geometric mean of those ratios; what a server \
cannot do does not count there. An asterisk: the generator was the bottleneck, so the server may do better. A double dagger: generator and server \
were short of cores, so it may do better on more of them. An exclamation mark: messages were lost, \
doubled or out of order. A dagger: not all of it was done; what is partial has no ratio. The floor is no server to use, and nobody's best.";

/// A table with its heading and what there is to say about it.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) table: Table,
    pub(crate) text: String,
    /// Whether its cells are sentences.
    pub(crate) is_prose: bool,
}

/// All tables of `results`, the one of everything first.
pub(crate) fn sections(results: &Results) -> Vec<Section> {
    let mut works: Vec<&str> = results.entries.iter().map(|entry| entry.name.as_str()).collect();
    works.dedup();
    let works = works.into_iter().map(|work| {
        let purpose = results.entries.iter().find(|entry| entry.name == work);
        let text = purpose.map_or_else(String::new, |entry| entry.purpose.clone());
        Section { title: work.to_owned(), table: one_work(results, work), text, is_prose: false }
    });
    let all = Section {
        title: "All works".to_owned(),
        table: overview(results),
        text: LEGEND.to_owned(),
        is_prose: false,
    };
    std::iter::once(all).chain(works).chain([servers(results)]).collect()
}

/// What was left out, what failed, and what holds for all entries of a work.
pub(crate) fn remarks(results: &Results) -> Vec<String> {
    let mut remarks = results.notes.clone();
    for entry in &results.entries {
        if let Some(Failed { what, hint }) = &entry.failure {
            remarks.push(format!("{}, {}: {what}. {hint}", entry.name, entry.server));
        }
        for note in entry.report.iter().flat_map(|report| &report.notes) {
            let of_work = results.entries.iter().filter(|other| other.name == entry.name);
            let reports = of_work.filter_map(|other| other.report.as_ref());
            let remark = format!("{}: {note}", entry.name);
            if reports.clone().all(|report| report.notes.contains(note))
                && !remarks.contains(&remark)
            {
                remarks.push(remark);
            }
        }
    }
    remarks
}

/// The one table of everything.
pub(crate) fn overview(results: &Results) -> Table {
    across(results, |_| true)
}

/// The same with those figures alone that the order goes by: narrow enough for most terminals.
pub(crate) fn summary(results: &Results) -> Table {
    across(results, |figure| figure.counts)
}

fn across(results: &Results, is_wanted: impl Fn(&Figure) -> bool) -> Table {
    let is_measured = |figure: &&Figure| {
        results.servers.iter().any(|server| figure.of_server(results, &server.name).is_some())
    };
    let wanted = FIGURES.iter().filter(|figure| is_wanted(figure));
    let figures: Vec<&Figure> = wanted.filter(is_measured).collect();
    let names = figures.iter().map(|figure| format!(">{}", figure.name));
    let has_yardstick = has_yardstick(results);
    let mut table = table(has_yardstick, names);
    let mut ranked: Vec<(f64, &Participant)> =
        results.servers.iter().map(|server| (rank(results, server, None), server)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (to_best, server) in ranked {
        let to_yardstick = has_yardstick.then(|| rank(results, server, Some(YARDSTICK)));
        let head = [Some(server.title.clone()), Some(times(to_best)), to_yardstick.map(times)];
        let head = head.into_iter().flatten();
        let cells = figures.iter().map(|figure| cell(results, figure, server));
        table.row(head.chain(cells));
    }
    table
}

/// Whether the server took part that ratios are given to.
fn has_yardstick(results: &Results) -> bool {
    results.servers.iter().any(|server| server.name == YARDSTICK)
}

/// The mean of a server's ratios to the best, or to one other; infinite where there is none.
fn rank(results: &Results, server: &Participant, to: Option<&str>) -> f64 {
    let counting = FIGURES.iter().filter(|figure| figure.counts);
    let ratios = counting.filter_map(|figure| {
        let by = match to {
            Some(other) => figure.of_server(results, other),
            None => best(results, figure),
        };
        figure.ratio(figure.of_server(results, &server.name)?, by?)
    });
    mean(&ratios.collect::<Vec<_>>()).unwrap_or(f64::INFINITY)
}

fn best(results: &Results, figure: &Figure) -> Option<f64> {
    let usable = results.servers.iter().filter(|server| !server.is_floor);
    figure.best(results, usable.map(|server| server.name.as_str()))
}

fn cell(results: &Results, figure: &Figure, server: &Participant) -> String {
    let Some(entry) = entry(results, figure.work, &server.name) else { return NOTHING.to_owned() };
    let Some(value) = figure.of(entry).map(|spread| spread.median) else {
        return FAILED.to_owned();
    };
    let (value_text, marks) = (number(value), marks(entry));
    if !figure.counts || is_partial(entry) {
        return format!("{value_text}{marks}");
    }
    let ratio = best(results, figure).and_then(|best| figure.ratio(value, best));
    format!("{value_text}{marks} ({})", times(ratio.unwrap_or(f64::INFINITY)))
}

/// The table of one work, sorted by the first of its figures.
fn one_work(results: &Results, work: &str) -> Table {
    let figures: Vec<&Figure> = FIGURES.iter().filter(|figure| figure.work == work).collect();
    let names = figures.iter().map(|figure| format!(">{}", figure.short));
    let further = [">lost", ">generator CPU", "remarks"].map(str::to_owned);
    let has_yardstick = has_yardstick(results);
    let mut table = table(has_yardstick, names.chain(further));
    let ratio = |entry: &Entry, by: Option<f64>| {
        let main = figures.first().filter(|_| !is_partial(entry))?;
        main.ratio(main.of(entry)?.median, by?)
    };
    let (best, yardstick) = match figures.first() {
        Some(main) => (best(results, main), main.of_server(results, YARDSTICK)),
        None => (None, None),
    };
    let servers = results.servers.iter();
    let done = servers.filter_map(|server| Some((server, entry(results, work, &server.name)?)));
    let ranked =
        done.map(|(server, entry)| (ratio(entry, best).unwrap_or(f64::INFINITY), server, entry));
    let mut ranked: Vec<(f64, &Participant, &Entry)> = ranked.collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (to_best, server, entry) in ranked {
        let to_yardstick = has_yardstick.then(|| ratio(entry, yardstick).unwrap_or(f64::INFINITY));
        let head = [Some(server.title.clone()), Some(times(to_best)), to_yardstick.map(times)];
        let head = head.into_iter().flatten();
        let cells = figures.iter().map(|figure| match figure.of(entry) {
            None => FAILED.to_owned(),
            spread => with_spread(&spread, number),
        });
        let tail = [lost(entry), generator(entry), said_of(entry)];
        table.row(head.chain(cells).chain(tail));
    }
    table
}

/// Who took part, and what must be known of them.
fn servers(results: &Results) -> Section {
    let mut table = Table::new(&["server", "name", "version", "what"]);
    for Participant { name, title, note, .. } in &results.servers {
        let version = results.versions.get(name).cloned().unwrap_or_default();
        table.row([title.clone(), name.clone(), version, note.clone()]);
    }
    Section { title: "Servers".to_owned(), table, text: String::new(), is_prose: true }
}

fn table(has_yardstick: bool, further: impl Iterator<Item = String>) -> Table {
    let yardstick = has_yardstick.then(|| format!(">× {YARDSTICK}"));
    let head = ["server", ">× best"].map(str::to_owned).into_iter().chain(yardstick);
    let titles: Vec<String> = head.chain(further).collect();
    Table::new(&titles.iter().map(String::as_str).collect::<Vec<_>>())
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
fn said_of(entry: &Entry) -> String {
    let mut remarks = Vec::new();
    let runs = entry.report.iter().flat_map(|report| &report.runs);
    let generators = runs.map(|run| &run.generator);
    let whys: Vec<&str> = generators.filter_map(|generator| generator.why.as_deref()).collect();
    if let Some(mark) = mark(entry) {
        let why = whys.first().map_or_else(String::new, |why| format!(": {why}"));
        remarks.push(format!("{}{why}", mark.said()));
    }
    let faults = faults(entry).into_iter().filter(|(count, _)| *count > 0);
    remarks.extend(faults.map(|(count, what)| format!("{count} {what}")));
    if let Some(failure) = &entry.failure {
        remarks.push(failure.what.lines().next().unwrap_or_default().to_owned());
    }
    remarks.join("; ")
}

fn marks(entry: &Entry) -> String {
    let is_faulty = faults(entry).iter().any(|(count, _)| *count > 0);
    let marks = [(is_faulty, '!'), (entry.failure.is_some(), '†')];
    let further = marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark);
    mark(entry).map(Mark::sign).into_iter().chain(further).collect()
}

fn mark(entry: &Entry) -> Option<Mark> {
    entry.report.as_ref().and_then(Mark::of)
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

/// Three digits that count, also of what is small.
pub(crate) fn number(value: f64) -> String {
    if value.abs() > 0.0 && value.abs() < 0.095 { format!("{value:.3}") } else { plain(value) }
}

fn times(ratio: f64) -> String {
    if ratio.is_finite() { format!("× {}", plain(ratio)) } else { NOTHING.to_owned() }
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
        results.servers = servers();
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

    fn servers() -> Vec<Participant> {
        let server = |name: &str| Participant {
            name: name.to_owned(),
            title: name.to_uppercase(),
            note: "a note".to_owned(),
            is_floor: name == "floor",
        };
        ["tidegate", "floor", "uws", "ws"].map(server).to_vec()
    }

    /// Everything as one text.
    fn all(results: &Results) -> String {
        let sections = sections(results).into_iter();
        sections
            .map(|of| format!("## {}\n{}\n{}\n", of.title, of.text, of.table.markdown()))
            .collect()
    }

    /// The cells of the line that begins with this server.
    fn line(text: &str, server: &str) -> Vec<String> {
        let begin = format!("| {server} ");
        let line = text.lines().find(|line| line.starts_with(&begin)).unwrap();
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    }

    #[test]
    fn servers_are_sorted_by_how_far_they_are_from_the_best_that_can_be_used() {
        let text = overview(&results()).markdown();
        let order: Vec<&str> =
            text.lines().skip(2).filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(order, ["FLOOR", "UWS", "TIDEGATE", "WS"]);
        assert_eq!(line(&text, "UWS")[1..3], ["× 1.00", "× 1.00"]);
        assert_eq!(line(&text, "TIDEGATE")[1..3], ["× 2.00", "× 2.00"]);
        assert_eq!(line(&text, "FLOOR")[1], "× 0.50");
    }

    #[test]
    fn a_cell_has_the_middle_of_the_repetitions_and_its_ratio() {
        let text = overview(&results()).markdown();
        assert_eq!(line(&text, "TIDEGATE")[3], "20.0 (× 2.00)");
        assert_eq!(line(&text, "WS")[4], "–");
    }

    #[test]
    fn works_that_nobody_did_have_no_column() {
        let head = overview(&results()).markdown().lines().next().unwrap().to_owned();
        assert!(head.contains("echo-16 k/s") && !head.contains("fan-out"), "{head}");
    }

    #[test]
    fn each_work_has_its_table_with_the_spread() {
        let text = all(&results());
        let echo = text.split("## echo\n").nth(1).unwrap();
        assert!(echo.contains("what echo is for"), "{echo}");
        assert_eq!(line(echo, "TIDEGATE")[3], "20.0 (18.0–22.0)");
        assert!(text.contains("| WS | ws | ws 8 | a note |"), "{text}");
    }

    #[test]
    fn a_generator_that_was_the_bottleneck_is_said() {
        let mut results = results();
        let report = results.entries[2].report.as_mut().unwrap();
        report.generator_limited = true;
        report.runs[0].generator.why = Some("it waited".to_owned());
        let text = all(&results);
        assert_eq!(line(&text, "UWS")[3], "10.0* (× 1.00)");
        assert!(text.contains("the generator was the bottleneck: it waited |"), "{text}");
    }

    #[test]
    fn a_machine_that_was_too_small_for_both_is_said() {
        let mut results = results();
        let report = results.entries[2].report.as_mut().unwrap();
        report.crowded = true;
        report.runs[0].generator.why = Some("the server waited".to_owned());
        let text = all(&results);
        assert_eq!(line(&text, "UWS")[3], "10.0‡ (× 1.00)");
        assert!(text.contains("generator and server were short of cores: the server waited |"));
    }

    #[test]
    fn what_is_partial_is_marked_and_nobody_s_best() {
        let mut results = results();
        let failed = &mut results.entries[2];
        failed.report.as_mut().unwrap().partial = true;
        failed.failure = Some(Failed { what: "the server ended".into(), hint: String::new() });
        let text = all(&results);
        assert_eq!(line(&text, "UWS")[3], "10.0†");
        assert_eq!(line(&text, "TIDEGATE")[3], "20.0 (× 1.00)");
        let echo = text.split("## echo\n").nth(1).unwrap();
        assert_eq!(line(echo, "UWS")[1..4], ["–", "–", "10.0"]);
    }

    #[test]
    fn without_the_yardstick_there_is_no_column_for_it() {
        let mut results = results();
        results.servers.retain(|server| server.name != "uws");
        let text = all(&results);
        assert!(
            !text.contains("uws |") && text.contains("| server | × best | echo CPU-s/M |"),
            "{text}"
        );
        assert_eq!(line(&text, "TIDEGATE")[2], "20.0 (× 1.00)");
    }

    #[test]
    fn what_holds_for_all_servers_of_a_work_is_remarked_once() {
        let mut results = results();
        for entry in &mut results.entries[..4] {
            entry.report.as_mut().unwrap().notes.push("closed loop".to_owned());
        }
        results.entries[2].report.as_mut().unwrap().notes.push("of one alone".to_owned());
        results.notes.push("nats is left out".to_owned());
        assert_eq!(remarks(&results), ["nats is left out", "echo: closed loop"]);
    }

    #[test]
    fn the_summary_has_what_the_order_goes_by_alone() {
        let head = summary(&results()).markdown().lines().next().unwrap().to_owned();
        assert_eq!(head, "| server | × best | × uws | echo CPU-s/M | echo-16 CPU-s/M |");
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        assert_eq!([0.0, 0.0137, 0.41, 41.2].map(number), ["0", "0.014", "0.41", "41.2"]);
    }

    #[test]
    fn what_was_lost_or_doubled_is_said() {
        let mut results = results();
        let accounting = &mut results.entries[2].report.as_mut().unwrap().runs[0].accounting;
        (accounting.lost, accounting.critical_loss, accounting.doubled) = (3, 2, 1);
        let text = all(&results);
        assert_eq!(line(&text, "UWS")[3], "10.0! (× 1.00)");
        assert!(text.contains("2 lost without a word; 1 doubled"), "{text}");
    }

    #[test]
    fn a_failure_stands_in_its_cell_and_its_reason_in_the_remarks() {
        let mut results = results();
        let what = "the server ended\nlast words".to_owned();
        results.entries[3].failure = Some(Failed { what, hint: String::new() });
        results.entries[3].report = None;
        let text = all(&results);
        assert_eq!(line(&text, "WS")[1..4], ["–", "–", "failed"]);
        assert!(text.contains("| the server ended |"), "{text}");
    }

    #[test]
    fn without_the_yardstick_ratios_to_it_are_left_open() {
        let mut results = results();
        results.entries.retain(|entry| entry.server != "uws");
        let text = overview(&results).markdown();
        assert_eq!(line(&text, "TIDEGATE")[1..3], ["× 1.00", "–"]);
    }
}
