//! Messages in and out again: one, many, between tasks, between threads.
#![expect(
    clippy::disallowed_methods,
    reason = "writers on threads of their own are what is measured"
)]

use std::future::poll_fn;

use tidegate_benches::Suite;
use tidegate_queue::{Enqueue, Limits, Outbox, channel};
use tower_service::Service;

use crate::note::Note;

const DEPTH: usize = 100;

fn limits() -> Limits {
    Limits { max_messages: DEPTH, ..Limits::default() }
}

/// One message in, the same out.
pub(crate) fn one(suite: &mut Suite) {
    suite
        .group("push and pop, one inside")
        .ours(
            "outbox, no lock",
            || (Outbox::new(limits()), Note::new()),
            |(outbox, note)| {
                let _ = outbox.push(note.clone());
                outbox.pop().map(|note| note.number)
            },
        )
        .ours(
            "channel",
            || (channel(limits()), Note::new()),
            |((sender, receiver), note)| {
                let _ = sender.try_push(note.clone());
                receiver.pop().map(|note| note.number)
            },
        )
        .peer(
            "tokio mpsc",
            || (tokio::sync::mpsc::channel(DEPTH), Note::new()),
            |((sender, receiver), note)| {
                let _ = sender.try_send(note.clone());
                receiver.try_recv().ok().map(|note: Note| note.number)
            },
        )
        .peer(
            "flume",
            || (flume::bounded(DEPTH), Note::new()),
            |((sender, receiver), note)| {
                let _ = sender.try_send(note.clone());
                receiver.try_recv().ok().map(|note: Note| note.number)
            },
        )
        .peer(
            "async-channel",
            || (async_channel::bounded(DEPTH), Note::new()),
            |((sender, receiver), note)| {
                let _ = sender.try_send(note.clone());
                receiver.try_recv().ok().map(|note: Note| note.number)
            },
        );
}

/// A hundred in, a hundred out.
pub(crate) fn burst(suite: &mut Suite) {
    suite
        .group("a burst of 100 in, then out")
        .per_call(DEPTH as u64)
        .ours(
            "outbox, no lock",
            || (Outbox::new(limits()), Note::new()),
            |(outbox, note)| {
                (0..DEPTH).for_each(|_| drop(outbox.push(note.clone())));
                std::iter::from_fn(|| outbox.pop()).map(|note| note.number).sum::<u64>()
            },
        )
        .ours(
            "channel, one by one",
            || (channel(limits()), Note::new()),
            |((sender, receiver), note)| {
                (0..DEPTH).for_each(|_| drop(sender.try_push(note.clone())));
                std::iter::from_fn(|| receiver.pop()).map(|note| note.number).sum::<u64>()
            },
        )
        .ours(
            "channel, out as a batch",
            || (channel(limits()), Note::new(), Vec::new()),
            |((sender, receiver), note, out)| {
                (0..DEPTH).for_each(|_| drop(sender.try_push(note.clone())));
                receiver.pop_batch(DEPTH, usize::MAX, out);
                out.drain(..).map(|note| note.number).sum::<u64>()
            },
        )
        .peer(
            "tokio mpsc",
            || (tokio::sync::mpsc::channel(DEPTH), Note::new()),
            |((sender, receiver), note)| {
                (0..DEPTH).for_each(|_| drop(sender.try_send(note.clone())));
                std::iter::from_fn(|| receiver.try_recv().ok())
                    .map(|note: Note| note.number)
                    .sum::<u64>()
            },
        )
        .peer(
            "flume",
            || (flume::bounded(DEPTH), Note::new()),
            |((sender, receiver), note)| {
                (0..DEPTH).for_each(|_| drop(sender.try_send(note.clone())));
                std::iter::from_fn(|| receiver.try_recv().ok())
                    .map(|note: Note| note.number)
                    .sum::<u64>()
            },
        )
        .peer(
            "async-channel",
            || (async_channel::bounded(DEPTH), Note::new()),
            |((sender, receiver), note)| {
                (0..DEPTH).for_each(|_| drop(sender.try_send(note.clone())));
                std::iter::from_fn(|| receiver.try_recv().ok())
                    .map(|note: Note| note.number)
                    .sum::<u64>()
            },
        );
}

const MANY: u64 = 10_000;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts")
}

