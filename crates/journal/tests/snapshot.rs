//! A snapshot is the merged text from the first seq to the last, wherever it is: in memory, on the disk, or in part.
#![cfg(feature = "disk")]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use support::sim::Disk;
use tidegate_journal::disk::{Keeper, Options};
use tidegate_journal::{
    Append, Cuts, Durability, Entry, Journal, LastValue, Limits, LogName, Mergeable, ReadError,
    Retention, Snapshot, Text,
};

const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: 64 << 20 };
const ALL: Retention = Retention { entries: u32::MAX, bytes: u64::MAX, ..Retention::RUN };

fn open(disk: &Disk, max_bytes: usize) -> Journal {
    let (store, mark) = disk.open();
    let (keeper, _) = Keeper::open(store, mark, OPTIONS).unwrap();
    let limits = Limits { max_bytes, retention: ALL, ..Limits::default() };
    Journal::with_keeper(keeper, limits, || 1)
}

fn log() -> LogName {
    "run:1".parse().unwrap()
}

/// Tokens at all durabilities in turn; answers their text.
fn tokens(journal: &Journal, count: u64) -> String {
    let text = Mergeable::by(Text::new("answer"));
    let mut written = String::new();
    for number in 0..count {
        let token = format!("wörd{number} ");
        written.push_str(&token);
        let durability = match number % 50 {
            7 => Durability::Fsync,
            11 | 12 => Durability::Os,
            _ => Durability::Memory,
        };
        let append = Append::new(token).merge(text.clone()).durability(durability);
        let receipt = journal.append(&log(), append, number).unwrap().receipt;
        // Some wait, and others go on behind what is not readable yet.
        if number % 3 == 0 {
            receipt.wait().unwrap();
        }
    }
    settled(journal, &text);
    written
}

/// Waits for all of it, and appends nothing to it.
fn settled(journal: &Journal, text: &Mergeable) {
    let last = Append::new("").merge(text.clone()).durability(Durability::Fsync);
    journal.append(&log(), last, u64::MAX >> 1).unwrap().receipt.wait().unwrap();
}

fn one(snapshot: Snapshot) -> Entry {
    assert_eq!(snapshot.entries.len(), 1, "it is one text");
    snapshot.entries.into_iter().next().unwrap()
}

#[test]
fn text_is_one_entry_wherever_its_parts_are() {
    for (max_bytes, in_memory) in [(64 << 20, true), (96 << 10, false)] {
        let disk = Disk::new();
        let journal = open(&disk, max_bytes);
        let written = tokens(&journal, 20_000);
        let snapshot = journal.snapshot(&log(), 0).unwrap();
        assert_eq!((snapshot.last, snapshot.ended), (20_001, false));
        let entry = one(snapshot);
        assert_eq!((entry.first, entry.last), (1, 20_001));
        assert!(entry.is_sound() && entry.body == written.as_bytes());
        // It is cut like any other.
        let rest = entry.after(19_999).unwrap();
        assert_eq!(&rest.body[..], "wörd19999 ".as_bytes());
        assert_eq!(journal.stats().gave_way_bytes, 0);
        assert_eq!(journal.stats().bytes > 200_000, in_memory);
        journal.close().unwrap();
        // And after a restart, when all of it is on the disk.
        let journal = open(&disk, max_bytes);
        assert!(journal.stats().bytes < 1_000);
        assert_eq!(one(journal.snapshot(&log(), 0).unwrap()), entry);
        journal.close().unwrap();
    }
}

#[test]
fn of_equal_keys_only_the_last_value_is_in_it() {
    let disk = Disk::new();
    let journal = open(&disk, 1 << 20);
    for (number, durability) in
        [Durability::Fsync, Durability::Memory].iter().cycle().take(9).enumerate()
    {
        let value = Append::new(number.to_string()).merge(Mergeable::by(LastValue::new("cursor")));
        let appended = journal.append(&log(), value.durability(*durability), 0).unwrap();
        appended.receipt.wait().unwrap();
    }
    let entry = one(journal.snapshot(&log(), 0).unwrap());
    assert_eq!(
        (entry.first, entry.last, &entry.body[..], &entry.cuts),
        (1, 9, &b"8"[..], &Cuts::Latest)
    );
    journal.close().unwrap();
    let journal = open(&disk, 1 << 20);
    assert_eq!(one(journal.snapshot(&log(), 0).unwrap()), entry);
    journal.close().unwrap();
}

