//! All interleavings of each hand-off. Only with `--cfg tidegate_loom`:
//!
//! `RUSTFLAGS="--cfg tidegate_loom" cargo test --release -p tidegate-queue --features tower --test loom`
//!
//! A lost wake-up is a deadlock here, which loom reports: `docs/BENCHMARKS.md` lists each hand-off with the tests that fail
//! when its wake-up, or its one hold of the lock, is taken out. `TIDEGATE_LOOM_PREEMPTIONS` (default 2) says how often a
//! thread may be interrupted at will.
#![cfg(tidegate_loom)]

mod letter;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use letter::{Letter, chat, critical, messages, typing};
use loom::future::block_on;
use loom::thread;
use tidegate_queue::{Enqueue, Item, Pushed, Sender, channel};
use tower_service::Service;

fn explore(test: impl Fn() + Send + Sync + 'static) {
    let preemptions = std::env::var("TIDEGATE_LOOM_PREEMPTIONS").ok();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions.and_then(|text| text.parse().ok()).unwrap_or(2));
    model.check(test);
}

/// A channel for one letter, with one inside that nothing merges with and nothing may shed.
fn full() -> (Sender<Letter>, tidegate_queue::Receiver<Letter>) {
    let (sender, receiver) = channel(messages(1, 1));
    assert_eq!(sender.try_push(chat("inside").key(0)), Ok(Pushed::Queued));
    (sender, receiver)
}

#[test]
fn push_is_seen_by_a_reader_that_waits_meanwhile() {
    explore(|| {
        let (sender, mut receiver) = channel(messages(4, 0));
        let writer = thread::spawn(move || {
            assert_eq!(sender.try_push(chat("a")), Ok(Pushed::Queued));
            sender
        });
        assert!(block_on(receiver.ready()));
        assert!(receiver.pop().is_some());
        drop(writer.join());
    });
}

#[test]
fn pushes_of_two_writers_both_arrive() {
    explore(|| {
        let (sender, mut receiver) = channel(messages(4, 0));
        let writers = [sender.clone(), sender].map(|sender| {
            thread::spawn(move || assert_eq!(sender.try_push(chat("a")), Ok(Pushed::Queued)))
        });
        let mut seen = 0;
        while block_on(receiver.ready()) {
            seen += receiver.pop().iter().count();
        }
        assert_eq!(seen, 2);
        for writer in writers {
            writer.join().unwrap();
        }
    });
}

#[test]
fn something_new_is_seen_by_a_reader_that_holds_a_batch_back() {
    explore(|| {
        let (sender, mut receiver) = channel(messages(4, 0));
        assert_eq!(sender.try_push(chat("old")), Ok(Pushed::Queued));
        let batcher = tidegate_queue::Batcher::new(tidegate_queue::BatchPolicy::default());
        #[expect(clippy::disallowed_methods, reason = "some first Instant")]
        let _ = receiver.decide(&batcher, std::time::Instant::now());
        let writer = thread::spawn(move || {
            assert!(sender.try_push(critical("new")).is_ok());
            sender
        });
        assert!(block_on(receiver.changed()));
        drop(writer.join());
    });
}

