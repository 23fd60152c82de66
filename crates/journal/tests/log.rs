//! One log: what readers get, what is merged, what goes, and what is said about it.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use bytes::Bytes;
use tidegate_journal::{
    Append, AppendError, Batch, Budget, Cuts, Entry, Epoch, Head, IdempotencyKey, Item, Join,
    LastValue, Log, Lost, Mergeable, Position, Read, ReadError, Retention, Text,
};
use tidegate_message::Class;

fn log(retention: Retention) -> Log {
    Log::new(Epoch(1), retention)
}

fn batch(log: &Log, after: u64, max_bytes: usize) -> Batch {
    match log.read(after, max_bytes) {
        Ok(Read::Batch(batch)) => batch,
        other => panic!("{other:?}"),
    }
}

fn bodies(batch: &Batch) -> Vec<(u64, u64, &str)> {
    let text = |entry: &'_ Entry| (entry.first, entry.last);
    batch
        .entries()
        .map(|entry| {
            let (first, last) = text(entry);
            (first, last, std::str::from_utf8(&entry.body).unwrap())
        })
        .collect()
}

fn put(log: &mut Log, body: &str, now_ms: u64) -> u64 {
    log.append(&Append::new(body.to_owned()), now_ms).unwrap().seq
}

#[test]
fn seqs_begin_at_one_and_have_no_gaps() {
    let mut log = log(Retention::RUN);
    assert_eq!((log.tail(), log.floor()), (0, 0));
    for seq in 1..=1_000 {
        assert_eq!(put(&mut log, "x", 0), seq);
    }
    let all = batch(&log, 0, usize::MAX);
    assert!(all.items.iter().zip(1..).all(|(item, seq)| (item.first(), item.last()) == (seq, seq)));
    assert_eq!((all.items.len(), all.tail), (1_000, 1_000));
}

#[test]
fn text_of_one_stream_is_one_entry_that_is_cut_where_the_reader_stands() {
    let mut log = log(Retention::RUN);
    let text = Mergeable::by(Text::new("a"));
    for token in ["Hé", "", "llo", " wörld"] {
        let placed = log.append(&Append::new(token).merge(text.clone()), 0).unwrap();
        assert_eq!(placed.join, if placed.seq == 1 { Join::No } else { Join::Concatenate });
    }
    let rest = ["Héllo wörld", "llo wörld", "llo wörld", " wörld"];
    for (after, rest) in (0..).zip(rest) {
        assert_eq!(bodies(&batch(&log, after, 1)), [(after + 1, 4, rest)]);
    }
    assert_eq!(
        batch(&log, 3, 1).entries().next().map(|entry| entry.cuts.clone()),
        Some(Cuts::Whole)
    );
    assert!(batch(&log, 4, 1).items.is_empty());
}

#[test]
fn of_equal_keys_the_last_value_counts_at_every_position() {
    let mut log = log(Retention::RUN);
    let price = Mergeable::by(LastValue::new("price"));
    for value in ["100", "99", "98.5"] {
        let _ = log.append(&Append::new(value).merge(price.clone()), 0).unwrap();
    }
    for after in 0..3 {
        assert_eq!(bodies(&batch(&log, after, 1)), [(after + 1, 3, "98.5")]);
    }
}

#[test]
fn only_what_belongs_together_is_merged() {
    let mut log = log(Retention::RUN);
    let [a, b] = ["a", "b"].map(|tag| Mergeable::by(Text::new(tag)));
    let value = Mergeable::by(LastValue::new("a"));
    let steps = [
        Append::new("1").merge(a.clone()),
        Append::new("2").merge(b.clone()),
        Append::new("3").merge(value.clone()),
        Append::new("4").merge(a.clone()),
        Append::new("5").merge(a.clone()).class(Class::Critical),
        Append::new("6").merge(a.clone()),
        Append::new("7"),
        Append::new("8"),
        Append::new("9").merge(a.clone()),
        Append::new("0").merge(a),
    ];
    for append in &steps {
        let _ = log.append(append, 0).unwrap();
    }
    let all = batch(&log, 0, usize::MAX);
    assert_eq!(all.items.len(), 9);
    assert_eq!(bodies(&all)[8], (9, 10, "90"));
}