#[test]
fn what_does_not_belong_together_stays_apart() {
    let disk = Disk::new();
    let journal = open(&disk, 1 << 20);
    let put = |body: &'static str, merge: &Mergeable| {
        let append = Append::new(body).merge(merge.clone()).durability(Durability::Os);
        journal.append(&log(), append, 0).unwrap().receipt.wait().unwrap();
    };
    let (a, b) = (Mergeable::by(Text::new("a")), Mergeable::by(Text::new("b")));
    let value = Mergeable::by(LastValue::new("a"));
    for (body, merge) in [
        ("a", &a),
        ("a", &a),
        ("b", &b),
        ("a", &a),
        ("1", &value),
        ("2", &value),
        ("a", &a),
        ("-", &Mergeable::NEVER),
        ("-", &Mergeable::NEVER),
        ("a", &a),
        ("a", &a),
    ] {
        put(body, merge);
    }
    let check = |journal: &Journal| {
        let snapshot = journal.snapshot(&log(), 0).unwrap();
        let bodies: Vec<_> = snapshot.entries.iter().map(|entry| &entry.body[..]).collect();
        assert_eq!(bodies, [&b"aa"[..], b"b", b"a", b"2", b"a", b"-", b"-", b"aa"]);
    };
    check(&journal);
    journal.close().unwrap();
    let journal = open(&disk, 1 << 20);
    check(&journal);
    journal.close().unwrap();
}

#[test]
fn text_that_goes_on_after_a_restart_is_an_entry_of_its_own() {
    let disk = Disk::new();
    let mut written = Vec::new();
    for _ in 0..2 {
        let journal = open(&disk, 1 << 20);
        written.push(tokens(&journal, 100));
        journal.close().unwrap();
    }
    let journal = open(&disk, 1 << 20);
    let snapshot = journal.snapshot(&log(), 0).unwrap();
    assert!(
        snapshot
            .entries
            .iter()
            .map(|entry| &entry.body[..])
            .eq(written.iter().map(String::as_bytes))
    );
    journal.close().unwrap();
}

#[test]
fn what_is_gone_or_lost_is_said() {
    let disk = Disk::new();
    let journal = open(&disk, 1 << 20);
    let _ = tokens(&journal, 100);
    disk.crash(support::sim::Crash::Process, &mut support::dice::Dice::new(1));
    let journal = open(&disk, 1 << 20);
    assert!(
        matches!(journal.snapshot(&log(), 0), Err(ReadError::Lost { lost }) if lost.from == 102)
    );
    let short = Retention { entries: 10, ..ALL };
    let _ = journal.open_log(&log(), Some(short), 0).unwrap();
    let _ = journal.append(&log(), Append::new("x"), 0).unwrap();
    assert!(matches!(journal.snapshot(&log(), 0), Err(ReadError::BelowFloor { .. })));
    journal.close().unwrap();
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_task_gets_what_a_thread_gets_and_its_runtime_goes_on_meanwhile() {
    let (disk, log) = (Disk::new(), log());
    let journal = open(&disk, 96 << 10);
    let _ = tokens(&journal, 20_000);
    let start = tidegate_journal::Position { seq: 0, ..journal.tail(&log).unwrap() };
    // The runtime has one thread: what is read from the disk must be read by another.
    let before = journal.snapshot(&log, 0);
    let (snapshot, others) = tokio::join!(biased; journal.snapshot_async(&log, 0), async { 17 });
    assert_eq!((snapshot, others), (before, 17));
    for seq in [0, 1, 10_000, 20_000, 20_001] {
        let after = tidegate_journal::Position { seq, ..start };
        let read = journal.read(&log, after, 5_000, 0);
        assert_eq!(journal.read_async(&log, after, 5_000, 0).await, read);
    }
    // One that is given up has changed nothing.
    {
        let mut given_up = std::pin::pin!(journal.snapshot_async(&log, 0));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(given_up.as_mut().poll(&mut context).is_pending(), "it waits for another thread");
    }
    assert_eq!(
        journal.read_async(&"none".parse().unwrap(), start, 1, 0).await,
        Err(ReadError::Unknown)
    );
    journal.close().unwrap();
    // What a restart left on the disk alone is found by another thread, too.
    let journal = open(&disk, 96 << 10);
    let read = journal.read_async(&log, start, 5_000, 0).await.unwrap();
    assert_eq!(read.items.first().map(tidegate_journal::Item::first), Some(1));
    journal.close().unwrap();
}
