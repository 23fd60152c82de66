//! The Rust tests: nextest where it is to be had, `cargo test` otherwise, and the doc tests.

use std::time::Duration;

use super::counts::Counts;
use super::process::{self, Run, Stopwatch};
use super::screen;
use super::stage::{Context, Outcome};
use super::tools;

/// Unit and integration tests of all crates.
pub(crate) fn tests(context: &Context<'_>) -> Outcome {
    // Some crates are tried against Node's `ws`. Where it cannot be had, those tests say so themselves.
    if let Err(why) = tools::node_modules(context.root) {
        screen::progress(&why);
    }
    let whole = ["--workspace", "--all-features", "--no-fail-fast"];
    let mut command = process::cargo();
    let count = match tools::nextest(context.root) {
        Ok(folder) => {
            command.env("PATH", folder).args(["nextest", "run"]).args(whole).args(NEXTEST);
            Counts::of_nextest
        }
        Err(why) => {
            screen::progress(&format!("{why}; cargo test instead"));
            command.arg("test").args(whole).arg("--all-targets");
            Counts::of_cargo_test
        }
    };
    counted(command.current_dir(context.root), count)
}

/// Only failures are printed; a test that hangs is ended, as `xtask/nextest.toml` says.
const NEXTEST: [&str; 10] = [
    "--config-file",
    "xtask/nextest.toml",
    "--no-tests",
    "pass",
    "--status-level",
    "slow",
    "--final-status-level",
    "fail",
    "--color",
    "never",
];

/// The examples in READMEs and documentation comments.
pub(crate) fn doc_tests(context: &Context<'_>) -> Outcome {
    let mut command = process::cargo();
    command.args(["test", "--workspace", "--doc", "--all-features", "--no-fail-fast"]);
    counted(command.current_dir(context.root), Counts::of_cargo_test)
}

/// The journal's tests that have a long form, and how long each may take: several times what it takes on two cores.
const JOURNAL_LONG: [(&str, Duration); 5] = [
    ("model", Duration::from_secs(20 * 60)),
    ("durable_model", Duration::from_secs(60 * 60)),
    ("crash", Duration::from_secs(30 * 60)),
    ("damage", Duration::from_secs(120 * 60)),
    ("killed", Duration::from_secs(60 * 60)),
];

/// Release builds: millions of steps, and every byte of several directories.
pub(crate) fn journal_long(context: &Context<'_>) -> Outcome {
    let test = |which: &[&str]| {
        let mut command = process::cargo();
        command.args(["test", "--release", "-p", "tidegate-journal", "--all-features"]);
        command.args(which).env("TIDEGATE_LONG", "1").current_dir(context.root);
        command
    };
    let mut outcome = counted(&mut test(&["--no-run"]), Counts::of_cargo_test);
    for (name, limit) in JOURNAL_LONG {
        let watch = Stopwatch::start();
        let mut command = test(&["--test", name, "--", "--show-output"]);
        let run = screen::program_within(limit, &mut command);
        screen::progress(&format!("{name}: {:.0} s", watch.elapsed().as_secs_f64()));
        figures(&run.output).for_each(|line| screen::progress(&format!("  {line}")));
        outcome.join(of_run(run, Counts::of_cargo_test));
    }
    outcome
}

/// What tests say of what they did.
fn figures(output: &str) -> impl Iterator<Item = &str> {
    output.lines().filter_map(|line| line.strip_prefix("figures: "))
}

/// Runs a test runner and reads its counts; shows its output when anything failed.
pub(crate) fn counted(command: &mut std::process::Command, count: fn(&str) -> Counts) -> Outcome {
    of_run(screen::program(command), count)
}

fn of_run(run: Run, count: fn(&str) -> Counts) -> Outcome {
    let counts = count(&run.output).agreeing_with(run.success);
    let note = (counts.skipped > 0).then(|| skipped(&run.output).join("\n    "));
    let output = if counts.failed > 0 { run.output } else { String::new() };
    Outcome { counts, output, note }
}

/// The lines that say which tests were skipped, in the words of cargo test, node and pytest.
fn skipped(output: &str) -> Vec<&str> {
    let says = |line: &&str| {
        line.ends_with("... ignored") || line.contains("# SKIP") || line.starts_with("SKIPPED ")
    };
    output.lines().filter(says).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn shell(script: &str) -> Outcome {
        counted(Command::new("sh").args(["-c", script]), Counts::of_cargo_test)
    }

    #[test]
    fn a_success_is_its_counts_without_its_output() {
        let outcome = shell("echo 'test result: ok. 3 passed; 0 failed; 0 ignored'");
        assert_eq!(outcome.counts, Counts { passed: 3, failed: 0, skipped: 0 });
        assert_eq!((outcome.output.as_str(), outcome.note), ("", None));
    }

    #[test]
    fn a_skipped_test_is_named() {
        let said = "test src/a.rs - a (line 3) ... ignored";
        let outcome = shell(&format!("echo '{said}'; echo 'test result: ok. 0 passed; 1 ignored'"));
        assert_eq!(outcome.note.as_deref(), Some(said));
        assert_eq!(skipped("ok 2 - c # SKIP\nSKIPPED [1] a.py:3: why\nok 1 - d\n").len(), 2);
    }

    #[test]
    fn a_failure_shows_all_that_was_said() {
        let outcome = shell("echo why; echo 'test result: FAILED. 1 passed; 1 failed'; exit 101");
        assert_eq!(outcome.counts, Counts { passed: 1, failed: 1, skipped: 0 });
        assert!(outcome.output.contains("why\n"));
    }

    #[test]
    fn what_a_test_did_is_read_from_its_output() {
        let said = "---- a stdout ----\nfigures: 3 kills\nelse\nfigures: 2 flips\n";
        assert!(figures(said).eq(["3 kills", "2 flips"]));
    }

    #[test]
    fn what_does_not_compile_is_one_failure() {
        let outcome = shell("echo 'error: could not compile'; exit 101");
        assert_eq!(outcome.counts, Counts { passed: 0, failed: 1, skipped: 0 });
        assert!(outcome.output.contains("could not compile"));
    }
}
