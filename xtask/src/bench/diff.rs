//! `cargo xtask bench diff BEFORE AFTER`: what changed between two results beyond noise.
//!
//! Noise is what the repetitions of one result differ by among themselves. A change counts when the two ranges
//! do not touch and the middles differ by more than the least difference that is worth a line.

mod markdown;

use std::path::Path;
use std::process::ExitCode;

use tidegate_load::report::Spread;

use super::figures::{Figures, Named};
use super::numbers::{bytes, plain};
use super::results::{Entry, Results};
use super::rows;
use super::table::Table;
use crate::Problem;

/// A smaller difference of the middles than this share is never worth a line.
const LEAST_CHANGE: f64 = 0.05;

/// Fewer repetitions than these show no noise of their own; then the middles must differ by [`BOLD_CHANGE`].
const ENOUGH_RUNS: usize = 3;

/// What a change must be where there is no noise to measure it by: the machine's drift is of that size.
const BOLD_CHANGE: f64 = 0.2;

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Better,
    Worse,
    WithinNoise,
}

/// What `--help` prints.
const USAGE: &str = "\
cargo xtask bench diff [OPTION...] BEFORE.json AFTER.json

  Says what changed between two results beyond noise.

  --markdown          every figure, before and after, as a table to be pasted into a document;
                      of comparisons our servers, and how far those differ whose code is the same
  --with NAME,...     with --markdown: these servers besides ours";

/// What was asked for.
#[derive(Debug, Default)]
struct Options<'a> {
    markdown: bool,
    with: Vec<String>,
    files: Vec<&'a str>,
}

/// Prints what changed.
///
/// # Errors
/// When the arguments are not two results files.
pub(crate) fn command(arguments: &[String]) -> Result<ExitCode, Problem> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::parse(arguments)?;
    let [before, after] = options.files[..] else {
        return Err("give two results files: cargo xtask bench diff BEFORE.json AFTER.json".into());
    };
    let (before, after) = (Results::read(Path::new(before))?, Results::read(Path::new(after))?);
    if options.markdown {
        doubts(&before, &after).iter().for_each(|doubt| println!("{doubt}\n"));
        print!("{}", markdown::text(&before, &after, &options.with));
    } else {
        print!("{}", report(&before, &after));
    }
    Ok(ExitCode::SUCCESS)
}

impl<'a> Options<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self, Problem> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--markdown" => options.markdown = true,
                "--with" => {
                    let names =
                        arguments.next().ok_or("--with needs names with commas between them")?;
                    options.with.extend(names.split(',').map(|name| name.trim().to_owned()));
                }
                flag if flag.starts_with('-') => {
                    let hint = "`cargo xtask bench diff --help` shows what there is";
                    return Err(format!("no option `{flag}`; {hint}").into());
                }
                file => options.files.push(file),
            }
        }
        Ok(options)
    }
}

/// All of it as text.
pub(crate) fn report(before: &Results, after: &Results) -> String {
    let mut text = doubts(before, after).join("\n");
    if !text.is_empty() {
        text += "\n\n";
    }
    let mut table = Table::new(&["what", "figure", ">before", ">after", ">change", "verdict"]);
    let mut within_noise = 0;
    for (left, right) in pairs(before, after) {
        let (left_figures, right_figures) = (rows::figures(left), rows::figures(right));
        within_noise += changed(left, &left_figures, &right_figures, &mut table);
        graded(left, right, &mut table);
    }
    if table.is_empty() {
        text += "nothing changed beyond noise\n";
    } else {
        text += &table.text();
    }
    if within_noise > 0 {
        text += &format!("{within_noise} figures are within noise\n");
    }
    text
}