#[test]
fn a_merged_entry_has_its_bounds_and_a_snapshot_puts_the_parts_together() {
    let mut log = log(Retention { bytes: u64::MAX, entries: u32::MAX, ..Retention::RUN });
    let text = Mergeable::by(Text::new("a"));
    let mut whole = String::new();
    for number in 0..40_000 {
        let token = format!("{number} ");
        whole += &token;
        let _ = log.append(&Append::new(token).merge(text.clone()), number).unwrap();
    }
    let event = Append::new("{}").class(Class::Critical);
    let _ = log.append(&event, 0).unwrap();
    let all = batch(&log, 0, usize::MAX);
    assert!(all.entries().all(|entry| entry.body.len() <= 64 * 1_024));
    assert!(all.items.len() > 3, "{}", all.items.len());
    let snapshot = log.snapshot().unwrap().unwrap();
    let [text, event] = &snapshot.entries[..] else { panic!("{}", snapshot.entries.len()) };
    assert_eq!((text.first, text.last, &text.body[..]), (1, 40_000, whole.as_bytes()));
    assert!(text.is_sound());
    assert_eq!((event.first, event.last), (40_001, 40_001));
    // It can be cut like any other.
    let rest = text.after(39_999).unwrap();
    assert_eq!(&rest.body[..], b"39999 ");
}

#[test]
fn large_bodies_have_memory_of_their_own_that_readers_share() {
    let mut log = log(Retention::RUN);
    let large = Bytes::from(vec![7; 100_000]);
    put(&mut log, "before", 0);
    let _ = log.append(&Append::new(large.clone()), 0).unwrap();
    put(&mut log, "after", 0);
    let all = batch(&log, 0, usize::MAX);
    let entries: Vec<_> = all.entries().collect();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[1].body, large);
    // What was given is not held on to: it may be a small part of something very large.
    assert!(large.is_unique());
    assert_eq!(batch(&log, 1, 0).entries().next().unwrap().body.as_ptr(), entries[1].body.as_ptr());
}

#[test]
fn large_and_small_bodies_keep_their_order_and_go_one_by_one() {
    let budget = Budget::new(usize::MAX);
    let head = Head::new(Epoch(1), Retention { bytes: 200_000, ..Retention::RUN });
    let mut log = Log::resume(&head, std::sync::Arc::clone(&budget));
    let size = |seq: u64| [10_000, 5_000, 7][seq as usize % 3] + seq as usize;
    for seq in 1..=100 {
        let _ = log.append(&Append::new(vec![seq as u8; size(seq)]), seq).unwrap();
        let kept: usize = (log.floor() + 1..=seq).map(size).sum();
        assert!(kept <= 200_000 && kept + size(log.floor()) > 200_000 || log.floor() == 0);
        for after in [log.floor(), (log.floor() + seq) / 2, seq - 1] {
            let read = batch(&log, after, usize::MAX);
            let mut seqs = after + 1..=seq;
            for entry in read.entries() {
                let seq = seqs.next().unwrap();
                assert_eq!((entry.first, entry.last, entry.at_ms), (seq, seq, seq));
                assert_eq!(entry.body, vec![seq as u8; size(seq)]);
            }
            assert_eq!(seqs.next(), None);
        }
    }
    // Part of a page leaves memory, and the rest of it stays.
    let (floor, before) = (log.floor(), budget.used());
    log.evict(floor + 7);
    assert_eq!(log.floor(), floor);
    assert!(before - budget.used() > 30_000);
    assert_eq!(log.read(floor, 1), Ok(Read::Older { up_to: floor + 7 }));
    assert_eq!(batch(&log, floor + 7, 1).items.first().map(Item::first), Some(floor + 8));
    log.trim(u64::MAX);
    let held = batch(&log, 99, usize::MAX);
    drop(log);
    assert_eq!(budget.used(), size(100));
    drop(held);
    assert_eq!(budget.used(), 0);
}

