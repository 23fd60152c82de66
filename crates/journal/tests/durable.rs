//! A journal on a disk: what readers get when, what is there after a restart, and what memory need not have.
#![cfg(feature = "disk")]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use support::folder::Folder;
use support::sim::Disk;
use tidegate_journal::disk::{Keeper, Options, StoreError};
use tidegate_journal::{
    Append, AppendError, Durability, Entry, IdempotencyKey, Item, Journal, Limits, LogName,
    Mergeable, Position, ReadError, Retention, Text,
};
use tidegate_message::Class;

const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: 64 << 20 };

fn name(text: &str) -> LogName {
    text.parse().unwrap()
}

fn open(folder: &Folder, limits: Limits) -> Journal {
    let epochs = std::sync::atomic::AtomicU64::new(1);
    let next = move || epochs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Journal::open(folder.path(), limits, OPTIONS, next).unwrap().0
}

/// Reads all from a position on, however often it takes: the bodies behind each seq's end.
fn read_all(journal: &Journal, log: &LogName, from: Position) -> (Vec<u8>, u64) {
    let (mut bytes, mut at) = (Vec::new(), from);
    loop {
        let batch = journal.read(log, at, 10_000, 1).unwrap();
        let Some(last) = batch.last() else {
            assert_eq!(batch.tail, at.seq);
            return (bytes, at.seq);
        };
        for item in &batch.items {
            assert_eq!(item.first(), at.seq + 1);
            at.seq = item.last();
            let Item::Entry(entry) = item else { panic!("{item:?}") };
            bytes.extend_from_slice(&entry.body);
        }
        assert_eq!(at.seq, last);
    }
}

#[test]
fn a_log_goes_on_after_a_restart_with_its_epoch_its_keys_and_its_end() {
    let folder = Folder::in_memory("restart");
    let log = name("run:1");
    let keyed = |body: &'static str| {
        Append::new(body).key(IdempotencyKey::new("shop", "1")).durability(Durability::Fsync)
    };
    let start = {
        let journal = open(&folder, Limits::default());
        let start = journal.open_log(&log, None, 0).unwrap();
        for durability in [Durability::Memory, Durability::Os, Durability::Fsync] {
            let append = Append::new("ab").durability(durability);
            journal.append(&log, append, 0).unwrap().receipt.wait().unwrap();
        }
        journal.append(&log, keyed("cd"), 0).unwrap().receipt.wait().unwrap();
        journal.close().unwrap();
        assert_eq!(
            journal.append(&log, keyed("ef"), 0).map(|_| ()).unwrap_err(),
            AppendError::Store(StoreError::Closed)
        );
        start
    };
    {
        let journal = open(&folder, Limits::default());
        assert_eq!(journal.tail(&log), Ok(Position { seq: 4, ..start }));
        assert_eq!(read_all(&journal, &log, start), (b"abababcd".to_vec(), 4));
        let again = journal.append(&log, keyed("cd"), 1).unwrap();
        assert_eq!((again.position.seq, again.repeat), (4, true));
        let first = Position { seq: 4, ..start };
        assert_eq!(
            journal.append(&log, keyed("x"), 1).map(|_| ()),
            Err(AppendError::KeyReused { first })
        );
        journal.end(&log, 10).unwrap();
        let snapshot = journal.snapshot(&log, 10).unwrap();
        assert_eq!((snapshot.last, snapshot.ended), (4, true));
        journal.close().unwrap();
    }
    let journal = open(&folder, Limits::default());
    assert_eq!(journal.append(&log, Append::new("x"), 11).map(|_| ()), Err(AppendError::Ended));
    assert!(journal.read(&log, Position { seq: 4, ..start }, 1, 11).unwrap().ended);
    // Its time is over: it goes from the disk as well.
    assert_eq!(journal.sweep(600_010).removed, 1);
    assert_eq!(journal.tail(&log), Err(ReadError::Unknown));
    journal.close().unwrap();
}

