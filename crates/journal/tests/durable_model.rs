//! A journal on a simulated disk against a model: random appends at all durabilities, reads, sweeps, write errors and crashes,
//! with so little memory that most of it is read from the disk. Every reader gets what was appended, or is told that
//! it is gone or lost; and nothing is lost that was answered as safe.
//!
//! The writer is a thread, so a seed says what is asked, but not what is in one commit. `TIDEGATE_SEED=N` runs one seed
//! alone; `TIDEGATE_LONG=1` runs five hundred times as many.
#![cfg(feature = "disk")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by it, and says by which seed"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use support::dice::Dice;
use support::sim::{Crash, Disk};
use tidegate_journal::disk::{Keeper, Options};
use tidegate_journal::{
    Append, AppendError, Batch, Cuts, Durability, Entry, Item, Journal, LastValue, Limits, LogName,
    Mergeable, Position, ReadError, Receipt, Retention, Text,
};

const SEEDS: u64 = 40;
const STEPS: u64 = 1_000;
const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: 64 << 20 };
const LIMITS: Limits = Limits {
    max_bytes: 96 * 1_024,
    max_entry_bytes: 20_000,
    retention: Retention { entries: 3_000, bytes: 1 << 20, age_ms: 100_000, after_end_ms: 500 },
    keys: tidegate_journal::KeyWindow { age_ms: 2_000, max_keys: 20 },
    idle_ms: 2_000,
};

#[derive(Default)]
struct Model {
    bodies: BTreeMap<u64, Vec<u8>>,
    /// What outlives the process, and what outlives the machine.
    safe: [BTreeSet<u64>; 2],
    waiting: Vec<(u64, Durability, Receipt)>,
}

struct World {
    dice: Dice,
    disk: Disk,
    journal: Journal,
    epochs: Arc<AtomicU64>,
    names: Vec<LogName>,
    starts: Vec<Position>,
    models: Vec<Model>,
    readers: Vec<(usize, Position)>,
    policies: Vec<Mergeable>,
    now_ms: u64,
}

#[test]
fn readers_of_a_journal_on_a_disk_get_everything_or_are_told() {
    let alone = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let times = if std::env::var_os("TIDEGATE_LONG").is_some() { 500 } else { 1 };
    let seeds = alone.map_or(0..SEEDS * times, |seed: u64| seed..seed + 1);
    println!("figures: seeds {seeds:?}, {STEPS} steps each");
    for seed in seeds {
        let _said = Said(seed);
        let mut world = World::new(seed);
        (0..STEPS).for_each(|_| world.step());
        world.read_everything();
    }
}

struct Said(u64);

impl Drop for Said {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("this was seed {}: TIDEGATE_SEED={0} runs it alone", self.0);
        }
    }
}

fn open(disk: &Disk, epochs: &Arc<AtomicU64>) -> Journal {
    let (store, mark) = disk.open();
    let (keeper, _) = Keeper::open(store, mark, OPTIONS).unwrap();
    let epochs = Arc::clone(epochs);
    Journal::with_keeper(keeper, LIMITS, move || epochs.fetch_add(1, Ordering::Relaxed))
}

impl World {
    fn new(seed: u64) -> Self {
        let (disk, epochs) = (Disk::new(), Arc::new(AtomicU64::new(seed << 32)));
        let journal = open(&disk, &epochs);
        let names: Vec<LogName> = (0..4).map(|log| format!("log:{log}").parse().unwrap()).collect();
        let now_ms = 1_000_000;
        let start = |name| journal.open_log(name, None, now_ms).unwrap();
        let starts: Vec<_> = names.iter().map(start).collect();
        Self {
            dice: Dice::new(seed),
            models: names.iter().map(|_| Model::default()).collect(),
            readers: starts.iter().copied().enumerate().cycle().take(8).collect(),
            policies: vec![
                Mergeable::NEVER,
                Mergeable::by(Text::new("a")),
                Mergeable::by(LastValue::new("b")),
            ],
            disk,
            journal,
            epochs,
            names,
            starts,
            now_ms,
        }
    }

    fn step(&mut self) {
        self.now_ms += self.dice.below(20);
        match self.dice.below(1_000) {
            0..600 => self.append(),
            600..900 => self.read(),
            900..950 => self.settle(),
            950..980 => drop(self.journal.sweep(self.now_ms)),
            980..990 => self.now_ms += self.dice.below(3_000),
            990..995 => self.fail(),
            _ => self.crash(),
        }
    }