/// A task that writes and one that reads, on one thread; both wait for each other.
pub(crate) fn tasks(suite: &mut Suite) {
    suite
        .group("from task to task, waiting for room")
        .per_call(MANY)
        .ours(
            "channel, out as batches",
            || (runtime(), Note::new()),
            |(runtime, note)| {
                let (sender, mut receiver) = channel(limits());
                let write = async move {
                    for _ in 0..MANY {
                        let _ = sender.push_wait(note.clone()).await;
                    }
                };
                let read = async move {
                    let (mut sum, mut out) = (0, Vec::new());
                    while receiver.next_batch(DEPTH, usize::MAX, &mut out).await {
                        sum += out.drain(..).map(|note| note.number).sum::<u64>();
                    }
                    sum
                };
                runtime.block_on(async { futures_util::future::join(write, read).await.1 })
            },
        )
        .peer(
            "tokio mpsc, recv_many",
            || (runtime(), Note::new()),
            |(runtime, note)| {
                let (sender, mut receiver) = tokio::sync::mpsc::channel(DEPTH);
                let write = async move {
                    for _ in 0..MANY {
                        let _ = sender.send(note.clone()).await;
                    }
                };
                let read = async move {
                    let (mut sum, mut out) = (0, Vec::new());
                    while receiver.recv_many(&mut out, DEPTH).await > 0 {
                        sum += out.drain(..).map(|note: Note| note.number).sum::<u64>();
                    }
                    sum
                };
                runtime.block_on(async { futures_util::future::join(write, read).await.1 })
            },
        )
        .peer(
            "flume",
            || (runtime(), Note::new()),
            |(runtime, note)| {
                let (sender, receiver) = flume::bounded(DEPTH);
                let write = async move {
                    for _ in 0..MANY {
                        let _ = sender.send_async(note.clone()).await;
                    }
                };
                let read = async move {
                    let mut sum = 0;
                    while let Ok(note) = receiver.recv_async().await {
                        let note: Note = note;
                        sum += note.number;
                    }
                    sum
                };
                runtime.block_on(async { futures_util::future::join(write, read).await.1 })
            },
        )
        .peer(
            "async-channel",
            || (runtime(), Note::new()),
            |(runtime, note)| {
                let (sender, receiver) = async_channel::bounded(DEPTH);
                let write = async move {
                    for _ in 0..MANY {
                        let _ = sender.send(note.clone()).await;
                    }
                };
                let read = async move {
                    let mut sum = 0;
                    while let Ok(note) = receiver.recv().await {
                        let note: Note = note;
                        sum += note.number;
                    }
                    sum
                };
                runtime.block_on(async { futures_util::future::join(write, read).await.1 })
            },
        );
}

/// A thread that writes and one that reads: the writer waits for room, the reader for messages.
pub(crate) fn threads(suite: &mut Suite) {
    suite
        .group("from thread to thread, waiting for room")
        .per_call(MANY)
        .ours("channel, out as batches", Note::new, |note| {
            let ((sender, mut receiver), note) = (channel(limits()), note.clone());
            let writer = std::thread::spawn(move || {
                runtime().block_on(async {
                    for _ in 0..MANY {
                        let _ = sender.push_wait(note.clone()).await;
                    }
                });
            });
            let mut out = Vec::new();
            runtime().block_on(async {
                while receiver.next_batch(DEPTH, usize::MAX, &mut out).await {
                    out.clear();
                }
            });
            writer.join()
        })
        .ours("channel, one by one", Note::new, |note| {
            let ((sender, mut receiver), note) = (channel(limits()), note.clone());
            let writer = std::thread::spawn(move || {
                runtime().block_on(async {
                    for _ in 0..MANY {
                        let _ = sender.push_wait(note.clone()).await;
                    }
                });
            });
            runtime().block_on(async { while receiver.next().await.is_some() {} });
            writer.join()
        })
        .peer("tokio mpsc, recv_many", Note::new, |note| {
            let ((sender, mut receiver), note) = (tokio::sync::mpsc::channel(DEPTH), note.clone());
            let writer = std::thread::spawn(move || {
                runtime().block_on(async {
                    for _ in 0..MANY {
                        let _ = sender.send(note.clone()).await;
                    }
                });
            });
            let mut out = Vec::new();
            runtime().block_on(async {
                while receiver.recv_many(&mut out, DEPTH).await > 0 {
                    out.clear();
                }
            });
            writer.join()
        })
        .peer("flume", Note::new, |note| {
            let ((sender, receiver), note) = (flume::bounded(DEPTH), note.clone());
            let writer = std::thread::spawn(move || {
                runtime().block_on(async {
                    for _ in 0..MANY {
                        let _ = sender.send_async(note.clone()).await;
                    }
                });
            });
            runtime().block_on(async { while receiver.recv_async().await.is_ok() {} });
            writer.join()
        })
        .peer("async-channel", Note::new, |note| {
            let ((sender, receiver), note) = (async_channel::bounded(DEPTH), note.clone());
            let writer = std::thread::spawn(move || {
                runtime().block_on(async {
                    for _ in 0..MANY {
                        let _ = sender.send(note.clone()).await;
                    }
                });
            });
            runtime().block_on(async { while receiver.recv().await.is_ok() {} });
            writer.join()
        });
}