#[test]
fn large_bodies_count_until_the_last_of_several_readers_lets_go() {
    let budget = Budget::new(usize::MAX);
    let head = Head::new(Epoch(1), Retention::RUN);
    for _ in 0..50 {
        let mut log = Log::resume(&head, std::sync::Arc::clone(&budget));
        (0..20).for_each(|_| assert!(log.append(&Append::new(vec![1; 5_000]), 0).is_ok()));
        let readers: Vec<_> = (0..4).map(|_| batch(&log, 0, usize::MAX)).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| drop(log));
            readers.into_iter().for_each(|read| drop(scope.spawn(|| drop(read))));
        });
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn a_batch_stops_at_its_bytes_but_has_one_entry_at_least() {
    let mut log = log(Retention::RUN);
    for _ in 0..10 {
        put(&mut log, "0123456789", 0);
    }
    assert_eq!(batch(&log, 0, 0).items.len(), 1);
    assert_eq!(batch(&log, 0, 35).items.len(), 3);
    assert_eq!(batch(&log, 8, 35).items.len(), 2);
}

#[test]
fn what_is_over_the_number_goes_and_the_floor_says_so() {
    let mut log = log(Retention { entries: 3, ..Retention::RUN });
    for body in ["a", "b", "c", "d", "e"] {
        put(&mut log, body, 0);
    }
    assert_eq!(log.floor(), 2);
    assert_eq!(log.read(1, 1), Err(ReadError::BelowFloor { floor: 2 }));
    assert_eq!(bodies(&batch(&log, 2, 99)), [(3, 3, "c"), (4, 4, "d"), (5, 5, "e")]);
    assert_eq!(log.snapshot(), Err(ReadError::BelowFloor { floor: 2 }));
}

#[test]
fn what_is_over_the_bytes_goes_but_the_newest_stays() {
    let mut log = log(Retention { bytes: 10, ..Retention::RUN });
    for body in ["aaaa", "bbbb", "cccc"] {
        put(&mut log, body, 0);
    }
    assert_eq!(bodies(&batch(&log, log.floor(), 99)), [(2, 2, "bbbb"), (3, 3, "cccc")]);
    put(&mut log, "longer than all of it", 0);
    assert_eq!(bodies(&batch(&log, log.floor(), 99)), [(4, 4, "longer than all of it")]);
}

#[test]
fn what_is_too_old_goes_with_time() {
    let mut log = log(Retention { age_ms: 100, ..Retention::INBOX });
    put(&mut log, "a", 1_000);
    put(&mut log, "b", 1_050);
    log.trim(1_099);
    assert_eq!(log.floor(), 0);
    log.trim(1_100);
    assert_eq!(log.floor(), 1);
    log.trim(1_150);
    assert_eq!((log.floor(), log.is_empty(), log.bytes()), (2, true, 0));
    assert_eq!(put(&mut log, "c", 1_151), 3);
}

#[test]
fn a_run_is_kept_whole_until_its_time_after_the_end() {
    let mut log = log(Retention { after_end_ms: 500, age_ms: 100, ..Retention::RUN });
    put(&mut log, "a", 0);
    log.end(50);
    log.end(99);
    assert_eq!(log.append(&Append::new("b"), 60), Err(AppendError::Ended));
    log.trim(549);
    let all = batch(&log, 0, 1);
    assert_eq!((all.items.len(), all.ended), (1, true));
    log.trim(550);
    assert!(log.is_empty());
}

#[test]
fn a_clock_that_goes_back_makes_no_entry_older_than_the_one_before() {
    let mut log = log(Retention { age_ms: 100, ..Retention::INBOX });
    put(&mut log, "a", 1_000);
    put(&mut log, "b", 10);
    log.trim(1_050);
    assert_eq!(log.floor(), 0);
    assert!(batch(&log, 0, 99).entries().all(|entry| entry.at_ms == 1_000));
}

#[test]
fn a_position_is_refused_with_what_would_be_right() {
    let mut log = log(Retention { entries: 1, ..Retention::RUN });
    put(&mut log, "a", 0);
    put(&mut log, "b", 0);
    assert_eq!(log.read(3, 1), Err(ReadError::Future { tail: 2 }));
    assert_eq!(log.read(0, 1), Err(ReadError::BelowFloor { floor: 1 }));
}

