//! A start after a crash: this program writes logs as a process of its own, ends without an orderly end, and the time
//! is taken that opening and the first read take. What was written is still in the system's memory.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use tidegate_benches::Suite;
use tidegate_journal::{Append, Durability, Journal, Position};
use tidegate_message::Class;

use crate::ours::{epochs, limits, name, now_ms, options};
use crate::work::{Failure, Folder, body, is_quick, is_wanted};

const GROUP: &str = "start after a crash";
const DIRECTORY: &str = "TIDEGATE_BENCH_DIRECTORY";
const LOGS: u64 = 1_000;
/// Bytes of a body: five of the others.
const PARTS: u64 = 5;

pub(crate) fn group(suite: &mut Suite) {
    if !is_wanted(GROUP) {
        return;
    }
    let mebibytes = if is_quick() { 32 } else { 1_024 };
    match measure(mebibytes) {
        Ok([open, read]) => {
            let what = format!("ms to open {mebibytes} MiB in {LOGS} logs");
            suite.group(GROUP).fact("journal", &what, open).fact(
                "journal",
                "ms to read the first log then",
                read,
            );
        }
        Err(why) => suite.remark(&format!("A start after a crash was not measured: {why}.")),
    }
}

fn measure(mebibytes: u64) -> Result<[f64; 2], Failure> {
    let folder = Folder::new("start");
    let place = folder.path().join("journal");
    let status = Command::new(std::env::current_exe()?)
        .arg(mebibytes.to_string())
        .env(DIRECTORY, &place)
        .status()?;
    if status.code().is_some() {
        return Err(format!("what was to write and crash ended with {status}").into());
    }
    let begun = Instant::now();
    let (journal, opened) = Journal::open(&place, limits(64 << 20), options(), epochs())?;
    let open = begun.elapsed();
    if opened.clean || opened.logs != LOGS {
        return Err(format!("it is not as it was left: {opened:?}").into());
    }
    let begun = Instant::now();
    let epoch = journal.tail(&name(0))?.epoch;
    let batch = journal.read(&name(0), Position { epoch, seq: 0 }, usize::MAX, now_ms())?;
    let read = begun.elapsed();
    if batch.entries().count() == 0 {
        return Err("the first log is empty".into());
    }
    Ok([open, read].map(|time| time.as_secs_f64() * 1e3))
}

/// What the other process does: nothing but this, where it is asked to. The journal is open when it ends.
pub(crate) fn written_and_crashed() -> Option<ExitCode> {
    let place = PathBuf::from(std::env::var_os(DIRECTORY)?);
    let mebibytes = std::env::args().nth(1)?.parse().ok()?;
    match write(&place, mebibytes) {
        Ok(_journal) => std::process::abort(),
        Err(why) => {
            eprintln!("journal: {why}");
            Some(ExitCode::FAILURE)
        }
    }
}

fn write(place: &std::path::Path, mebibytes: u64) -> Result<Journal, Failure> {
    let (journal, _) = Journal::open(place, limits(256 << 20), options(), epochs())?;
    let names: Vec<_> = (0..LOGS).map(name).collect();
    for round in 0..mebibytes * (1 << 20) / LOGS / (PARTS * crate::work::BODY as u64) {
        let mut receipts = Vec::with_capacity(names.len());
        for (log, name) in names.iter().enumerate() {
            let parts =
                (0..PARTS).flat_map(|part| body(round * LOGS * PARTS + log as u64 * PARTS + part));
            let append = Append::new(parts.collect::<Vec<u8>>()).class(Class::Critical);
            let append = append.durability(Durability::Os);
            receipts.push(journal.append(name, append, now_ms())?.receipt);
        }
        receipts.into_iter().try_for_each(|receipt| receipt.wait())?;
    }
    Ok(journal)
}
