//! Readers that wait: each gets everything once and in order, however many there are and wherever they stand.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tidegate_journal::{
    Append, Batch, Journal, Limits, LogName, Mergeable, Position, ReadError, Reader, Retention,
    Text,
};

fn journal(retention: Retention) -> (Journal, LogName) {
    (
        Journal::in_memory(Limits { retention, ..Limits::default() }, || 1),
        LogName::new("run").unwrap(),
    )
}

fn text(batch: &Batch) -> String {
    let body = batch.entries().flat_map(|entry| entry.body.to_vec()).collect();
    String::from_utf8(body).unwrap()
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn poll(reader: &mut Reader, waker: &Waker) -> Poll<Result<Batch, ReadError>> {
    pin!(reader.next(1_000)).poll(&mut Context::from_waker(waker))
}

#[test]
fn every_reader_of_a_log_wakes_and_gets_exactly_its_rest() {
    let (journal, name) = journal(Retention::RUN);
    let start = journal.open_log(&name, None, 0).unwrap();
    let policy = Mergeable::by(Text::new("a"));
    let token = |token: &'static str| {
        journal.append(&name, Append::new(token).merge(policy.clone()), 0).unwrap().position
    };
    let counts: Vec<_> = (0..100).map(|_| Arc::new(Count::default())).collect();
    let mut readers: Vec<_> =
        counts.iter().map(|_| journal.reader(&name, start).unwrap()).collect();
    let wakers: Vec<_> = counts.iter().map(|count| Waker::from(Arc::clone(count))).collect();
    for (reader, waker) in readers.iter_mut().zip(&wakers) {
        assert!(poll(reader, waker).is_pending());
    }
    let tail = token("Hel");
    assert!(counts.iter().all(|count| count.get() == 1));
    // The first half reads now, and the other half when more has been merged.
    for (reader, waker) in readers[..50].iter_mut().zip(&wakers) {
        let Poll::Ready(Ok(batch)) = poll(reader, waker) else { panic!("nothing was read") };
        assert_eq!((text(&batch), reader.position()), ("Hel".to_owned(), tail));
        assert!(poll(reader, waker).is_pending());
    }
    token("lo ");
    token("you");
    assert_eq!(counts[0].get(), 2, "who is awake is not woken again");
    for (number, (reader, waker)) in readers.iter_mut().zip(&wakers).enumerate() {
        let Poll::Ready(Ok(batch)) = poll(reader, waker) else { panic!("nothing was read") };
        assert_eq!(text(&batch), if number < 50 { "lo you" } else { "Hello you" });
    }
}

#[test]
fn a_wait_that_is_given_up_has_read_nothing_and_leaves_nobody_in_line() {
    let (journal, name) = journal(Retention::RUN);
    let start = journal.open_log(&name, None, 0).unwrap();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut reader = journal.reader(&name, start).unwrap();
    assert!(poll(&mut reader, &waker).is_pending());
    let other = journal.reader(&name, start).unwrap();
    drop(reader);
    let _ = journal.append(&name, Append::new("a"), 0).unwrap();
    assert_eq!(count.get(), 0);
    assert_eq!(Arc::strong_count(&count), 2, "a waker was left behind");
    let mut reader = other;
    assert!(poll(&mut reader, &waker).is_ready());
}

#[test]
fn the_end_a_removal_and_a_floor_are_told_to_who_waits() {
    let (journal, name) = journal(Retention { entries: 2, ..Retention::RUN });
    let start = journal.open_log(&name, None, 0).unwrap();
    let mut reader = journal.reader(&name, start).unwrap();
    for body in ["a", "b", "c"] {
        let _ = journal.append(&name, Append::new(body), 0).unwrap();
    }
    let noop = Waker::noop();
    let gone = ReadError::BelowFloor { floor: 1 };
    assert_eq!(poll(&mut reader, noop), Poll::Ready(Err(gone)));
    reader.skip_to(1);
    assert!(matches!(poll(&mut reader, noop), Poll::Ready(Ok(batch)) if text(&batch) == "bc"));
    assert!(poll(&mut reader, noop).is_pending());
    journal.end(&name, 0).unwrap();
    let ended = Batch { items: Vec::new(), tail: 3, ended: true };
    assert_eq!(poll(&mut reader, noop), Poll::Ready(Ok(ended)));
    journal.remove(&name).unwrap();
    assert_eq!(poll(&mut reader, noop), Poll::Ready(Err(ReadError::Unknown)));
}

#[test]
fn a_reader_begins_only_where_one_can_stand() {
    let (journal, name) = journal(Retention::RUN);
    let start = journal.open_log(&name, None, 0).unwrap();
    let refused = |position| journal.reader(&name, position).map(|_| ()).unwrap_err();
    assert_eq!(refused(Position { seq: 1, ..start }), ReadError::Future { tail: 0 });
    let other = Position { epoch: tidegate_journal::Epoch(9), seq: 0 };
    assert_eq!(refused(other), ReadError::OtherEpoch { have: start.epoch });
    assert_eq!(journal.reader(&"b".parse().unwrap(), start).map(|_| ()), Err(ReadError::Unknown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_a_writer_on_threads_lose_nothing() {
    let (journal, name) = journal(Retention::RUN);
    let start = journal.open_log(&name, None, 0).unwrap();
    let readers: Vec<_> = (0..8)
        .map(|number| {
            let mut reader = journal.reader(&name, start).unwrap();
            #[expect(clippy::disallowed_methods, reason = "each is awaited below")]
            tokio::spawn(async move {
                let mut read = String::new();
                while let Ok(batch) = reader.next(1 + number * 50).await {
                    if batch.items.is_empty() {
                        return read;
                    }
                    read += &text(&batch);
                }
                panic!("the log is there")
            })
        })
        .collect();
    let policy = Mergeable::by(Text::new("a"));
    let mut written = String::new();
    for number in 0..5_000 {
        let token = format!("{number} ");
        written += &token;
        let _ = journal.append(&name, Append::new(token).merge(policy.clone()), 0).unwrap();
        if number % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    journal.end(&name, 0).unwrap();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), written);
    }
}