#[test]
fn readers_get_nothing_before_it_has_come_as_far_as_was_asked_for() {
    let disk = Disk::new();
    let (store, mark) = disk.open();
    let (keeper, mut writer, _) = Keeper::with_writer(store, mark, OPTIONS).unwrap();
    let journal = Journal::with_keeper(keeper, Limits::default(), || 1);
    let log = name("a");
    let start = std::thread::scope(|scope| {
        let made = scope.spawn(|| journal.open_log(&log, None, 0).unwrap());
        while !made.is_finished() {
            writer.step();
        }
        made.join().unwrap()
    });
    let mut reader = journal.reader(&log, start).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut next = |reader: &mut tidegate_journal::Reader| match pin!(reader.next(99))
        .poll(&mut context)
    {
        Poll::Pending => Vec::new(),
        Poll::Ready(batch) => batch.unwrap().entries().map(|entry| entry.body.to_vec()).collect(),
    };
    let put = |body: &'static str, durability| {
        journal.append(&log, Append::new(body).durability(durability), 0).unwrap().receipt
    };
    // At once, as long as nothing is before it.
    put("a", Durability::Memory).wait().unwrap();
    assert_eq!(next(&mut reader), [b"a"]);
    drop(put("b", Durability::Fsync));
    put("c", Durability::Memory).wait().unwrap();
    assert!(next(&mut reader).is_empty());
    assert_eq!(journal.tail(&log).unwrap().seq, 1);
    // Nobody waits for the receipt any more, and readers get it all the same.
    while writer.step() {}
    assert_eq!(next(&mut reader), [b"b", b"c"]);
    // A repeat waits with the first.
    let keyed = || Append::new("d").key(IdempotencyKey::new("a", "1")).durability(Durability::Os);
    let first = journal.append(&log, keyed(), 0).unwrap();
    let mut again = journal.append(&log, keyed(), 0).unwrap();
    assert!(again.repeat && again.position == first.position);
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(&mut again.receipt).poll(&mut context).is_pending());
    while writer.step() {}
    assert_eq!(pin!(&mut again.receipt).poll(&mut context), Poll::Ready(Ok(())));
    first.receipt.wait().unwrap();
    // The writer stands still for good.
    std::mem::forget(journal);
}

#[test]
fn what_is_written_leaves_memory_and_is_read_from_the_disk() {
    let folder = Folder::in_memory("evict");
    let limits = Limits {
        max_bytes: 256 << 10,
        retention: Retention { bytes: u64::MAX, ..Retention::RUN },
        ..Limits::default()
    };
    let journal = open(&folder, limits);
    let log = name("run:1");
    let start = journal.open_log(&log, None, 0).unwrap();
    let text = Mergeable::by(Text::new("a"));
    let mut written = Vec::new();
    for number in 0..20_000_u64 {
        let body = format!("{number:0>100} ");
        written.extend_from_slice(body.as_bytes());
        let durability = if number % 100 == 99 { Durability::Os } else { Durability::Memory };
        let class = if number % 1_000 == 7 { Class::Critical } else { Class::Coalescible };
        let append = Append::new(body).merge(text.clone()).class(class).durability(durability);
        journal.append(&log, append, 0).unwrap().receipt.wait().unwrap();
    }
    assert!(journal.stats().bytes < 300 << 10, "{:?}", journal.stats());
    assert_eq!(journal.floor(&log).unwrap(), start);
    let (read, tail) = read_all(&journal, &log, start);
    assert_eq!((read == written, tail), (true, 20_000));
    for after in [1, 999, 10_007, 19_999] {
        let (read, _) = read_all(&journal, &log, Position { seq: after, ..start });
        assert!(read == written[after as usize * 101..], "behind {after}");
    }
    let snapshot = journal.snapshot(&log, 0).unwrap();
    let bodies: Vec<&[u8]> = snapshot.entries.iter().map(|entry| &entry.body[..]).collect();
    assert!(bodies.concat() == written);
    assert_eq!(bodies.len(), 41, "20 are critical, and between them is one text each");
    assert!(snapshot.entries.iter().all(Entry::is_sound));
    journal.close().unwrap();
}

