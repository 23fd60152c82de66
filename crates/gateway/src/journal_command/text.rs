//! What a person reads: the list of logs, what is wrong, what to do, what a repair did.

use std::fmt::Write as _;
use std::path::Path;

use tidegate_journal::Lost;
use tidegate_journal::disk::{LogReport, Repaired, Report};

use super::found::Seen;
use crate::remote::figures::size;
use crate::remote::table::{printable, table};

/// So many ranges are shown of what a log lost.
const SHOWN: usize = 3;

/// One row for each log, and the sum.
pub(super) fn logs(seen: &Seen) -> String {
    let heads = ["LOG", "EPOCH", "FLOOR", "TAIL", "ENTRIES", "BYTES", "LOST"];
    let rows: Vec<_> = seen.logs.iter().map(row).collect();
    let mut text = if rows.is_empty() { String::new() } else { table(heads, &rows) };
    text.push_str(&sum(&seen.report));
    text
}

fn row(log: &LogReport) -> [String; 7] {
    [
        log.name.to_string(),
        log.epoch.to_string(),
        log.floor.to_string(),
        log.next.saturating_sub(1).to_string(),
        log.entries.to_string(),
        size(log.bytes),
        ranges(&log.lost),
    ]
}

fn ranges(lost: &[Lost]) -> String {
    let shown = lost.iter().take(SHOWN).map(|lost| format!("{}-{}", lost.from, lost.to));
    let mut texts: Vec<_> = shown.collect();
    match lost.len().checked_sub(SHOWN) {
        Some(more @ 1..) => texts.push(format!("and {more} more")),
        _ if lost.is_empty() => texts.push("-".to_owned()),
        _ => {}
    }
    texts.join(", ")
}

fn sum(report: &Report) -> String {
    let Report { logs, entries, bytes, lost, .. } = report;
    let plural = |count: u64, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let mut text = format!(
        "{}, {}, {}; {} lost\n",
        plural(*logs, "log", "logs"),
        plural(*entries, "entry", "entries"),
        size(*bytes),
        plural(*lost, "seq", "seqs")
    );
    if report.ordinal.is_some() && !report.clean {
        text.push_str(
            "it was not closed in good order: of each log that was written to, the seqs that were reserved and not \
             used are lost behind its last entry; readers are told\n",
        );
    }
    text
}

/// Whether all is well; else what is wrong and what to do.
pub(super) fn verdict(directory: &Path, seen: &Seen) -> String {
    let mut text = sum(&seen.report);
    if seen.is_well() {
        text.push_str("nothing is wrong\n");
        return text;
    }
    text.push_str("\nwrong:\n");
    for sentence in wrong(seen) {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "- {}", printable(&sentence));
    }
    text.push_str("\nwhat to do:\n");
    match &seen.refusal {
        Some(_) => text.push_str("- no gateway starts with this directory as it is\n"),
        None => text.push_str(
            "- a gateway starts with this directory as it is, and tells readers which seqs are lost\n",
        ),
    }
    text.push_str(&advice(directory));
    text
}

/// What to do about a store that does not even open.
pub(super) fn does_not_open(directory: &Path, why: &str) -> String {
    let why = printable(why);
    format!(
        "wrong:\n- the storage engine does not open or read its files: {why}\n\nwhat to do:\n\
         - no gateway starts with this directory as it is\n{}",
        advice(directory)
    )
}

fn advice(directory: &Path) -> String {
    let shown = directory.display();
    format!(
        "- keep a copy of {shown}, then: tidegate journal verify --repair {shown}\n\
         - where a backup is better than what is left: restore all of the directory, never a part, remove its file \
         `mark`, and repair; all logs get new epochs then, so that no reader takes an old position for a new one\n"
    )
}

fn wrong(seen: &Seen) -> Vec<String> {
    let report = &seen.report;
    let mut said = Vec::new();
    match (report.ordinal, report.mark) {
        (None, _) => said.push("the row of the last commit is gone or damaged".to_owned()),
        (_, None) => said.push("the mark of what was synced is gone or damaged".to_owned()),
        (Some(ordinal), Some(mark)) if ordinal < mark => said
            .push(format!("commits are gone: the store ends at {ordinal}, and {mark} was synced")),
        _ => {}
    }
    if !report.heads_match {
        said.push("the logs are not those of the last commit".to_owned());
    }
    for name in &report.damaged_heads {
        said.push(format!("the head of the log {name:?} is damaged"));
    }
    for log in seen.logs.iter().filter(|log| log.damaged > 0) {
        let LogReport { name, damaged, lost, .. } = log;
        said.push(format!(
            "{damaged} rows of the log {name} are not what was written there; lost: {}",
            ranges(lost)
        ));
    }
    if report.orphans > 0 {
        said.push(format!("{} rows belong to no log", report.orphans));
    }
    said.extend(report.unreadable.iter().map(|what| format!("cannot be read: {what}")));
    if let (true, Some(refusal)) = (said.is_empty(), &seen.refusal) {
        said.push(refusal.clone());
    }
    said
}

/// What a repair did.
pub(super) fn repaired(repaired: &Repaired) -> String {
    let mut text = "repaired\n".to_owned();
    let mut say = |sentence: String| _ = writeln!(text, "- {}", printable(&sentence));
    if let Some(mark) = repaired.mark.filter(|mark| *mark > repaired.ordinal) {
        say(format!("the commits {} to {mark} are gone", repaired.ordinal + 1));
    }
    for name in &repaired.damaged_heads {
        say(format!("the log {name:?} is gone: its head was damaged"));
    }
    if repaired.damaged > 0 {
        say(format!("{} rows were not what was written there, and are gone", repaired.damaged));
    }
    if repaired.orphans > 0 {
        say(format!("{} rows belonged to no log, and are gone", repaired.orphans));
    }
    if repaired.logs.is_empty() {
        say("no log is left".to_owned());
    } else if repaired.new_epochs {
        say("all logs have new epochs: readers begin anew".to_owned());
    } else {
        say("the logs keep their epochs: readers go on, and are told which seqs are lost"
            .to_owned());
    }
    for log in repaired.logs.iter().filter(|log| !log.lost.is_empty()) {
        say(format!("lost in {}: {}", log.name, ranges(&log.lost)));
    }
    if let Some(path) = &repaired.set_aside {
        say(format!("the store as it was lies in {}", path.display()));
    }
    text.push('\n');
    text
}
