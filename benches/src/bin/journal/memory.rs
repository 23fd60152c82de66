//! The journal in memory: what an append and a read cost, and what an entry takes beside its bytes.

use std::collections::VecDeque;
use std::sync::Mutex;

use allocation_counter::measure;
use bytes::Bytes;
use tidegate_benches::Suite;
use tidegate_journal::{
    Append, Epoch, Journal, Limits, Log, LogName, Mergeable, Position, Retention, Text,
};
use tidegate_message::Class;

use crate::ours::{epochs, name};
use crate::work::{BODY, is_counted};

const TOKENS: u64 = 20_000;
const KEPT: usize = 32_768;

pub(crate) fn groups(suite: &mut Suite) {
    append(suite);
    tokens(suite);
    if !is_counted() {
        room(suite);
    }
}

/// A journal with a log that keeps 32 768 entries, and what is appended to it.
struct Appending {
    journal: Journal,
    name: LogName,
    append: Append,
    now_ms: u64,
}

impl Appending {
    fn new(append: Append) -> Self {
        let journal = Journal::in_memory(Limits::default(), epochs());
        Self { journal, name: name(0), append, now_ms: 0 }
    }

    fn once(&mut self) -> u64 {
        self.now_ms += 1;
        let appended = self.journal.append(&self.name, self.append.clone(), self.now_ms);
        appended.map_or(0, |appended| appended.position.seq)
    }
}

fn append(suite: &mut Suite) {
    let small = || Append::new(Bytes::from_static(&[b'x'; 64])).class(Class::Critical);
    suite
        .group("append 64 bytes in memory")
        .ours("Journal: by name, under its lock", move || Appending::new(small()), Appending::once)
        .ours(
            "Log alone",
            move || (Log::new(Epoch(1), Retention::RUN), small(), 0_u64),
            |(log, append, now_ms)| {
                *now_ms += 1;
                log.append(append, *now_ms).map_or(0, |placed| placed.seq)
            },
        )
        .floor(
            "a queue of copies, under a lock",
            || Mutex::new(VecDeque::with_capacity(KEPT + 1)),
            |queue: &mut Mutex<VecDeque<Box<[u8]>>>| {
                let queue = &*queue;
                let mut held = queue.lock().expect("nobody panics");
                held.push_back(Box::from([b'x'; 64]));
                if held.len() > KEPT {
                    held.pop_front();
                }
                held.len()
            },
        );
    suite
        .group("append a token of 4 bytes that is merged, in memory")
        .ours("Journal: by name, under its lock", || Appending::new(token()), Appending::once)
        .floor(
            "behind a text, under a lock",
            || Mutex::new(String::new()),
            |text: &mut Mutex<String>| {
                let text = &*text;
                let mut held = text.lock().expect("nobody panics");
                if held.len() > 8 << 20 {
                    held.clear();
                }
                held.push_str("tide");
                held.len()
            },
        );
}

fn token() -> Append {
    Append::new("tide").merge(Mergeable::by(Text::new("answer")))
}

/// A journal with a whole answer.
fn answer() -> (Journal, LogName) {
    let mut appending = Appending::new(token());
    (0..TOKENS).for_each(|_| _ = appending.once());
    (appending.journal, appending.name)
}

fn tokens(suite: &mut Suite) {
    fn from(seq: u64) -> impl Fn() -> (Journal, LogName, Position) {
        move || {
            let (journal, name) = answer();
            let epoch = journal.tail(&name).expect("it is there").epoch;
            (journal, name, Position { epoch, seq })
        }
    }
    fn read((journal, name, after): &mut (Journal, LogName, Position)) -> usize {
        let batch = journal.read(name, *after, usize::MAX, 1).expect("nothing is gone");
        batch.entries().map(|entry| entry.body.len()).sum()
    }
    suite
        .group("read 20 000 tokens merged")
        .ours("from the beginning", from(0), read)
        .ours("from the middle of an entry", from(TOKENS / 2), read)
        .ours("a snapshot", answer, |(journal, name)| {
            let snapshot = journal.snapshot(name, 1).expect("nothing is gone");
            snapshot.entries.iter().map(|entry| entry.body.len()).sum::<usize>()
        })
        .peer(
            "20 000 parts put together",
            || vec![Bytes::from_static(b"tide"); TOKENS as usize],
            |parts| parts.concat(),
        )
        .floor("a copy of the text", || "tide".repeat(TOKENS as usize), |text| text.clone());
}

fn room(suite: &mut Suite) {
    fn beside(append: &Append, count: u64) -> f64 {
        let mut appending = Appending::new(append.clone());
        let begun = appending.journal.open_log(&appending.name, None, 0);
        begun.expect("there is memory");
        let info = measure(|| (0..count).for_each(|_| _ = appending.once()));
        let bodies = append.body.len() as f64;
        info.bytes_current as f64 / count as f64 - bodies
    }
    let small = Append::new(Bytes::from_static(&[b'x'; 64])).class(Class::Critical);
    let large = Append::new(Bytes::from_static(&[b'x'; BODY])).class(Class::Critical);
    let logs = 10_000_u64;
    let journal = Journal::in_memory(Limits::default(), epochs());
    let names: Vec<_> = (0..logs).map(name).collect();
    let idle = measure(|| {
        for name in &names {
            journal.open_log(name, None, 0).expect("there is memory");
        }
    });
    suite
        .group("room in memory, bytes")
        .fact("an entry of 64 bytes", "beside its own", beside(&small, 20_000))
        .fact("an entry of 200 bytes", "beside its own", beside(&large, 20_000))
        .fact("a merged token of 4 bytes", "beside its own", beside(&token(), TOKENS))
        .fact("a log without content", "all of it", idle.bytes_current as f64 / logs as f64);
}