#[test]
fn a_write_error_refuses_appends_until_it_is_reopened_and_loses_nothing() {
    let disk = Disk::new();
    let (store, mark) = disk.open();
    let (keeper, _) = Keeper::open(store, mark, OPTIONS).unwrap();
    let journal = Journal::with_keeper(keeper, Limits::default(), || 1);
    let log = name("a");
    let start = journal.open_log(&log, None, 0).unwrap();
    let put = |body: &'static str| {
        journal.append(&log, Append::new(body).durability(Durability::Fsync), 0)
    };
    put("a").unwrap().receipt.wait().unwrap();
    disk.fail_sync();
    let failed = put("b").unwrap();
    assert!(matches!(failed.receipt.wait(), Err(AppendError::Store(StoreError::Poisoned(_)))));
    assert!(matches!(put("c"), Err(AppendError::Store(StoreError::Poisoned(_)))));
    assert_eq!(read_all(&journal, &log, start), (b"a".to_vec(), 1));
    journal.reopen().unwrap();
    put("c").unwrap().receipt.wait().unwrap();
    assert_eq!(read_all(&journal, &log, start), (b"abc".to_vec(), 3));
}

#[test]
fn what_was_queued_when_a_write_failed_is_read_after_reopening_without_another_append() {
    let disk = Disk::new();
    let (store, mark) = disk.open();
    let (keeper, mut writer, _) = Keeper::with_writer(store, mark, OPTIONS).unwrap();
    let journal = Journal::with_keeper(keeper, Limits::default(), || 1);
    let log = name("a");
    let mut while_it_writes = |act: &(dyn Fn() + Sync)| {
        std::thread::scope(|scope| {
            let acting = scope.spawn(act);
            while !acting.is_finished() || writer.step() {
                writer.step();
            }
        });
    };
    while_it_writes(&|| assert!(journal.open_log(&log, None, 0).is_ok()));
    let start = journal.tail(&log).unwrap();
    let mut reader = journal.reader(&log, start).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(reader.next(9_000)).poll(&mut context).is_pending());
    // More than one commit takes: the first fails, and the rest stays in the queue.
    let receipts: Vec<_> = (0..700)
        .map(|number| {
            let durability = [Durability::Fsync, Durability::Os][number % 2];
            journal.append(&log, Append::new("x").durability(durability), 0).unwrap().receipt
        })
        .collect();
    disk.fail_commit(false);
    while_it_writes(&|| ());
    assert!(receipts.into_iter().all(|receipt| receipt.wait().is_err()));
    assert_eq!(journal.tail(&log), Ok(start));
    while_it_writes(&|| journal.reopen().unwrap());
    assert_eq!(journal.tail(&log).unwrap().seq, 700);
    let Poll::Ready(Ok(batch)) = pin!(reader.next(9_000)).poll(&mut context) else {
        panic!("what is written is read");
    };
    assert_eq!(batch.last(), Some(700));
    // The writer stands still for good.
    std::mem::forget((reader, journal));
}

#[test]
fn what_was_there_before_a_restart_goes_when_it_is_too_old() {
    let folder = Folder::in_memory("age");
    let limits =
        Limits { retention: Retention { age_ms: 1_000, ..Retention::INBOX }, ..Limits::default() };
    let log = name("user:1");
    {
        let journal = open(&folder, limits);
        for now_ms in [0, 100, 900] {
            let append = Append::new("x".repeat(20_000)).durability(Durability::Os);
            journal.append(&log, append, now_ms).unwrap().receipt.wait().unwrap();
        }
        journal.close().unwrap();
    }
    let journal = open(&folder, limits);
    assert_eq!(journal.floor(&log).unwrap().seq, 0);
    let _ = journal.sweep(1_099);
    assert_eq!(journal.floor(&log).unwrap().seq, 1);
    let _ = journal.sweep(1_900);
    assert_eq!(journal.floor(&log).unwrap().seq, 3);
    journal.close().unwrap();
}

