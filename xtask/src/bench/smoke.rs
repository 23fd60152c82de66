//! Whether the bench works at all: a few seconds of a tiny load, end to end, with programs built for debugging.
//! Says nothing about time; only that messages were counted and none was lost.

use std::path::Path;

use super::attempt::{self, Bench, Server};
use super::install::{Profile, Programs};
use super::plan::Overrides;
use super::processes::{Interrupt, Scratch};
use super::results::{Kind, Results};
use super::scenario::Scenario;
use super::{files, paper, rows};
use crate::Problem;

/// Small enough for two cores that do something else besides.
const SCENARIO: &str = "\
purpose = \"Does it work at all?\"
position = 0
repeat = 2
warmup_seconds = 0.5

[gateway]
rate_limit.max_requests = 10000

[messages]
size = 64

[[messages.phases]]
seconds = 1
connections = 10
rate = 50

[[messages.phases]]
seconds = 1
connections = 20
rate = 100
";

/// Runs it and answers in one line how much was counted.
///
/// # Errors
/// When it could not be run, nothing was counted, or anything was lost.
pub(crate) fn run(root: &Path) -> Result<String, Problem> {
    let programs = Programs::build(root, Profile::Dev)?;
    let bench = Bench {
        gateway: programs.installed(),
        generator: programs.generator(),
        dialect: attempt::dialect(root)?,
        server: Server::Started("127.0.0.1:0".into()),
        overrides: Overrides::default(),
        open_files: files::raise_limit(),
        interrupt: Interrupt::default(),
    };
    let scenario = Scenario::parse("smoke", "the smoke test's scenario", SCENARIO)?;
    let entry = bench.attempt(&scenario, |_| {});
    let counts = rows::figures(&entry).counts;
    let mut results = Results::begin(root, Kind::Scenarios, &programs.named());
    let failure = entry.failure.clone();
    results.entries.push(entry);
    if let Some(failed) = failure {
        return Err(format!("{}. {}", failed.what, failed.hint).into());
    }
    if counts.received == 0 || counts.received != counts.expected || counts.doubled > 0 {
        return Err(format!("the load was not reconciled: {counts:?}").into());
    }
    let scratch = Scratch::new()?;
    paper::write(&results, &scratch.path().join("results.json"))?;
    Results::read(&scratch.path().join("results.json"))?;
    Ok(format!("{} messages sent, all of them back once", counts.sent))
}