/// What order keys cost, which nobody else has: a hundred messages of so many keys.
pub(crate) fn keyed(suite: &mut Suite) {
    let group = suite.group("a burst of 100 with order keys, then out");
    group.per_call(DEPTH as u64);
    for (name, keys) in [("one key", 1), ("10 keys", 10), ("100 keys", 100)] {
        group.ours(
            name,
            move || (channel(limits()), Note::new(), Vec::new(), keys),
            |((sender, receiver), note, out, keys)| {
                for number in 0..DEPTH as u64 {
                    let _ = sender.try_push(Note { key: Some(number % *keys), ..note.clone() });
                }
                receiver.pop_batch(DEPTH, usize::MAX, out);
                out.drain(..).map(|note| note.number).sum::<u64>()
            },
        );
    }
}

/// One call through the tower service, beside the push that it is.
pub(crate) fn layer(suite: &mut Suite) {
    suite
        .group("one call through the service, and out")
        .ours(
            "Enqueue",
            || {
                let (sender, receiver) = channel(limits());
                (Enqueue::new(sender), receiver, Note::new())
            },
            |(service, receiver, note)| {
                let mut calling = std::pin::pin!(async {
                    let _ = poll_fn(|cx| service.poll_ready(cx)).await;
                    service.call(note.clone()).await.is_ok()
                });
                let waker = std::task::Waker::noop();
                let called = calling.as_mut().poll(&mut std::task::Context::from_waker(waker));
                (called, receiver.pop().map(|note| note.number))
            },
        )
        .floor(
            "try_push",
            || (channel(limits()), Note::new()),
            |((sender, receiver), note)| {
                let called = sender.try_push(note.clone()).is_ok();
                (called, receiver.pop().map(|note| note.number))
            },
        );
}

/// What a channel takes when it is empty, and with a hundred messages (whose payload they share).
pub(crate) fn bytes(suite: &mut Suite) {
    let note = Note::new();
    let group = suite.group("bytes of a channel for 100 messages of 40 bytes");
    let mut fact = |name: &str, empty: i64, full: i64| {
        group.fact(name, "bytes, empty", empty as f64).fact(name, "bytes, 100 inside", full as f64);
    };
    let ours = |fill: bool| {
        kept(|| {
            let (sender, receiver) = channel(limits());
            (0..DEPTH).filter(|_| fill).for_each(|_| drop(sender.try_push(note.clone())));
            (sender, receiver)
        })
    };
    fact("channel (ours)", ours(false), ours(true));
    let tokio = |fill: bool| {
        kept(|| {
            let (sender, receiver) = tokio::sync::mpsc::channel(DEPTH);
            (0..DEPTH).filter(|_| fill).for_each(|_| drop(sender.try_send(note.clone())));
            (sender, receiver)
        })
    };
    fact("tokio mpsc", tokio(false), tokio(true));
    let flume = |fill: bool| {
        kept(|| {
            let (sender, receiver) = flume::bounded(DEPTH);
            (0..DEPTH).filter(|_| fill).for_each(|_| drop(sender.try_send(note.clone())));
            (sender, receiver)
        })
    };
    fact("flume", flume(false), flume(true));
    let async_channel = |fill: bool| {
        kept(|| {
            let (sender, receiver) = async_channel::bounded(DEPTH);
            (0..DEPTH).filter(|_| fill).for_each(|_| drop(sender.try_send(note.clone())));
            (sender, receiver)
        })
    };
    fact("async-channel", async_channel(false), async_channel(true));
}

/// Bytes that are allocated for what `make` makes, while it is there.
fn kept<T>(make: impl FnOnce() -> T) -> i64 {
    let mut made = None;
    allocation_counter::measure(|| made = Some(make())).bytes_current
}
