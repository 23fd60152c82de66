//! A journal in memory against a model of ten lines: a list of bodies a log. A million random steps; each run of one
//! seed is a journal of its own, with few bytes, so that logs give way to each other all the time.
//!
//! `TIDEGATE_SEED=N` runs one seed alone; `TIDEGATE_LONG=1` runs twenty times as many.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::print_stdout, reason = "figures and seeds are for who runs it")]

#[path = "support/dice.rs"]
mod dice;

use std::collections::HashMap;

use dice::Dice;
use tidegate_journal::{
    Append, AppendError, Batch, Cuts, Entry, IdempotencyKey, Item, Journal, KeyWindow, LastValue,
    Limits, LogName, Mergeable, Position, ReadError, Retention, Text,
};
use tidegate_message::Class;

const SEEDS: u64 = 200;
const STEPS: u64 = 5_000;
const LOGS: u64 = 6;
const KEYS: KeyWindow = KeyWindow { age_ms: 2_000, max_keys: 20 };
const LIMITS: Limits = Limits {
    max_bytes: 192 * 1_024,
    max_entry_bytes: 20_000,
    retention: Retention { entries: 300, bytes: 60_000, age_ms: 30_000, after_end_ms: 500 },
    keys: KEYS,
    idle_ms: 60_000,
};

/// What a log must have: every body that was appended, and the keys that it must know.
#[derive(Default)]
struct Model {
    start: Option<Position>,
    bodies: Vec<Vec<u8>>,
    keys: Vec<(u64, usize, u64)>,
}

struct Reader {
    log: u64,
    position: Position,
    /// What it has not let go yet.
    held: Vec<Batch>,
}

struct World {
    dice: Dice,
    journal: Journal,
    models: HashMap<u64, Model>,
    readers: Vec<Reader>,
    policies: Vec<Mergeable>,
    now_ms: u64,
}

#[test]
fn readers_get_what_was_appended_or_are_told_what_is_gone() {
    let alone = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let times = if std::env::var_os("TIDEGATE_LONG").is_some() { 20 } else { 1 };
    let seeds = alone.map_or(0..SEEDS * times, |seed: u64| seed..seed + 1);
    println!("figures: seeds {seeds:?}, {STEPS} steps each");
    for seed in seeds {
        let _said = Said(seed);
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.end();
    }
}

/// Says which seed it was, if it fails.
struct Said(u64);

impl Drop for Said {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("this was seed {}: TIDEGATE_SEED={0} runs it alone", self.0);
        }
    }
}

fn name(log: u64) -> LogName {
    LogName::new(&format!("log:{log}")).unwrap()
}

impl World {
    fn new(seed: u64) -> Self {
        let epochs = std::sync::atomic::AtomicU64::new(seed << 32);
        let next = move || epochs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self {
            dice: Dice::new(seed),
            journal: Journal::in_memory(LIMITS, next),
            models: HashMap::new(),
            readers: Vec::new(),
            policies: vec![
                Mergeable::NEVER,
                Mergeable::by(Text::new("a")),
                Mergeable::by(Text::new("b")),
                Mergeable::by(LastValue::new("c")),
            ],
            now_ms: 1_000_000,
        }
    }

    fn step(&mut self) {
        self.now_ms += self.dice.below(20);
        let log = self.dice.below(LOGS);
        match self.dice.below(100) {
            0..55 => self.append(log),
            55..60 => self.begin_reader(log),
            60..92 => self.read(),
            92..94 => self.snapshot(log),
            94..96 => self.let_go(),
            96..98 => drop(self.journal.sweep(self.now_ms)),
            98 => self.restart(log),
            _ => self.now_ms += self.dice.below(10_000),
        }
        let used = self.journal.stats().bytes;
        assert!(used <= LIMITS.max_bytes + 48 * 1_024, "{used} bytes are used");
    }

