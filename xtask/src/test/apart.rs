//! What is built apart from the rest: fuzz targets and micro benchmarks, in workspaces of their own, and loom. Formatting, lints and tests there, as
//! for the project's own. Knows their folders and nothing of what they hold.

use std::process::Command;

use super::counts::Counts;
use super::process;
use super::screen;
use super::stage::{Context, Outcome};
use super::suites;
use crate::bench::micro;

/// Every fuzz target's body over its kept inputs; libFuzzer itself is not built.
pub(crate) fn fuzz(context: &Context<'_>) -> Outcome {
    whole(context, "fuzz")
}

/// The harness's tests, and each subject once and quickly, so that none rots.
pub(crate) fn benches(context: &Context<'_>) -> Outcome {
    let mut outcome = whole(context, "benches");
    for subject in micro::subjects(context.root) {
        let mut command = cargo(context, "benches", "run");
        command.args(["--release", "--bin", &subject, "--", "--quick", "--no-instructions"]);
        outcome.join(holds(&mut command));
    }
    outcome
}

/// Interleavings of the hand-offs of the queue and the journal and of the pool's races: all of small programs by loom, many of larger ones
/// by shuttle.
pub(crate) fn races(context: &Context<'_>) -> Outcome {
    interleavings(context, "2", "1000")
}

/// The same, further: minutes instead of seconds.
pub(crate) fn races_long(context: &Context<'_>) -> Outcome {
    interleavings(context, "3", "20000")
}

/// A build of its own: loom and shuttle take the place of locks and atomics.
fn interleavings(context: &Context<'_>, preemptions: &str, runs: &str) -> Outcome {
    let of = |arguments: &[&str]| {
        let mut command = process::cargo();
        command
            .args(["test", "--locked", "--release"])
            .args(arguments)
            .env("RUSTFLAGS", "--cfg tidegate_loom")
            .env("TIDEGATE_LOOM_PREEMPTIONS", preemptions)
            .env("TIDEGATE_SHUTTLE_RUNS", runs)
            .env("CARGO_TARGET_DIR", context.workspace.target.join("loom"))
            .current_dir(context.root);
        suites::counted(&mut command, Counts::of_cargo_test)
    };
    let mut outcome = of(&["-p", "tidegate-queue", "--features", "tower", "--test", "loom"]);
    outcome.join(of(&["-p", "tidegate-pool", "--test", "shuttle"]));
    outcome.join(of(&["-p", "tidegate-journal", "--test", "loom"]));
    outcome
}

fn whole(context: &Context<'_>, folder: &str) -> Outcome {
    let mut format = cargo(context, folder, "fmt");
    format.args(["--check"]);
    let mut outcome = holds(&mut format);
    let mut clippy = cargo(context, folder, "clippy");
    clippy.args(["--locked", "--all-targets", "--", "-D", "warnings"]);
    outcome.join(holds(&mut clippy));
    let mut tests = cargo(context, folder, "test");
    tests.args(["--locked", "--no-fail-fast"]);
    outcome.join(suites::counted(&mut tests, Counts::of_cargo_test));
    outcome
}

/// A cargo command in a workspace that stands apart; what it builds goes beside what the project builds.
fn cargo(context: &Context<'_>, folder: &str, subcommand: &str) -> Command {
    let mut command = process::cargo();
    command
        .arg(subcommand)
        .args(["--manifest-path", &format!("{folder}/Cargo.toml")])
        .env("CARGO_TARGET_DIR", context.workspace.target.join(folder))
        .current_dir(context.root);
    command
}

fn holds(command: &mut Command) -> Outcome {
    let run = screen::program(command);
    if run.success { Outcome::passed() } else { Outcome::failed(run.output) }
}
