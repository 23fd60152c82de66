//! `tidegate-queue`: the channel beside channels that keep no lanes, merge nothing and count no bytes.

use std::process::ExitCode;
use std::sync::Arc;

use tidegate_benches::Suite;
use tidegate_message::{Class, Priority};
use tidegate_queue::{Item, Limits, Outbox};

/// What goes through: a shared payload and a number.
#[derive(Clone)]
struct Note {
    payload: Arc<[u8]>,
    number: u64,
}

impl Item for Note {
    fn class(&self) -> Class {
        Class::Coalescible
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn bytes(&self) -> usize {
        self.payload.len()
    }
}

const DEPTH: usize = 100;

fn main() -> ExitCode {
    let mut suite = Suite::new("queue");
    one(&mut suite);
    burst(&mut suite);
    suite.run()
}

fn note() -> Note {
    Note { payload: Arc::from([0_u8; 64]), number: 7 }
}

/// One message in, the same out.
fn one(suite: &mut Suite) {
    suite
        .group("push and pop, one inside")
        .ours("outbox", || (Outbox::new(Limits::default()), note()), |(outbox, note)| {
            let _ = outbox.push(note.clone());
            outbox.pop().map(|note| note.number)
        })
        .ours("channel", || (tidegate_queue::channel(Limits::default()), note()), |((sender, receiver), note)| {
            let _ = sender.try_push(note.clone());
            receiver.pop().map(|note| note.number)
        })
        .peer("tokio mpsc", || (tokio::sync::mpsc::channel(DEPTH), note()), |((sender, receiver), note)| {
            let _ = sender.try_send(note.clone());
            receiver.try_recv().map_or(0, |note: Note| note.number)
        })
        .peer("flume", || (flume::bounded(DEPTH), note()), |((sender, receiver), note)| {
            let _ = sender.try_send(note.clone());
            receiver.try_recv().map_or(0, |note: Note| note.number)
        })
        .peer("async-channel", || (async_channel::bounded(DEPTH), note()), |((sender, receiver), note)| {
            let _ = sender.try_send(note.clone());
            receiver.try_recv().map_or(0, |note: Note| note.number)
        });
}

/// A hundred in, a hundred out.
fn burst(suite: &mut Suite) {
    suite
        .group("a burst of 100 in, then out")
        .per_call(DEPTH as u64)
        .ours("outbox", || (Outbox::new(Limits::default()), note()), |(outbox, note)| {
            for _ in 0..DEPTH {
                let _ = outbox.push(note.clone());
            }
            let mut sum = 0;
            while let Some(note) = outbox.pop() {
                sum += note.number;
            }
            sum
        })
        .ours("channel", || (tidegate_queue::channel(Limits::default()), note(), Vec::new()), |((sender, receiver), note, out)| {
            for _ in 0..DEPTH {
                let _ = sender.try_push(note.clone());
            }
            receiver.pop_batch(DEPTH, usize::MAX, out);
            out.drain(..).map(|note| note.number).sum::<u64>()
        })
        .peer("tokio mpsc", || (tokio::sync::mpsc::channel(DEPTH), note()), |((sender, receiver), note)| {
            for _ in 0..DEPTH {
                let _ = sender.try_send(note.clone());
            }
            let mut sum = 0;
            while let Ok(note) = receiver.try_recv() {
                let note: Note = note;
                sum += note.number;
            }
            sum
        })
        .peer("flume", || (flume::bounded(DEPTH), note()), |((sender, receiver), note)| {
            for _ in 0..DEPTH {
                let _ = sender.try_send(note.clone());
            }
            let mut sum = 0;
            while let Ok(note) = receiver.try_recv() {
                let note: Note = note;
                sum += note.number;
            }
            sum
        })
        .peer("async-channel", || (async_channel::bounded(DEPTH), note()), |((sender, receiver), note)| {
            for _ in 0..DEPTH {
                let _ = sender.try_send(note.clone());
            }
            let mut sum = 0;
            while let Ok(note) = receiver.try_recv() {
                let note: Note = note;
                sum += note.number;
            }
            sum
        });
}
