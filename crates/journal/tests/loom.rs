//! All interleavings of a reader that waits with what wakes it. Only with `--cfg tidegate_loom`:
//!
//! `RUSTFLAGS="--cfg tidegate_loom" cargo test --release -p tidegate-journal --test loom`
//!
//! A lost wake-up is a deadlock here, which loom reports. `TIDEGATE_LOOM_PREEMPTIONS` (default 2) says how often a
//! thread may be interrupted at will.
#![cfg(tidegate_loom)]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use loom::future::block_on;
use loom::thread;
use tidegate_journal::{Append, Journal, Limits, LogName, Mergeable, ReadError, Reader, Text};

fn explore(test: impl Fn() + Send + Sync + 'static) {
    let preemptions = std::env::var("TIDEGATE_LOOM_PREEMPTIONS").ok();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions.and_then(|text| text.parse().ok()).unwrap_or(2));
    model.check(test);
}

fn name() -> LogName {
    LogName::new("run").unwrap()
}

fn begin() -> (Journal, Reader) {
    let journal = Journal::in_memory(Limits::default(), || 1);
    let start = journal.open_log(&name(), None, 0).unwrap();
    let reader = journal.reader(&name(), start).unwrap();
    (journal, reader)
}

fn append(journal: &Journal, body: &'static str) {
    let text = Mergeable::by(Text::new("a"));
    assert!(journal.append(&name(), Append::new(body).merge(text), 0).is_ok());
}

/// Reads until so many bytes were read.
fn read(reader: &mut Reader, bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        let batch = block_on(reader.next(100)).unwrap();
        batch.entries().for_each(|entry| text += std::str::from_utf8(&entry.body).unwrap());
    }
    text
}

#[test]
fn an_append_is_seen_by_a_reader_that_waits_meanwhile() {
    explore(|| {
        let (journal, mut reader) = begin();
        let writer = thread::spawn(move || append(&journal, "ab"));
        assert_eq!(read(&mut reader, 2), "ab");
        writer.join().unwrap();
    });
}

#[test]
fn appends_of_two_writers_are_both_seen_while_they_are_merged() {
    explore(|| {
        let (journal, mut reader) = begin();
        let writers = ["a", "b"].map(|body| {
            let journal = journal.clone();
            thread::spawn(move || append(&journal, body))
        });
        let text = read(&mut reader, 2);
        assert!(text == "ab" || text == "ba", "{text}");
        for writer in writers {
            writer.join().unwrap();
        }
    });
}

#[test]
fn two_readers_are_both_woken() {
    explore(|| {
        let (journal, mut reader) = begin();
        let start = reader.position();
        let mut second = journal.reader(&name(), start).unwrap();
        let other = thread::spawn(move || assert_eq!(read(&mut second, 1), "a"));
        let writer = thread::spawn(move || append(&journal, "a"));
        assert_eq!(read(&mut reader, 1), "a");
        other.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn the_end_is_seen_by_a_reader_that_waits_meanwhile() {
    explore(|| {
        let (journal, mut reader) = begin();
        let writer = thread::spawn(move || journal.end(&name(), 0).unwrap());
        assert!(block_on(reader.next(1)).unwrap().ended);
        writer.join().unwrap();
    });
}

#[test]
fn a_removal_is_seen_by_a_reader_that_waits_meanwhile() {
    explore(|| {
        let (journal, mut reader) = begin();
        let writer = thread::spawn(move || journal.remove(&name()).unwrap());
        assert_eq!(block_on(reader.next(1)), Err(ReadError::Unknown));
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_that_goes_leaves_the_others_their_wake_up() {
    explore(|| {
        let (journal, mut reader) = begin();
        let second = journal.reader(&name(), reader.position()).unwrap();
        let leaver = thread::spawn(move || {
            let mut second = second;
            let mut next = std::pin::pin!(second.next(1));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = next.as_mut().poll(&mut context);
        });
        let writer = thread::spawn(move || append(&journal, "a"));
        assert_eq!(read(&mut reader, 1), "a");
        leaver.join().unwrap();
        writer.join().unwrap();
    });
}
