//! All that can be read of a journal as JSON, a line each. Keeps nothing in memory but what one read gives.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tidegate_journal::disk::{LogReport, Store, Stored, export};
use tidegate_journal::{Cuts, Entry};
use tidegate_message::Class;

/// One line.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    /// What follows is of this log.
    Log {
        log: &'a str,
        epoch: String,
        floor: u64,
        tail: u64,
        entries: u64,
        bytes: u64,
    },
    Entry {
        log: &'a str,
        first: u64,
        last: u64,
        at_ms: u64,
        class: Class,
        /// How many bytes of the body each seq has, where texts were merged.
        #[serde(skip_serializing_if = "Option::is_none")]
        lengths: Option<Vec<u64>>,
        /// The last value, which replaced those of the seqs before.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        latest: bool,
        /// The body, if it is UTF-8.
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<&'a str>,
        /// The body, if it is not.
        #[serde(skip_serializing_if = "Option::is_none")]
        base64: Option<String>,
    },
    Lost {
        log: &'a str,
        from: u64,
        to: u64,
    },
}

/// Writes all logs, or the one of this name; says how many.
pub(super) fn write(
    store: &dyn Store,
    name: Option<&str>,
    out: &mut dyn Write,
) -> Result<u64, String> {
    let (mut shown, mut written) = (0, Ok(()));
    let exported = export(store, &mut |log, item| {
        if written.is_err() || name.is_some_and(|name| name != log.name.as_str()) {
            return;
        }
        shown += u64::from(item.is_none());
        written = serde_json::to_writer(&mut *out, &line(log, item))
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"));
    });
    match written {
        // A reader that has seen enough, such as `head`, is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(shown),
        Err(error) => Err(error.to_string()),
        Ok(()) => exported
            .map(|()| shown)
            .map_err(|error| format!("what could be read was written, and it is not all: {error}")),
    }
}

fn line<'a>(log: &'a LogReport, item: Option<&'a Stored>) -> Line<'a> {
    let name = log.name.as_str();
    match item {
        None => Line::Log {
            log: name,
            epoch: log.epoch.to_string(),
            floor: log.floor,
            tail: log.next.saturating_sub(1),
            entries: log.entries,
            bytes: log.bytes,
        },
        Some(Stored::Lost(lost)) => Line::Lost { log: name, from: lost.from, to: lost.to },
        Some(Stored::Entry(entry)) => self::entry(name, entry),
    }
}

fn entry<'a>(log: &'a str, entry: &'a Entry) -> Line<'a> {
    let body = std::str::from_utf8(&entry.body).ok();
    Line::Entry {
        log,
        first: entry.first,
        last: entry.last,
        at_ms: entry.at_ms,
        class: entry.class,
        lengths: match &entry.cuts {
            Cuts::Text(lengths) => Some(lengths.iter().collect()),
            Cuts::Whole | Cuts::Latest => None,
        },
        latest: matches!(entry.cuts, Cuts::Latest),
        body,
        base64: if body.is_none() { Some(STANDARD.encode(&entry.body)) } else { None },
    }
}
