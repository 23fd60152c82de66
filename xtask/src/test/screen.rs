//! What a person or a log reads while the gate runs: a head and an end per stage, the whole output of
//! what failed, nothing of what succeeded. Knows no stage by name.

use std::process::Command;
use std::time::Duration;

use super::counts::Counts;
use super::process::{self, Run, Stopwatch};
use super::stage::{Context, Pace, Stage};

/// The longest that a program may run, unless it is known to take longer.
const PROGRAM_LIMIT: Duration = Duration::from_secs(20 * 60);

/// Runs one stage and shows it.
pub(crate) fn run(stage: &Stage, context: &Context<'_>) -> Counts {
    println!("==> {}: {}", stage.name, stage.what);
    let watch = Stopwatch::start();
    let outcome = (stage.run)(context);
    if !outcome.output.is_empty() {
        println!("{}", outcome.output.trim_end());
    }
    if let Some(note) = &outcome.note {
        println!("    {note}");
    }
    let word = match outcome.counts {
        Counts { failed: 1.., .. } => "FAILED",
        Counts { skipped: 1.., .. } => "incomplete",
        _ => "ok",
    };
    println!("    {word}: {} in {:.1} s", outcome.counts, watch.elapsed().as_secs_f64());
    outcome.counts
}

/// Runs one program of a stage, with a sign of life when it takes long.
pub(crate) fn program(command: &mut Command) -> Run {
    program_within(PROGRAM_LIMIT, command)
}

/// The same for one that has a limit of its own.
pub(crate) fn program_within(limit: Duration, command: &mut Command) -> Run {
    process::run(command, limit, |elapsed, line| {
        println!("    ... {} s: {}", elapsed.as_secs(), line.trim());
    })
}

/// One line while a stage works: what is installed, which suite is run.
pub(crate) fn progress(text: &str) {
    println!("    {text}");
}

/// One row of `--list`.
pub(crate) fn row(stage: &Stage) {
    let pace = match stage.pace {
        Pace::Quick => "",
        Pace::Full => "not in --quick",
        Pace::Long => "only in --long",
    };
    println!("  {:<16} {:<15} {}", stage.name, pace, stage.what);
}

/// What is worth knowing before the closing line.
pub(crate) fn ending(unsound: &[&str], left_out: &[&str], skips_are_failures: bool) {
    println!();
    if !left_out.is_empty() {
        println!("left out: {}", left_out.join(", "));
    }
    if skips_are_failures {
        println!("CI=true: what was skipped counts as failed");
    }
    if !unsound.is_empty() {
        println!("failed: {}", unsound.join(", "));
    }
}

/// The last line of all, alone: the one that is read by programs.
pub(crate) fn closing_line(total: Counts) {
    println!("{total}");
}