#[test]
fn what_comes_after_all_was_taken_wakes_who_took_it() {
    explore(|| {
        let (sender, mut receiver) = channel(messages(4, 0));
        assert_eq!(sender.try_push(chat("old")), Ok(Pushed::Queued));
        let writer = thread::spawn(move || {
            assert!(sender.try_push(critical("new")).is_ok());
            sender
        });
        let (mut taken, mut is_settled) = (Vec::new(), false);
        // Looks again only where it was woken, as a task does that knows that nothing is left.
        block_on(poll_fn(|cx| {
            while taken.len() < 2 {
                match receiver.poll_drain(cx, 1, usize::MAX, &mut taken) {
                    Poll::Ready(drained) => is_settled = drained.is_empty,
                    Poll::Pending => return Poll::Pending,
                }
                if is_settled && taken.len() < 2 {
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        }));
        drop(writer.join());
    });
}

#[test]
fn end_of_the_last_sender_is_seen_by_the_reader() {
    explore(|| {
        let (sender, mut receiver) = channel::<Letter>(messages(4, 0));
        let senders = [sender.clone(), sender].map(|sender| thread::spawn(move || drop(sender)));
        assert!(!block_on(receiver.ready()));
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

#[test]
fn room_is_seen_by_a_writer_that_waits_meanwhile() {
    explore(|| {
        let (sender, mut receiver) = full();
        let writer = thread::spawn(move || {
            assert_eq!(block_on(sender.push_wait(chat("a").key(1))), Ok(Pushed::Queued));
        });
        assert_eq!(receiver.pop().map(|letter| letter.text), Some("inside".into()));
        assert!(block_on(receiver.ready()));
        assert_eq!(receiver.pop().map(|letter| letter.text), Some("a".into()));
        writer.join().unwrap();
    });
}

#[test]
fn two_writers_that_wait_get_their_turns() {
    explore(|| {
        let (sender, mut receiver) = full();
        let writers = [(1, sender.clone()), (2, sender)].map(|(key, sender)| {
            thread::spawn(move || {
                assert_eq!(block_on(sender.push_wait(chat("a").key(key))), Ok(Pushed::Queued));
            })
        });
        let mut seen = 0;
        while block_on(receiver.ready()) {
            let mut batch = Vec::new();
            receiver.pop_batch(1, usize::MAX, &mut batch);
            seen += batch.len();
        }
        assert_eq!(seen, 3);
        for writer in writers {
            writer.join().unwrap();
        }
    });
}

#[test]
fn room_made_by_shedding_is_seen_by_a_writer_that_waits() {
    explore(|| {
        // Two droppable letters make room for one large critical one: what is left over is the writer's.
        let (sender, receiver) =
            channel(tidegate_queue::Limits { max_bytes: 8, reserve_bytes: 0, ..messages(9, 0) });
        assert_eq!(sender.try_push(chat("aaaa").key(1)), Ok(Pushed::Queued));
        assert_eq!(
            sender.try_push(typing("bbbb").priority(tidegate_message::Priority::High)),
            Ok(Pushed::Queued)
        );
        let other = sender.clone();
        let writer = thread::spawn(move || block_on(other.push_wait(chat("c").key(2))).is_ok());
        assert!(matches!(sender.try_push(critical("d")), Ok(Pushed::Shed { .. } | Pushed::Queued)));
        assert!(writer.join().unwrap());
        drop(receiver);
    });
}

#[test]
fn end_of_the_reader_is_seen_by_a_writer_that_waits() {
    explore(|| {
        let (sender, receiver) = full();
        let writer = thread::spawn(move || block_on(sender.push_wait(chat("a").key(1))).is_err());
        drop(receiver);
        assert!(writer.join().unwrap());
    });
}

#[test]
fn turn_of_a_writer_that_gives_up_goes_to_the_next() {
    explore(|| {
        let (sender, mut receiver) = full();
        let other = sender.clone();
        let impatient = thread::spawn(move || {
            block_on(async {
                let mut push = pin!(other.push_wait(chat("a").key(1)));
                // Polled once, and dropped if that was too early.
                poll_fn(|cx| Poll::Ready(push.as_mut().poll(cx).is_ready())).await
            })
        });
        let patient = thread::spawn(move || {
            assert!(block_on(sender.push_wait(chat("b").key(2))).is_ok());
        });
        let mut seen = 0;
        while block_on(receiver.ready()) {
            seen += receiver.pop().iter().count();
        }
        assert_eq!(seen, 2 + usize::from(impatient.join().unwrap()));
        patient.join().unwrap();
    });
}

#[test]
fn readiness_of_a_service_is_seen_by_its_caller() {
    explore(|| {
        let (sender, mut receiver) = full();
        let caller = thread::spawn(move || {
            let mut service = Enqueue::new(sender);
            block_on(async {
                assert_eq!(poll_fn(|cx| service.poll_ready(cx)).await, Ok(()));
                assert_eq!(service.call(chat("a").key(1)).await, Ok(Pushed::Queued));
            });
        });
        assert!(receiver.pop().is_some());
        assert!(block_on(receiver.ready()));
        assert_eq!(receiver.pop().map(|letter| letter.bytes()), Some(1));
        caller.join().unwrap();
    });
}

#[test]
fn next_message_and_room_are_seen_by_those_who_wait_for_them() {
    explore(|| {
        let (sender, mut receiver) = full();
        let writer = thread::spawn(move || {
            assert_eq!(block_on(sender.push_wait(chat("a").key(1))), Ok(Pushed::Queued));
        });
        let texts: Vec<_> = (0..2).filter_map(|_| block_on(receiver.next())).collect();
        assert_eq!(texts.len(), 2);
        let mut rest = Vec::new();
        assert!(!block_on(receiver.next_batch(9, 99, &mut rest)));
        writer.join().unwrap();
    });
}
