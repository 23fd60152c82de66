//! Logs that lie on the disk alone, because nobody has touched them since a start: time goes on for them, too.
#![cfg(feature = "disk")]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use support::dice::Dice;
use support::sim::{Crash, Disk};
use tidegate_journal::disk::{Keeper, LogReport, Options, verify};
use tidegate_journal::{
    Append, Durability, Epoch, IdempotencyKey, Journal, KeyWindow, Limits, LogName, Position,
    ReadError, Retention,
};

const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: 64 << 20 };
/// A second for each entry, ten for what nobody uses.
const LIMITS: Limits = Limits {
    max_bytes: 16 << 20,
    max_entry_bytes: 1 << 20,
    retention: Retention { age_ms: 1_000, ..Retention::INBOX },
    keys: KeyWindow { age_ms: 2_000, max_keys: 10 },
    idle_ms: 10_000,
};

fn name(text: &str) -> LogName {
    text.parse().unwrap()
}

fn open(disk: &Disk, limits: Limits, epoch: u64) -> Journal {
    let (store, mark) = disk.open();
    let (keeper, _) = Keeper::open(store, mark, OPTIONS).unwrap();
    Journal::with_keeper(keeper, limits, move || epoch)
}

fn put(journal: &Journal, log: &LogName, append: Append, now_ms: u64) {
    let append = append.durability(Durability::Fsync);
    journal.append(log, append, now_ms).unwrap().receipt.wait().unwrap();
}

/// Writes with one life of a journal.
fn written(limits: Limits, write: impl FnOnce(&Journal)) -> Disk {
    let disk = Disk::new();
    let journal = open(&disk, limits, 1);
    write(&journal);
    journal.close().unwrap();
    disk
}

/// What the disk has when nobody uses it.
fn reports(disk: &Disk) -> Vec<LogReport> {
    let (store, mark) = disk.open();
    let mut logs = Vec::new();
    assert!(verify(&store, &mark, &mut |log| logs.push(log.clone())).unwrap().is_whole());
    logs
}

#[test]
fn what_is_too_old_leaves_the_disk_although_nobody_touches_its_log() {
    let log = name("user:1");
    let disk = written(LIMITS, |journal| {
        for now_ms in [0, 100, 900] {
            put(journal, &log, Append::new("abc"), now_ms);
        }
    });
    for (now_ms, floor, entries) in [(999, 0, 3), (1_099, 1, 2), (1_899, 2, 1), (1_900, 3, 0)] {
        let journal = open(&disk, LIMITS, 2);
        let swept = journal.sweep(now_ms);
        assert_eq!((swept.on_disk, swept.removed, journal.stats().logs), (1, 0, 0));
        journal.close().unwrap();
        let reports = reports(&disk);
        assert_eq!((reports[0].floor, reports[0].entries), (floor, entries), "{reports:?}");
        assert_eq!((reports[0].next, reports[0].epoch), (4, Epoch(1)));
    }
}

#[test]
fn an_ended_log_is_gone_after_its_time_although_nobody_touches_it() {
    let limits = Limits { retention: Retention::RUN, ..LIMITS };
    let names: Vec<_> = (0..3_000).map(|number| name(&format!("run:{number}"))).collect();
    let disk = Disk::new();
    {
        let journal = open(&disk, limits, 1);
        for (number, log) in names.iter().enumerate() {
            let _ = journal.append(log, Append::new("abc"), 0).unwrap();
            if number != 1_234 {
                journal.end(log, 5).unwrap();
            }
        }
        journal.close().unwrap();
    }
    let journal = open(&disk, limits, 2);
    // Each is looked at once, a bounded number in one sweep; then none, as long as none can be due.
    let looked_at: Vec<_> = (0..5).map(|_| journal.sweep(600_004).on_disk).collect();
    assert_eq!(looked_at, [1_024, 1_024, 952, 0, 0]);
    let removed: Vec<_> = (0..4).map(|_| journal.sweep(600_005).removed).collect();
    assert_eq!((removed.iter().sum::<usize>(), removed[3]), (2_999, 0), "{removed:?}");
    assert_eq!(journal.stats().logs, 0);
    assert_eq!(journal.tail(&names[0]), Err(ReadError::Unknown));
    assert_eq!(journal.tail(&names[1_234]), Ok(Position { epoch: Epoch(1), seq: 1 }));
    journal.close().unwrap();
    let left: Vec<_> = reports(&disk).into_iter().map(|log| log.name).collect();
    assert_eq!(left, [names[1_234].clone()]);
}

#[test]
fn an_empty_log_is_forgotten_when_nobody_has_used_it_since_the_start() {
    let disk = written(LIMITS, |journal| {
        let _ = journal.open_log(&name("begun"), None, 0).unwrap();
        put(journal, &name("aged"), Append::new("abc"), 0);
        put(journal, &name("kept"), Append::new("abc"), 0);
        let forever = Retention { age_ms: u64::MAX, ..LIMITS.retention };
        let _ = journal.open_log(&name("kept"), Some(forever), 0).unwrap();
    });
    let journal = open(&disk, LIMITS, 2);
    assert_eq!(journal.sweep(5_000).removed, 0);
    assert_eq!(journal.sweep(14_999).removed, 0);
    // It was used: it stays for as long again.
    assert_eq!(journal.open_log(&name("begun"), None, 14_999).unwrap().epoch, Epoch(1));
    assert_eq!((journal.sweep(15_000).removed, journal.stats().logs), (1, 1));
    assert_eq!(journal.sweep(24_999).removed, 1);
    journal.close().unwrap();
    let left: Vec<_> = reports(&disk).into_iter().map(|log| log.name).collect();
    assert_eq!(left, [name("kept")]);
}

