//! `cargo xtask test`: the one gate. Runs its stages in order, goes on after a failure, and closes with
//! one line that counts everything.
//!
//! Knows the order of the stages and the closing line; what a stage does is in the modules below.

mod apart;
mod bench_smoke;
mod checks;
mod conformance;
mod counts;
pub(crate) mod metadata;
pub(crate) mod process;
mod real_clients;
pub(crate) mod screen;
mod stage;
mod suites;
pub(crate) mod tools;

use std::cell::OnceCell;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::Problem;
use counts::Counts;
use metadata::Workspace;
use stage::{Context, Options, Pace, Stage};

/// All stages, cheapest first, so that a slip shows early.
const STAGES: &[Stage] = &[
    Stage {
        name: "lock",
        what: "cargo fetch --locked: Cargo.lock is committed and current",
        pace: Pace::Quick,
        run: checks::lock,
    },
    Stage {
        name: "format",
        what: "cargo fmt --all --check",
        pace: Pace::Quick,
        run: checks::format,
    },
    Stage { name: "tidy", what: "cargo xtask tidy", pace: Pace::Quick, run: checks::tidy },
    Stage {
        name: "foundations",
        what: "cargo tree of each crate of tiers 0 and 1: no runtime, no hyper, no tower",
        pace: Pace::Quick,
        run: checks::foundations,
    },
    Stage {
        name: "clippy",
        what: "cargo clippy --workspace --all-targets --all-features -- -D warnings",
        pace: Pace::Quick,
        run: checks::clippy,
    },
    Stage {
        name: "deny",
        what: "cargo deny --offline check licenses bans sources",
        pace: Pace::Full,
        run: checks::deny,
    },
    Stage {
        name: "docs",
        what: "cargo doc --workspace --no-deps --all-features, warnings denied",
        pace: Pace::Full,
        run: checks::docs,
    },
    Stage {
        name: "crates-alone",
        what: "cargo clippy -p CRATE for each crate, so that none leans on another's features",
        pace: Pace::Full,
        run: checks::crates_alone,
    },
    Stage {
        name: "features-alone",
        what: "cargo clippy -p CRATE --no-default-features --features FEATURE for each feature",
        pace: Pace::Full,
        run: checks::features_alone,
    },
    Stage {
        name: "packages",
        what: "cargo package --all-features of each crate of tiers 0 and 1, built from what is packed",
        pace: Pace::Full,
        run: checks::packages,
    },
    Stage {
        name: "tests",
        what: "cargo nextest run --workspace --all-features (cargo test where there is none)",
        pace: Pace::Quick,
        run: suites::tests,
    },
    Stage {
        name: "doc-tests",
        what: "cargo test --workspace --doc --all-features",
        pace: Pace::Quick,
        run: suites::doc_tests,
    },
    Stage {
        name: "autobahn",
        what: "cargo xtask autobahn --short: the Autobahn test suite on ws, in both roles, and the gateway",
        pace: Pace::Full,
        run: conformance::autobahn,
    },
    Stage {
        name: "autobahn-long",
        what: "cargo xtask autobahn: all cases, with 50 messages a case in 12.* and 13.*",
        pace: Pace::Long,
        run: conformance::autobahn_long,
    },
    Stage {
        name: "races",
        what: "loom on the hand-offs of queue and journal, shuttle on the pool's races",
        pace: Pace::Full,
        run: apart::races,
    },
    Stage {
        name: "races-long",
        what: "the same with one preemption more, and twenty times as many runs",
        pace: Pace::Long,
        run: apart::races_long,
    },
    Stage {
        name: "journal-long",
        what: "the journal's models, damage and kills in full, on release builds",
        pace: Pace::Long,
        run: suites::journal_long,
    },
    Stage {
        name: "fuzz",
        what: "the fuzz targets over their kept inputs (fuzz/), formatting and lints there",
        pace: Pace::Full,
        run: apart::fuzz,
    },
    Stage {
        name: "benches",
        what: "the micro benchmarks' own tests (benches/), each subject once, formatting and lints",
        pace: Pace::Full,
        run: apart::benches,
    },
    Stage {
        name: "node-clients",
        what: "node --test on tests-e2e/*.test.mjs against the built gateway",
        pace: Pace::Quick,
        run: real_clients::node,
    },
    Stage {
        name: "python-clients",
        what: "pytest on tests-e2e/python against the built gateway",
        pace: Pace::Quick,
        run: real_clients::python,
    },
    Stage {
        name: "browser-clients",
        what: "node --test on tests-e2e/browser*.test.mjs, in headless Chromium and Firefox",
        pace: Pace::Full,
        run: real_clients::browser,
    },
    Stage {
        name: "bench-smoke",
        what: "a few seconds of load on the built gateway, every message reconciled",
        pace: Pace::Full,
        run: bench_smoke::run,
    },
];

/// Runs the chosen stages and prints the closing line last.
///
/// # Errors
/// When an argument is unknown or the workspace cannot be read; no closing line then.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<ExitCode, Problem> {
    let options = Options::parse(arguments, STAGES)?;
    if options.list {
        STAGES.iter().for_each(screen::row);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(folder) = &options.corpora {
        return again_with(folder, arguments);
    }
    let strict = std::env::var("CI").is_ok_and(|value| value == "true");
    let context = Context { root, workspace: Workspace::read(root)?, gateway: OnceCell::new() };
    let mut total = Counts::default();
    let mut unsound = Vec::new();
    for stage in STAGES.iter().filter(|stage| options.wants(stage)) {
        let counts = screen::run(stage, &context);
        if counts.failed > 0 || (strict && counts.skipped > 0) {
            unsound.push(stage.name);
        }
        total += counts;
    }
    let left_out: Vec<_> =
        STAGES.iter().filter(|stage| options.leaves_out(stage)).map(|stage| stage.name).collect();
    screen::ending(&unsound, &left_out, strict && total.skipped > 0);
    let total = if strict { total.with_skips_as_failures() } else { total };
    screen::closing_line(total);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same command with a folder of messages added to `TIDEGATE_CORPORA`, where every program it starts
/// finds it. A process of its own, because a program must not change its own environment.
fn again_with(folder: &Path, arguments: &[String]) -> Result<ExitCode, Problem> {
    let known = std::env::var_os("TIDEGATE_CORPORA").unwrap_or_default();
    let folders = std::env::split_paths(&known).chain([folder.to_path_buf()]);
    let folders = std::env::join_paths(folders.filter(|path| !path.as_os_str().is_empty()))?;
    let at = arguments.iter().position(|argument| argument == "--corpora").unwrap_or(0);
    let rest = arguments.iter().enumerate().filter(|(i, _)| ![at, at + 1].contains(i));
    let status = Command::new(std::env::current_exe()?)
        .arg("test")
        .args(rest.map(|(_, argument)| argument))
        .env("TIDEGATE_CORPORA", folders)
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