    fn append(&mut self, log: u64) {
        let size = match self.dice.below(50) {
            0 => self.dice.below(20_001),
            1..5 => self.dice.below(1_000),
            _ => self.dice.below(30),
        };
        let body: Vec<u8> = (0..size).map(|_| b'a' + self.dice.below(26) as u8).collect();
        let policy = self.policies[self.dice.below(4) as usize].clone();
        let class = if self.dice.chance(5) { Class::Critical } else { Class::Coalescible };
        let mut append = Append::new(body.clone()).merge(policy).class(class);
        let key = self.dice.chance(5).then(|| self.dice.below(30));
        if let Some(key) = key {
            append = append.key(IdempotencyKey::new("model", &key.to_string()));
        }
        let model = self.models.entry(log).or_default();
        let known = key.and_then(|key| {
            let young = |at: u64| self.now_ms - at < KEYS.age_ms;
            while model.keys.first().is_some_and(|(.., at)| !young(*at))
                || model.keys.len() + 1 > KEYS.max_keys as usize
            {
                model.keys.remove(0);
            }
            model.keys.iter().find(|(known, ..)| *known == key).copied()
        });
        let appended = self.journal.append(&name(log), append, self.now_ms);
        match (appended, known) {
            (Ok(appended), Some((_, seq, _))) => {
                assert!(appended.repeat && model.bodies[seq - 1] == body);
                assert_eq!(appended.position.seq, seq as u64);
            }
            (Ok(appended), None) => {
                model.bodies.push(body);
                assert!(!appended.repeat);
                let Position { epoch, seq } = appended.position;
                assert_eq!(seq, model.bodies.len() as u64);
                let start = *model.start.get_or_insert(Position { epoch, seq: 0 });
                assert_eq!(start.epoch, epoch);
                model.keys.extend(key.map(|key| (key, seq as usize, self.now_ms)));
            }
            (Err(AppendError::KeyReused { first }), Some((_, seq, _))) => {
                assert!(first.seq == seq as u64 && model.bodies[seq - 1] != body);
            }
            // Readers hold most of it.
            (Err(AppendError::OverBudget { held, .. }), _) => {
                assert!(held + body.len() + 256 > LIMITS.max_bytes);
                assert!(self.readers.iter().any(|reader| !reader.held.is_empty()));
                self.readers.iter_mut().for_each(|reader| reader.held.clear());
            }
            (other, known) => panic!("{other:?} where {known:?} was known"),
        }
    }

    fn begin_reader(&mut self, log: u64) {
        let position = match self.models.get(&log).and_then(|model| model.start) {
            Some(start) if self.dice.chance(50) => start,
            _ => match self.journal.open_log(&name(log), None, self.now_ms) {
                Ok(position) => {
                    let model = self.models.entry(log).or_default();
                    model.start.get_or_insert(Position { seq: 0, ..position });
                    position
                }
                Err(error) => {
                    assert!(matches!(error, AppendError::OverBudget { .. }), "{error}");
                    return;
                }
            },
        };
        self.readers.push(Reader { log, position, held: Vec::new() });
        if self.readers.len() > 12 {
            let place = self.dice.below(12) as usize;
            self.readers.swap_remove(place);
        }
    }

    fn read(&mut self) {
        let place = self.dice.below(self.readers.len() as u64) as usize;
        let Some(reader) = self.readers.get_mut(place) else { return };
        let max_bytes = self.dice.below(2_000) as usize;
        let model = &self.models[&reader.log];
        let tail = model.bodies.len() as u64;
        match self.journal.read(&name(reader.log), reader.position, max_bytes, self.now_ms) {
            Ok(batch) => {
                assert_eq!(batch.items.is_empty(), reader.position.seq == tail);
                assert_eq!(batch.tail, tail);
                reader.position.seq = check(model, reader.position.seq, &batch, max_bytes);
                if self.dice.chance(30) {
                    reader.held.push(batch);
                }
            }
            Err(ReadError::BelowFloor { floor }) => {
                assert!(reader.position.seq < floor && floor <= tail);
                reader.position.seq = floor;
            }
            Err(error) => panic!("{error:?} at {}", reader.position),
        }
    }