#[test]
fn what_is_lost_goes_when_all_that_was_there_before_the_start_is_too_old() {
    let disk = Disk::new();
    let log = name("user:1");
    {
        let journal = open(&disk, LIMITS, 1);
        put(&journal, &log, Append::new("abc"), 0);
        disk.crash(Crash::Process, &mut Dice::new(1));
    }
    let journal = open(&disk, LIMITS, 2);
    let start = Position { epoch: Epoch(1), seq: 0 };
    assert_eq!(journal.read(&log, start, 1_000, 500).unwrap().items.len(), 2);
    assert_eq!(journal.sweep(500).removed, 0);
    journal.close().unwrap();
    let journal = open(&disk, LIMITS, 3);
    assert_eq!(journal.sweep(1_000).removed, 0);
    assert_eq!(journal.sweep(2_000).removed, 0);
    // The epoch stays for as long as somebody may have use for it.
    let floor = journal.floor(&log).unwrap();
    assert_eq!((floor.epoch, floor), (Epoch(1), journal.tail(&log).unwrap()));
    assert_eq!(journal.sweep(12_000).removed, 1);
    journal.close().unwrap();
    assert_eq!(reports(&disk), []);
}

#[test]
fn keys_leave_the_disk_after_their_window_although_nobody_touches_their_log() {
    let log = name("a");
    let forever = Limits { retention: Retention { age_ms: u64::MAX, ..Retention::RUN }, ..LIMITS };
    let keyed = |key| Append::new("abc").key(IdempotencyKey::new("shop", key));
    let disk = written(forever, |journal| {
        put(journal, &log, keyed("1"), 0);
        put(journal, &log, keyed("2"), 900);
    });
    let keys = || {
        let mut keys = 0;
        disk.change_rows(|rows| {
            keys = rows
                .keys()
                .filter(|(space, _)| *space == tidegate_journal::disk::Space::Keys)
                .count();
        });
        keys
    };
    for (now_ms, left) in [(1_999, 2), (2_000, 1), (2_899, 1), (2_900, 0)] {
        let journal = open(&disk, forever, 2);
        assert_eq!(journal.sweep(now_ms).removed, 0);
        journal.close().unwrap();
        assert_eq!(keys(), left, "at {now_ms}");
    }
}

#[test]
fn what_is_too_old_is_not_read_after_a_restart_even_before_a_sweep() {
    let log = name("user:1");
    let disk = written(LIMITS, |journal| {
        for now_ms in [0, 100, 900] {
            put(journal, &log, Append::new("abc"), now_ms);
        }
    });
    let journal = open(&disk, LIMITS, 2);
    let start = Position { epoch: Epoch(1), seq: 0 };
    let below = Err(ReadError::BelowFloor { floor: 2 });
    assert_eq!(journal.read(&log, start, 1_000, 1_500), below);
    journal.close().unwrap();
}

#[test]
fn what_was_there_before_a_restart_counts_in_retention_by_bytes() {
    let log = name("run:1");
    let retention = Retention { bytes: 10_000, ..Retention::RUN };
    let limits = Limits { retention, ..LIMITS };
    let disk = written(limits, |journal| {
        (0..9).for_each(|_| put(journal, &log, Append::new("x".repeat(1_000)), 0));
    });
    let journal = open(&disk, limits, 2);
    let floor = || journal.floor(&log).unwrap().seq;
    put(&journal, &log, Append::new("x".repeat(1_000)), 0);
    assert_eq!(floor(), 0);
    put(&journal, &log, Append::new("x".repeat(2_500)), 0);
    assert_eq!(floor(), 3);
    put(&journal, &log, Append::new("x".repeat(9_000)), 0);
    assert_eq!(floor(), 10 + 1);
    journal.close().unwrap();
}

#[test]
fn much_that_was_there_before_a_restart_is_counted_in_a_few_pieces() {
    let log = name("run:1");
    let retention = Retention { bytes: 100_000, ..Retention::RUN };
    let limits = Limits { retention, ..LIMITS };
    let disk = written(limits, |journal| {
        for _ in 0..1_000 {
            let _ = journal.append(&log, Append::new("x".repeat(99)), 0).unwrap();
        }
    });
    let journal = open(&disk, limits, 2);
    for number in 0..100 {
        put(&journal, &log, Append::new("x".repeat(100)), 0);
        let kept = 1_000 + number + 1 - journal.floor(&log).unwrap().seq;
        assert!((900..=1_010).contains(&kept), "{kept} are kept");
    }
    journal.close().unwrap();
}