#[test]
fn a_log_that_nobody_uses_leaves_memory_and_comes_back() {
    let folder = Folder::in_memory("idle");
    let journal = open(&folder, Limits { idle_ms: 1_000, ..Limits::default() });
    let log = name("user:1");
    let start = journal.open_log(&log, None, 0).unwrap();
    let put = |now_ms| {
        let append = Append::new("ab").durability(Durability::Fsync);
        journal.append(&log, append, now_ms).unwrap().receipt.wait().unwrap();
    };
    put(0);
    assert_eq!((journal.sweep(2_000).removed, journal.stats().logs), (1, 0));
    assert_eq!(read_all(&journal, &log, start), (b"ab".to_vec(), 1));
    put(2_000);
    assert_eq!(read_all(&journal, &log, start), (b"abab".to_vec(), 2));
    // Somebody waits: it stays.
    let reader = journal.reader(&log, start).unwrap();
    assert_eq!(journal.sweep(9_000).removed, 0);
    drop(reader);
    journal.close().unwrap();
}

#[test]
fn a_cleared_log_is_another_one_after_a_restart_too() {
    let folder = Folder::in_memory("clear");
    let log = name("a");
    let (old, new) = {
        let journal = open(&folder, Limits::default());
        let old = journal.open_log(&log, None, 0).unwrap();
        let append = Append::new("old").durability(Durability::Fsync);
        journal.append(&log, append, 0).unwrap().receipt.wait().unwrap();
        let new = journal.clear(&log, 0).unwrap();
        journal.close().unwrap();
        (old, new)
    };
    let journal = open(&folder, Limits::default());
    assert_eq!(journal.tail(&log), Ok(new));
    assert_eq!(journal.read(&log, old, 1, 0), Err(ReadError::OtherEpoch { have: new.epoch }));
    journal.remove(&log).unwrap();
    assert_eq!(journal.tail(&log), Err(ReadError::Unknown));
    journal.close().unwrap();
}

#[test]
fn keys_are_known_on_the_disk_for_their_window_alone() {
    let folder = Folder::in_memory("keys");
    let log = name("a");
    let keyed = |journal: &Journal, key: &str, now_ms| {
        let key = IdempotencyKey::new("shop", key);
        let append = Append::new("x").key(key).durability(Durability::Fsync);
        let appended = journal.append(&log, append, now_ms).unwrap();
        appended.receipt.wait().unwrap();
        appended.repeat
    };
    {
        let journal = open(&folder, Limits::default());
        assert!(!keyed(&journal, "old", 0));
        assert!(!keyed(&journal, "new", 500_000));
        let _ = journal.sweep(700_000);
        journal.close().unwrap();
    }
    {
        // An earlier time, so that only what is not there any more is not known.
        let journal = open(&folder, Limits::default());
        assert!(keyed(&journal, "new", 500_000));
        assert!(!keyed(&journal, "old", 500_000));
        journal.close().unwrap();
    }
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_reader_gets_what_is_only_on_the_disk_and_goes_on_in_memory() {
    let folder = Folder::in_memory("reader");
    let log = name("a");
    let limits = Limits { max_bytes: 128 << 10, ..Limits::default() };
    let journal = open(&folder, limits);
    let start = journal.open_log(&log, None, 0).unwrap();
    for number in 0..400 {
        let append = Append::new(vec![b'x'; 1_000]).durability(Durability::Os);
        journal.append(&log, append, number).unwrap().receipt.await.unwrap();
    }
    journal.end(&log, 400).unwrap();
    let mut reader = journal.reader(&log, start).unwrap();
    let mut bytes = 0;
    loop {
        let batch = reader.next(5_000).await.unwrap();
        if batch.items.is_empty() {
            break;
        }
        bytes += batch.entries().map(|entry| entry.body.len()).sum::<usize>();
    }
    assert_eq!((bytes, reader.position().seq), (400_000, 400));
    journal.close().unwrap();
}