#[test]
fn a_repeat_returns_the_first_position_and_other_bytes_are_refused() {
    let mut log = log(Retention { entries: 1, ..Retention::RUN });
    let keyed = |body: &'static str| Append::new(body).key(IdempotencyKey::new("shop", "17"));
    let first = log.append(&keyed("paid"), 0).unwrap();
    put(&mut log, "pushes the first out", 0);
    assert_eq!(log.floor(), 1);
    let again = log.append(&keyed("paid"), 599_999).unwrap();
    assert_eq!((again.seq, again.repeat), (first.seq, true));
    let first = Position { epoch: Epoch(1), seq: 1 };
    assert_eq!(log.append(&keyed("not paid"), 1), Err(AppendError::KeyReused { first }));
    // After the window it is a new one.
    let later = log.append(&keyed("not paid"), 600_000).unwrap();
    assert_eq!((later.seq, later.repeat), (3, false));
}

#[test]
fn what_is_held_is_read_only_when_it_is_settled_and_holds_up_what_follows() {
    let mut log = log(Retention::RUN);
    let text = Mergeable::by(Text::new("a"));
    put(&mut log, "a", 0);
    assert_eq!(log.append_held(&Append::new("b"), 0).unwrap().seq, 2);
    let _ = log.append(&Append::new("c").merge(text.clone()), 0).unwrap();
    let _ = log.append(&Append::new("d").merge(text), 0).unwrap();
    assert_eq!((log.tail(), log.last_placed()), (1, 4));
    assert_eq!(bodies(&batch(&log, 0, 99)), [(1, 1, "a")]);
    log.settle(3);
    assert_eq!(bodies(&batch(&log, 1, 99)), [(2, 2, "b"), (3, 3, "c")]);
    log.settle(99);
    assert_eq!(log.tail(), 4);
}

#[test]
fn what_is_lost_is_told_in_its_place_and_its_key_is_free_again() {
    let mut log = log(Retention::RUN);
    let keyed = Append::new("b").key(IdempotencyKey::new("shop", "1"));
    put(&mut log, "a", 0);
    let _ = log.append_held(&keyed, 0).unwrap();
    let _ = log.append(&Append::new("c"), 0).unwrap();
    log.lose(2, 2);
    log.settle(3);
    let all = batch(&log, 0, 99);
    assert_eq!(all.items[1], Item::Lost(Lost { from: 2, to: 2 }));
    assert_eq!(bodies(&all), [(1, 1, "a"), (3, 3, "c")]);
    assert_eq!(log.snapshot(), Err(ReadError::Lost { lost: Lost { from: 2, to: 2 } }));
    assert!(!log.append(&keyed, 0).unwrap().repeat);
}

#[test]
fn a_log_goes_on_where_it_was_and_says_what_lies_elsewhere() {
    let head = Head {
        floor: 2,
        next: 1_025,
        lost: vec![Lost { from: 7, to: 1_024 }],
        ..Head::new(Epoch(9), Retention::RUN)
    };
    let mut log = Log::resume(&head, Budget::new(usize::MAX));
    assert_eq!(log.position(), Position { epoch: Epoch(9), seq: 1_024 });
    assert_eq!(log.read(2, 1), Ok(Read::Older { up_to: 6 }));
    assert_eq!(put(&mut log, "on", 0), 1_025);
    let rest = batch(&log, 6, 99);
    assert_eq!(rest.items[0], Item::Lost(Lost { from: 7, to: 1_024 }));
    assert_eq!(bodies(&rest), [(1_025, 1_025, "on")]);
    // Inside of what is lost, the rest is.
    assert_eq!(batch(&log, 100, 99).items[0], Item::Lost(Lost { from: 101, to: 1_024 }));
}

#[test]
fn what_was_evicted_is_elsewhere_and_the_floor_stays() {
    let mut log = log(Retention { entries: 150, ..Retention::RUN });
    for number in 0..100 {
        put(&mut log, &"x".repeat(1_000), number);
    }
    let before = log.bytes();
    assert!(log.evict(50) > 20_000);
    let Ok(Read::Older { up_to }) = log.read(0, 1) else { panic!("the first are evicted") };
    assert!((1..=50).contains(&up_to));
    assert_eq!(log.floor(), 0);
    assert_eq!(bodies(&batch(&log, up_to, 1))[0].0, up_to + 1);
    log.evict(100);
    assert!(log.bytes() < 1_000 && log.bytes() < before);
    // Retention knows what is not in memory.
    for _ in 0..60 {
        put(&mut log, "y", 200);
    }
    assert_eq!(log.floor(), 10);
    assert_eq!(log.read(10, 1), Ok(Read::Older { up_to: 100 }));
}
