//! Many logs by their names: bad input, lives, the budget they share.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_journal::{
    Append, AppendError, Batch, Epoch, IdempotencyKey, Journal, Limits, LogName, Position,
    ReadError, Retention,
};

fn journal(limits: Limits) -> Journal {
    let epochs = AtomicU64::new(1);
    Journal::in_memory(limits, move || epochs.fetch_add(1, Ordering::Relaxed))
}

fn name(text: &str) -> LogName {
    text.parse().unwrap()
}

fn put(journal: &Journal, log: &str, bytes: usize, now_ms: u64) -> Result<u64, AppendError> {
    let append = Append::new(vec![b'x'; bytes]);
    journal.append(&name(log), append, now_ms).map(|appended| appended.position.seq)
}

fn all(journal: &Journal, log: &str, now_ms: u64) -> Batch {
    let floor = journal.floor(&name(log)).unwrap();
    journal.read(&name(log), floor, usize::MAX, now_ms).unwrap()
}

#[test]
fn a_name_is_checked_once() {
    for wrong in ["", "a\nb", &"x".repeat(256)] {
        assert!(wrong.parse::<LogName>().is_err());
    }
    assert!("x".repeat(255).parse::<LogName>().is_ok());
}

#[test]
fn positions_that_cannot_be_are_refused_with_what_would_be_right() {
    let journal = journal(Limits {
        retention: Retention { entries: 1, ..Retention::RUN },
        ..Limits::default()
    });
    let log = name("a");
    let start = Position { epoch: Epoch(1), seq: 0 };
    assert_eq!(journal.read(&log, start, 1, 0), Err(ReadError::Unknown));
    put(&journal, "a", 1, 0).unwrap();
    put(&journal, "a", 1, 0).unwrap();
    let read =
        |epoch, seq| journal.read(&log, Position { epoch: Epoch(epoch), seq }, 1, 0).unwrap_err();
    assert_eq!(read(2, 0), ReadError::OtherEpoch { have: Epoch(1) });
    assert_eq!(read(1, 3), ReadError::Future { tail: 2 });
    assert_eq!(read(1, 0), ReadError::BelowFloor { floor: 1 });
    assert_eq!(
        read(2, 0).to_string(),
        "the log has the epoch 0000000000001 now: read it from 0000000000001-0"
    );
    assert_eq!(journal.snapshot(&log, 0), Err(ReadError::BelowFloor { floor: 1 }));
}

#[test]
fn entries_over_a_limit_are_refused_with_the_limit() {
    let journal = journal(Limits { max_entry_bytes: 10, max_bytes: 2_000, ..Limits::default() });
    assert_eq!(put(&journal, "a", 11, 0), Err(AppendError::TooLarge { bytes: 11, max_bytes: 10 }));
    assert_eq!(put(&journal, "a", 10, 0), Ok(1));
    let tiny = Limits { max_bytes: 1_000, ..Limits::default() };
    let too_small = AppendError::BudgetTooSmall { bytes: 1_256, max_bytes: 1_000 };
    assert_eq!(put(&self::journal(tiny), "a", 1_000, 0), Err(too_small));
}

#[test]
fn a_key_is_known_to_its_log_alone() {
    let journal = journal(Limits::default());
    let append = |log: &str, body: &'static str| {
        journal.append(&name(log), Append::new(body).key(IdempotencyKey::new("shop", "1")), 0)
    };
    assert!(!append("a", "one").unwrap().repeat);
    assert!(append("a", "one").unwrap().repeat);
    assert!(!append("b", "two").unwrap().repeat);
    let first = Position { epoch: Epoch(1), seq: 1 };
    assert_eq!(append("a", "two").map(|_| ()), Err(AppendError::KeyReused { first }));
}

#[test]
fn a_log_that_is_cleared_or_removed_has_another_epoch() {
    let journal = journal(Limits::default());
    put(&journal, "a", 1, 0).unwrap();
    let old = journal.tail(&name("a")).unwrap();
    let new = journal.clear(&name("a"), 0).unwrap();
    assert_eq!((new.seq, old.epoch == new.epoch), (0, false));
    assert_eq!(journal.read(&name("a"), old, 1, 0), Err(ReadError::OtherEpoch { have: new.epoch }));
    journal.remove(&name("a")).unwrap();
    assert_eq!(journal.remove(&name("a")), Err(ReadError::Unknown));
    assert_eq!(put(&journal, "a", 1, 0), Ok(1));
}

#[test]
fn an_ended_log_is_kept_for_its_time_and_then_gone() {
    let journal = journal(Limits::default());
    put(&journal, "a", 1, 0).unwrap();
    journal.end(&name("a"), 1_000).unwrap();
    assert_eq!(put(&journal, "a", 1, 1_000), Err(AppendError::Ended));
    assert_eq!(journal.sweep(600_999).removed, 0);
    assert!(all(&journal, "a", 600_999).ended);
    assert_eq!(journal.sweep(601_000).removed, 1);
    assert_eq!(journal.tail(&name("a")), Err(ReadError::Unknown));
    assert_eq!(journal.stats().bytes, 0);
}