/// Why the two may not say what they seem to.
fn doubts(before: &Results, after: &Results) -> Vec<String> {
    let mut doubts = Vec::new();
    let machines = before.machine.differences(&after.machine);
    if !machines.is_empty() {
        doubts.push(format!(
            "These were measured on different machines ({}): their differences say nothing about the code.",
            machines.join(", ")
        ));
    }
    for (results, which) in [(before, "first"), (after, "second")] {
        if !results.complete {
            doubts.push(format!("The {which} is partial."));
        }
        let load = results.machine.load_average[0] / results.machine.cores.max(1) as f64;
        if load > 0.5 {
            doubts.push(format!(
                "When the {which} began, the machine was busy with something else (load {:.2} on {} cores).",
                results.machine.load_average[0], results.machine.cores
            ));
        }
    }
    let names = |results: &Results| -> Vec<String> { results.entries.iter().map(key).collect() };
    let (left, right) = (names(before), names(after));
    let lacking = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|name| !others.contains(name)).cloned().collect()
    };
    for (alone, which) in [(lacking(&left, &right), "first"), (lacking(&right, &left), "second")] {
        if !alone.is_empty() {
            doubts.push(format!("Only the {which} has {}.", alone.join(", ")));
        }
    }
    doubts
}

/// Entries of the same load on the same server.
fn pairs<'a>(before: &'a Results, after: &'a Results) -> Vec<(&'a Entry, &'a Entry)> {
    let of = |left: &'a Entry| {
        let right = after.entries.iter().find(|right| key(right) == key(left))?;
        Some((left, right))
    };
    before.entries.iter().filter_map(of).collect()
}

fn key(entry: &Entry) -> String {
    if entry.server == super::results::OURS {
        entry.name.clone()
    } else {
        format!("{} on {}", entry.name, entry.server)
    }
}

/// A row for each figure that changed; answers how many did not.
fn changed(entry: &Entry, before: &Figures, after: &Figures, table: &mut Table) -> usize {
    let mut within_noise = 0;
    let runs = before.runs.min(after.runs);
    for (left, right) in before.compared().iter().zip(after.compared()) {
        let (Some(old), Some(new)) = (left.spread, right.spread) else { continue };
        match judged(old, new, runs, left.more_is_better) {
            Change::WithinNoise => within_noise += 1,
            change => table.row([
                key(entry),
                left.name.to_owned(),
                shown(left, old),
                shown(left, new),
                factor(old.median, new.median),
                if change == Change::Better { "better".into() } else { "WORSE".into() },
            ]),
        }
    }
    let lost = |figures: &Figures| figures.counts.critical_loss;
    if lost(before) != lost(after) {
        let verdict = if lost(after) < lost(before) { "better" } else { "WORSE" };
        let cells = [lost(before).to_string(), lost(after).to_string(), String::new()];
        let named = [key(entry), "lost without a word".to_owned()];
        table.row(named.into_iter().chain(cells).chain([verdict.to_owned()]));
    }
    within_noise
}

fn graded(before: &Entry, after: &Entry, table: &mut Table) {
    let (Some(old), Some(new)) = (&before.grade, &after.grade) else { return };
    if old.letter != new.letter {
        let verdict = if new.letter < old.letter { "better" } else { "WORSE" };
        let letters = [old.letter.to_string(), new.letter.to_string(), String::new()];
        let named = [key(before), "grade".to_owned()];
        table.row(named.into_iter().chain(letters).chain([verdict.to_owned()]));
    }
}

/// Whether `new` differs from `old` by more than either differs from itself.
fn judged(old: &Spread, new: &Spread, runs: usize, more_is_better: bool) -> Change {
    let apart = old.max < new.min || new.max < old.min;
    let base = old.median.abs().max(f64::MIN_POSITIVE);
    let share = (new.median - old.median).abs() / base;
    let least = if runs < ENOUGH_RUNS { BOLD_CHANGE } else { LEAST_CHANGE };
    if !apart || share < least {
        Change::WithinNoise
    } else if (new.median > old.median) == more_is_better {
        Change::Better
    } else {
        Change::Worse
    }
}

fn shown(figure: &Named<'_>, spread: &Spread) -> String {
    if figure.unit == "B" {
        bytes(spread.median)
    } else {
        format!("{} {}", plain(spread.median), figure.unit)
    }
}