    fn append(&mut self) {
        let log = self.dice.below(4) as usize;
        let size = if self.dice.chance(5) { self.dice.below(6_000) } else { self.dice.below(60) };
        let body: Vec<u8> = (0..size).map(|_| b'a' + self.dice.below(26) as u8).collect();
        let durability = match self.dice.below(10) {
            0 => Durability::Fsync,
            1..3 => Durability::Os,
            _ => Durability::Memory,
        };
        let policy = self.policies[self.dice.below(3) as usize].clone();
        let append = Append::new(body.clone()).merge(policy).durability(durability);
        match self.journal.append(&self.names[log], append, self.now_ms) {
            Ok(appended) => {
                self.noted(log, appended.position);
                let model = &mut self.models[log];
                let seq = appended.position.seq;
                let last = model.bodies.last_key_value().map_or(0, |(last, _)| *last);
                assert!(seq > last, "the seq {seq} was given twice");
                model.bodies.insert(seq, body);
                if durability > Durability::Memory {
                    model.waiting.push((seq, durability, appended.receipt));
                }
            }
            // What waits for the disk holds the memory.
            Err(AppendError::OverBudget { .. }) => self.settle(),
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Waits for what was asked for.
    fn settle(&mut self) {
        for (log, model) in self.models.iter_mut().enumerate() {
            for (seq, durability, receipt) in model.waiting.drain(..) {
                if receipt.wait().is_ok() {
                    let tail = self.journal.tail(&self.names[log]).unwrap();
                    model.safe[0].insert(seq);
                    if durability == Durability::Fsync {
                        assert!(tail.seq >= seq, "{seq} was answered, and nobody can read it");
                        model.safe[1].insert(seq);
                    }
                }
            }
        }
    }

    fn read(&mut self) {
        let place = self.dice.below(self.readers.len() as u64) as usize;
        let (log, mut at) = self.readers[place];
        match self.journal.read(&self.names[log], at, self.dice.below(20_000) as usize, self.now_ms)
        {
            Ok(batch) => {
                assert_eq!(batch.items.is_empty(), at.seq == batch.tail);
                at.seq = check(&self.models[log], at.seq, &batch, 0);
            }
            Err(ReadError::BelowFloor { floor }) => at.seq = floor,
            Err(ReadError::Unknown) => return self.begin_again(log),
            Err(error) => panic!("{error:?} at {at}"),
        }
        self.readers[place].1 = at;
        if self.dice.chance(5) {
            self.readers[place].1 = self.journal.floor(&self.names[log]).unwrap();
        }
    }

    /// A log that nothing was ever appended to is forgotten when nobody has used it for a while: nothing else is.
    fn begin_again(&mut self, log: usize) {
        let start = self.journal.open_log(&self.names[log], None, self.now_ms).unwrap();
        self.noted(log, start);
    }

    /// The epoch of a log stays, unless it had begun anew while it was empty.
    fn noted(&mut self, log: usize, position: Position) {
        let start = Position { seq: 0, ..position };
        if start != self.starts[log] {
            assert!(self.models[log].bodies.is_empty(), "{} begins anew", self.names[log]);
            self.starts[log] = start;
            let readers = self.readers.iter_mut().filter(|(its, _)| *its == log);
            readers.for_each(|(_, at)| *at = start);
        }
    }

    /// The disk refuses a write, and then goes again.
    fn fail(&mut self) {
        match self.dice.below(3) {
            0 => self.disk.fail_sync(),
            part => self.disk.fail_commit(part == 1),
        }
        for log in 0..self.names.len() {
            let append = Append::new("lost?").durability(Durability::Fsync);
            let name = &self.names[log];
            if let Ok(appended) = self.journal.append(name, append, self.now_ms) {
                self.noted(log, appended.position);
                self.models[log].bodies.insert(appended.position.seq, b"lost?".to_vec());
                let _ = appended.receipt.wait();
            }
        }
        self.settle();
        while self.journal.reopen().is_err() {}
    }

    fn crash(&mut self) {
        self.settle();
        let how = self.dice.choose(&[Crash::Process, Crash::Prefix]);
        self.disk.crash(how, &mut self.dice);
        self.journal = open(&self.disk, &self.epochs);
        let safe = usize::from(how == Crash::Prefix);
        for log in 0..self.names.len() {
            if self.journal.tail(&self.names[log]) == Err(ReadError::Unknown) {
                self.begin_again(log);
            }
            let name = &self.names[log];
            let tail = self.journal.tail(name).unwrap();
            assert_eq!(tail.epoch, self.starts[log].epoch);
            let last = self.models[log].bodies.last_key_value().map_or(0, |(last, _)| *last);
            assert!(tail.seq >= last, "{} goes on at {}, but {last} was given", name, tail.seq);
            self.read_log(log, safe);
            // What is not there now will never be.
            let model = &mut self.models[log];
            model.safe[0] = model.safe[safe].clone();
        }
    }

    /// From the floor to the end: nothing that is safe is missing.
    fn read_log(&self, log: usize, safe: usize) {
        let name = &self.names[log];
        let mut at = self.journal.floor(name).unwrap();
        loop {
            match self.journal.read(name, at, 50_000, self.now_ms) {
                Ok(batch) if batch.items.is_empty() => break,
                Ok(batch) => at.seq = check(&self.models[log], at.seq, &batch, safe),
                Err(ReadError::BelowFloor { floor }) => at.seq = floor,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(Ok(at), self.journal.tail(name));
    }

    fn read_everything(&mut self) {
        self.settle();
        for log in 0..self.names.len() {
            if self.journal.tail(&self.names[log]) == Err(ReadError::Unknown) {
                self.begin_again(log);
            }
            self.read_log(log, 0);
        }
        self.journal.close().unwrap();
    }
}

/// Holds what was read against the model; answers the last seq.
fn check(model: &Model, after: u64, batch: &Batch, safe: usize) -> u64 {
    batch.items.iter().fold(after, |after, item| {
        assert_eq!(item.first(), after + 1);
        match item {
            Item::Entry(entry) => check_entry(model, entry),
            Item::Lost(lost) => {
                let safe = model.safe[safe].range(lost.from..=lost.to).next();
                assert_eq!(safe, None, "{lost:?} was answered as safe");
            }
        }
        item.last()
    })
}

fn check_entry(model: &Model, entry: &Entry) {
    assert!(entry.is_sound());
    let bodies: Vec<_> = model.bodies.range(entry.first..=entry.last).collect();
    assert_eq!(bodies.len() as u64, entry.last - entry.first + 1, "{entry:?} was never appended");
    let expected = match &entry.cuts {
        Cuts::Whole | Cuts::Latest => bodies.last().map(|(_, body)| (*body).clone()),
        Cuts::Text(lengths) => {
            assert!(lengths.iter().eq(bodies.iter().map(|(_, body)| body.len() as u64)));
            Some(bodies.iter().flat_map(|(_, body)| body.iter().copied()).collect())
        }
    };
    assert_eq!(expected.as_deref(), Some(&entry.body[..]));
}
