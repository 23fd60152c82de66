//! What logs take, counted by the allocator. One test, because there is one allocator.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::print_stdout, reason = "figures and seeds are for who runs it")]

use bytes::Bytes;
use dhat::HeapStats;
use tidegate_journal::{
    Append, Budget, Epoch, Head, Journal, Limits, Log, LogName, Mergeable, Read, Retention, Text,
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const ALL: Retention =
    Retention { entries: u32::MAX, bytes: u64::MAX, age_ms: 60_000, after_end_ms: 0 };

static BODY: [u8; 100_000] = [b'x'; 100_000];

#[test]
fn logs_take_what_they_are_said_to_take() {
    let _profiler = dhat::Profiler::builder().testing().build();
    entries_take_at_most_64_bytes_beside_their_own();
    an_append_allocates_less_than_once();
    an_idle_log_takes_at_most_200_bytes();
    merged_tokens_take_about_their_text();
    a_reader_that_holds_a_little_pins_a_little();
    the_budget_knows_what_is_taken();
}

fn live() -> usize {
    HeapStats::get().curr_bytes
}

fn filled(count: usize, size: usize) -> Log {
    let mut log = Log::new(Epoch(1), ALL);
    fill(&mut log, count, size);
    log
}

fn fill(log: &mut Log, count: usize, size: usize) {
    for _ in 0..count {
        assert!(log.append(&Append::new(Bytes::from_static(&BODY[..size])), 0).is_ok());
    }
}

fn entries_take_at_most_64_bytes_beside_their_own() {
    for size in [0, 10, 100, 500, 1_000, 1_500, 2_000, 2_048, 2_049, 3_000, 4_096, 8_192, 100_000] {
        let before = live();
        let count = if size > 10_000 { 500 } else { 5_000 };
        let log = filled(count, size);
        let beside = (live() - before) as f64 / count as f64 - size as f64;
        println!("bodies of {size:4} bytes: {beside:5.1} bytes beside them");
        assert!(beside <= 64.0, "{beside} bytes beside {size}");
        drop(log);
    }
    // Large and small ones in turn.
    let before = live();
    let mut log = Log::new(Epoch(1), ALL);
    for _ in 0..2_500 {
        fill(&mut log, 1, 100);
        fill(&mut log, 1, 8_192);
    }
    let beside = (live() - before) as f64 / 5_000.0 - 4_146.0;
    println!("bodies of 100 and 8192 bytes in turn: {beside:5.1} bytes beside them");
    assert!(beside <= 64.0, "{beside}");
    drop(log);
}

fn an_append_allocates_less_than_once() {
    let journal = Journal::in_memory(Limits { retention: ALL, ..Limits::default() }, || 1);
    let name = LogName::new("user:1").unwrap();
    let append =
        || journal.append(&name, Append::new(Bytes::from_static(&BODY[..100])), 0).unwrap();
    let _ = append();
    let before = HeapStats::get().total_blocks;
    for _ in 0..10_000 {
        let _ = append();
    }
    let blocks = (HeapStats::get().total_blocks - before) as f64 / 10_000.0;
    println!("allocations an append of 100 bytes: {blocks:.3}");
    assert!(blocks < 0.2, "{blocks}");
}

fn an_idle_log_takes_at_most_200_bytes() {
    let journal = Journal::in_memory(Limits { retention: ALL, ..Limits::default() }, || 1);
    let names: Vec<_> =
        (0..40_000).map(|n| LogName::new(&format!("user:{n:07}")).unwrap()).collect();
    let before = live();
    for name in names {
        assert!(journal.append(&name, Append::new("hello"), 0).is_ok());
    }
    assert_eq!(journal.sweep(60_000).removed, 0);
    let each = (live() - before) as f64 / 40_000.0;
    println!("an idle log: {each:.1} bytes, and its name before that");
    // The name was there before: 12 bytes and the two counters of its Arc.
    assert!(each + 28.0 <= 200.0, "{each}");
    let said = journal.stats().bytes as f64 / 40_000.0;
    assert!((said - each - 28.0).abs() < 32.0, "{said} are counted");
}

fn merged_tokens_take_about_their_text() {
    let text = Mergeable::by(Text::new("answer"));
    let before = live();
    let mut log = Log::new(Epoch(1), Retention::RUN);
    let mut bytes = 0;
    for number in 0..20_000_usize {
        let token = &BODY[..1 + number % 8];
        bytes += token.len();
        assert!(log.append(&Append::new(Bytes::from_static(token)).merge(text.clone()), 0).is_ok());
    }
    let taken = live() - before;
    println!("20 000 tokens of {bytes} bytes: {taken}");
    assert!(taken < bytes * 3 / 2, "{taken}");
}

fn a_reader_that_holds_a_little_pins_a_little() {
    let mut log = filled(1_000, 100);
    let batch = match log.read(10, 1) {
        Ok(Read::Batch(batch)) => batch,
        other => panic!("{other:?}"),
    };
    let before = live();
    log.evict(1_000);
    drop(log);
    assert!(before - live() > 100_000);
    let pinned = live();
    drop(batch);
    assert!(pinned - live() < 1_000, "{}", pinned - live());
}

fn the_budget_knows_what_is_taken() {
    let budget = Budget::new(usize::MAX);
    for size in [10, 100, 1_000, 4_000, 10_000] {
        let before = live();
        let mut log = Log::resume(&Head::new(Epoch(1), ALL), std::sync::Arc::clone(&budget));
        fill(&mut log, 3_000, size);
        let (taken, said) = (live() - before, budget.used());
        println!("3 000 bodies of {size} bytes: {taken} taken, {said} counted");
        assert!(taken.abs_diff(said) < taken / 20);
        drop(log);
        assert_eq!(budget.used(), 0);
    }
}