/// `+12 %`, `× 3.20`.
fn factor(old: f64, new: f64) -> String {
    let ratio = if old == 0.0 { f64::INFINITY } else { new / old };
    match ratio {
        _ if !ratio.is_finite() => "from nothing".into(),
        _ if ratio > 2.0 => format!("× {ratio:.2}"),
        _ => format!("{:+.0} %", (ratio - 1.0) * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_load::report::{Accounting, Latency, Report, Run};

    use super::super::grade::{Grade, Letter};
    use super::super::processes::Scratch;
    use super::super::results::{Asked, Kind, OURS};
    use super::*;

    fn results(p99s: &[f64]) -> Results {
        let runs = p99s.iter().map(|p99| Run {
            elapsed_s: 10.0,
            received_per_s: 100.0,
            latency: Latency { count: 1_000, p50: 1.0, p99: *p99, ..Latency::default() },
            accounting: Accounting { expected: 1_000, received: 1_000, ..Accounting::default() },
            ..Run::default()
        });
        let mut entry = Entry::new("high", OURS, Asked::default());
        entry.report = Some(Report { runs: runs.collect(), ..Report::default() });
        entry.grade = Some(Grade { letter: Letter::A, reasons: Vec::new() });
        let mut results = Results::begin(Path::new("."), Kind::Scenarios, &[]);
        results.machine.load_average = [0.0; 3];
        results.complete = true;
        results.entries = vec![entry];
        results
    }

    fn lines(before: &Results, after: &Results) -> Vec<String> {
        report(before, after).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_change_beyond_all_repetitions_is_a_line() {
        let said = lines(&results(&[4.0, 4.1, 4.2]), &results(&[6.0, 6.2, 6.1]));
        assert!(said[2].starts_with("high  p99     4.10 ms  6.10 ms   +49 %  WORSE"), "{said:?}");
        let said = lines(&results(&[6.0, 6.2, 6.1]), &results(&[1.0, 1.1, 1.2]));
        assert!(said[2].ends_with("better"), "{said:?}");
    }

    #[test]
    fn ranges_that_touch_are_within_noise() {
        let said = report(&results(&[4.0, 5.0, 9.0]), &results(&[8.0, 8.5, 9.5]));
        assert!(said.starts_with("nothing changed beyond noise\n"), "{said}");
        assert!(said.contains("figures are within noise"), "{said}");
    }

    #[test]
    fn a_difference_too_small_to_matter_is_within_noise_however_steady() {
        let said = report(&results(&[4.00, 4.00, 4.01]), &results(&[4.1, 4.1, 4.11]));
        assert!(said.starts_with("nothing changed"), "{said}");
    }

    #[test]
    fn without_repetitions_only_a_bold_change_counts() {
        assert!(report(&results(&[4.0]), &results(&[4.6])).starts_with("nothing changed"));
        assert!(report(&results(&[4.0]), &results(&[5.0])).contains("WORSE"));
    }

    #[test]
    fn another_machine_is_said_first() {
        let mut other = results(&[4.0, 4.0, 4.0]);
        other.machine.cores += 6;
        let said = report(&results(&[4.0, 4.0, 4.0]), &other);
        assert!(said.starts_with("These were measured on different machines (cores: "), "{said}");
    }

    #[test]
    fn what_only_one_has_and_what_is_partial_is_said() {
        let mut other = results(&[4.0]);
        other.entries[0].name = "ramp".into();
        other.complete = false;
        other.machine.load_average[0] = 99.0;
        let said = report(&results(&[4.0]), &other);
        for part in ["The second is partial.", "first has high.", "second has ramp.", "load 99.00"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    fn a_loss_and_a_grade_are_lines_of_their_own() {
        let mut worse = results(&[4.0, 4.0, 4.0]);
        let entry = &mut worse.entries[0];
        entry.report.as_mut().unwrap().runs[0].accounting.critical_loss = 1;
        entry.grade = Some(Grade::failed("1 message lost"));
        let said = report(&results(&[4.0, 4.0, 4.0]), &worse);
        assert!(said.contains("lost without a word") && said.contains("grade"), "{said}");
        assert_eq!(said.matches("WORSE").count(), 2, "{said}");
    }

    #[test]
    fn two_files_are_read() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().join("a.json");
        results(&[4.0]).write(&path).unwrap();
        let path = path.display().to_string();
        assert!(command(&[path.clone(), path.clone()]).is_ok());
        assert!(command(&["--markdown".into(), path.clone(), path.clone()]).is_ok());
        assert!(command(&["--help".into()]).is_ok());
        let faulty = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
            command(&arguments).unwrap_err().to_string()
        };
        assert!(faulty(&[&path]).contains("two results files"));
        assert!(faulty(&["--mark", &path, &path]).contains("no option `--mark`"));
        assert!(faulty(&["--with"]).contains("needs names"));
    }
}