#[test]
fn a_log_that_nobody_uses_is_forgotten_when_it_is_empty() {
    let limits =
        Limits { retention: Retention { age_ms: 10, ..Retention::INBOX }, ..Limits::default() };
    let journal = journal(Limits { idle_ms: 1_000, ..limits });
    put(&journal, "a", 1, 0).unwrap();
    assert_eq!(journal.sweep(999).removed, 0);
    assert_eq!(journal.sweep(1_000).removed, 1);
    assert_eq!(
        journal.stats(),
        tidegate_journal::Stats { max_bytes: 256 << 20, ..Default::default() }
    );
}

#[test]
fn a_retention_of_its_own_is_kept() {
    let journal = journal(Limits::default());
    let two = Retention { entries: 2, ..Retention::RUN };
    let _ = journal.open_log(&name("a"), Some(two), 0).unwrap();
    for _ in 0..3 {
        put(&journal, "a", 1, 0).unwrap();
        put(&journal, "b", 1, 0).unwrap();
    }
    let _ = journal.open_log(&name("a"), None, 0).unwrap();
    let _ = journal.open_log(&name("b"), Some(two), 0).unwrap();
    for log in ["a", "b"] {
        assert_eq!(journal.floor(&name(log)).map(|floor| floor.seq), Ok(1), "{log}");
    }
}

#[test]
fn the_largest_log_gives_way_and_the_small_ones_keep_what_they_have() {
    let journal = journal(Limits { max_bytes: 1 << 20, ..Limits::default() });
    for number in 0..50 {
        put(&journal, &format!("small:{number}"), 1_000, 0).unwrap();
    }
    for _ in 0..5_000 {
        put(&journal, "large", 1_000, 0).unwrap();
    }
    for number in 0..50 {
        assert_eq!(all(&journal, &format!("small:{number}"), 0).items.len(), 1);
    }
    let floor = journal.floor(&name("large")).unwrap().seq;
    assert!((4_000..5_000).contains(&floor), "{floor}");
    let stats = journal.stats();
    assert!(
        stats.bytes <= stats.max_bytes + 16 * 1_024 && stats.gave_way_bytes > 3_000_000,
        "{stats:?}"
    );
}

#[test]
fn of_equally_large_logs_the_one_that_nobody_reads_gives_way() {
    let journal = journal(Limits { max_bytes: 1 << 20, ..Limits::default() });
    for log in ["read", "unread"] {
        for _ in 0..300 {
            put(&journal, log, 1_000, 0).unwrap();
        }
    }
    let _ = all(&journal, "read", 1_000_000);
    for _ in 0..500 {
        put(&journal, "new", 1_000, 1_000_000).unwrap();
    }
    assert_eq!(journal.floor(&name("read")).unwrap().seq, 0);
    assert!(journal.floor(&name("unread")).unwrap().seq > 0);
}

#[test]
fn what_readers_hold_counts_until_they_let_go() {
    let journal = journal(Limits { max_bytes: 100_000, ..Limits::default() });
    let mut held = Vec::new();
    let refused = loop {
        if let Err(refused) = put(&journal, "a", 4_000, 0) {
            break refused;
        }
        held.push(all(&journal, "a", 0));
        assert!(held.len() < 100);
    };
    assert!(matches!(refused, AppendError::OverBudget { max_bytes: 100_000, .. }), "{refused}");
    held.clear();
    put(&journal, "a", 4_000, 0).unwrap();
}

#[test]
fn what_else_is_counted_leaves_the_logs_less() {
    let journal = journal(Limits { max_bytes: 100_000, ..Limits::default() });
    let other = journal.budget().own(vec![0; 99_000].into());
    assert!(matches!(put(&journal, "a", 4_000, 0), Err(AppendError::OverBudget { .. })));
    drop(other);
    assert_eq!(put(&journal, "a", 4_000, 0), Ok(1));
}

#[test]
fn a_sweep_makes_room_before_an_append_must() {
    let journal = journal(Limits { max_bytes: 1_000_000, ..Limits::default() });
    for _ in 0..960 {
        put(&journal, "a", 1_000, 0).unwrap();
    }
    assert!(journal.stats().bytes > 937_500);
    let _ = journal.sweep(1);
    assert!(journal.stats().bytes <= 875_000);
}

#[test]
fn threads_append_to_logs_without_losing_a_seq() {
    let journal = journal(Limits::default());
    let seen = Arc::new(AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (journal, seen) = (journal.clone(), Arc::clone(&seen));
            scope.spawn(move || {
                for number in 0..2_000 {
                    let log = format!("log:{}", (number + thread) % 3);
                    seen.fetch_add(put(&journal, &log, 10, 0).unwrap(), Ordering::Relaxed);
                }
            });
        }
    });
    let sums = (0..3).map(|log| {
        let tail = journal.tail(&name(&format!("log:{log}"))).unwrap().seq;
        assert_eq!(all(&journal, &format!("log:{log}"), 0).items.len() as u64, tail);
        (tail, tail * (tail + 1) / 2)
    });
    let (tails, sum) = sums.fold((0, 0), |(tails, sums), (tail, sum)| (tails + tail, sums + sum));
    assert_eq!((tails, seen.load(Ordering::Relaxed)), (8_000, sum));
}