    fn snapshot(&mut self, log: u64) {
        let Some(model) = self.models.get(&log).filter(|model| model.start.is_some()) else {
            return;
        };
        match self.journal.snapshot(&name(log), self.now_ms) {
            Ok(snapshot) => {
                let items = snapshot.entries.into_iter().map(Item::Entry).collect();
                let batch = Batch { items, tail: snapshot.last, ended: snapshot.ended };
                assert_eq!(check(model, 0, &batch, usize::MAX), model.bodies.len() as u64);
            }
            Err(error) => assert!(matches!(error, ReadError::BelowFloor { .. }), "{error:?}"),
        }
    }

    fn let_go(&mut self) {
        let reader = self.dice.below(self.readers.len() as u64) as usize;
        if let Some(reader) = self.readers.get_mut(reader) {
            reader.held.clear();
        }
    }

    /// Ends a log, or removes or clears it: its readers are told.
    fn restart(&mut self, log: u64) {
        let Some(start) = self.models.get(&log).and_then(|model| model.start) else { return };
        let name = name(log);
        match self.dice.below(3) {
            0 => {
                self.journal.end(&name, self.now_ms).unwrap();
                let refused = self.journal.append(&name, Append::new("x"), self.now_ms);
                assert!(matches!(
                    refused,
                    Err(AppendError::Ended | AppendError::OverBudget { .. })
                ));
                self.now_ms += 500;
                let batch =
                    self.journal.read(&name, self.journal.tail(&name).unwrap(), 1, self.now_ms);
                assert!(batch.unwrap().ended);
                let _ = self.journal.sweep(self.now_ms);
                assert_eq!(self.journal.tail(&name), Err(ReadError::Unknown));
            }
            1 => {
                self.journal.remove(&name).unwrap();
                let read = self.journal.read(&name, start, 1, self.now_ms);
                assert_eq!(read, Err(ReadError::Unknown));
            }
            _ => {
                // There may be no room for the new one.
                if let Ok(Position { epoch: have, .. }) = self.journal.clear(&name, self.now_ms) {
                    let read = self.journal.read(&name, start, 1, self.now_ms);
                    assert_eq!(read, Err(ReadError::OtherEpoch { have }));
                    let _ = self.journal.remove(&name);
                }
            }
        }
        self.models.remove(&log);
        self.readers.retain(|reader| reader.log != log);
    }

    fn end(self) {
        let budget = std::sync::Arc::clone(self.journal.budget());
        drop(self);
        assert_eq!(budget.used(), 0, "something was counted and not given back");
    }
}

/// Holds what was read against the model; answers the last seq.
fn check(model: &Model, after: u64, batch: &Batch, max_bytes: usize) -> u64 {
    let bytes = |from: usize| -> usize { batch.entries().skip(from).map(|it| it.body.len()).sum() };
    assert!(bytes(0) <= max_bytes || bytes(1) == 0, "only the first may be over {max_bytes}");
    batch.items.iter().fold(after, |after, item| match item {
        Item::Entry(entry) => {
            assert!(entry.first == after + 1 && entry.is_sound(), "{entry:?} follows {after}");
            assert_eq!(expected(model, entry), &entry.body[..]);
            entry.last
        }
        Item::Lost(lost) => panic!("{lost:?} in memory"),
    })
}

fn expected(model: &Model, entry: &Entry) -> Vec<u8> {
    let bodies = &model.bodies[entry.first as usize - 1..entry.last as usize];
    match &entry.cuts {
        Cuts::Whole => bodies[0].clone(),
        Cuts::Latest => bodies.last().cloned().unwrap_or_default(),
        Cuts::Text(lengths) => {
            assert!(lengths.iter().eq(bodies.iter().map(|body| body.len() as u64)));
            bodies.concat()
        }
    }
}
