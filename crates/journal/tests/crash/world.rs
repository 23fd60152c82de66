//! Random work on a keeper and its simulated disk, step by step on one thread, so that a seed says it all.

use std::collections::HashMap;
use std::future::Future;
use std::ops::AddAssign;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tidegate_journal::disk::{
    Keeper, LogNumber, OpenError, Options, StoreError, Stored, Ticket, Writer, repair, verify,
};
use tidegate_journal::{
    Durability, Entry, Epoch, IdempotencyKey, Keyed, LastValue, LogName, Mergeable, Retention, Text,
};
use tidegate_message::Class;

use super::model::{Life, May};
use super::support::dice::Dice;
use super::support::sim::{Crash, Disk};

const LOGS: u64 = 5;
const DURABILITIES: [Durability; 4] =
    [Durability::Memory, Durability::Memory, Durability::Os, Durability::Fsync];

/// What happened in a run: a test that never crashed would prove nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    appends: u64,
    answered: u64,
    reads: u64,
    lost: u64,
    crashes: u64,
    ends: u64,
    repairs: u64,
    failures: u64,
    reopened: u64,
    removed: u64,
    refused: u64,
    merged: u64,
    rested: u64,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.appends += other.appends;
        self.answered += other.answered;
        self.reads += other.reads;
        self.lost += other.lost;
        self.crashes += other.crashes;
        self.ends += other.ends;
        self.repairs += other.repairs;
        self.failures += other.failures;
        self.reopened += other.reopened;
        self.removed += other.removed;
        self.refused += other.refused;
        self.merged += other.merged;
        self.rested += other.rested;
    }
}

impl Seen {
    /// Everything that can happen did.
    pub(crate) fn check(&self, alone: bool) {
        let all = [
            self.appends,
            self.answered,
            self.reads,
            self.lost,
            self.crashes,
            self.ends,
            self.repairs,
            self.failures,
            self.reopened,
            self.removed,
            self.refused,
            self.merged,
            self.rested,
        ];
        assert!(alone || all.iter().all(|count| *count > 0), "{self:?}");
    }
}

pub(crate) struct World {
    dice: Dice,
    disk: Disk,
    keeper: Keeper,
    writer: Writer,
    logs: Vec<Log>,
    epochs: u64,
    nonce: u64,
    pub(crate) seen: Seen,
}

struct Log {
    name: LogName,
    /// In use in this life of the process.
    open: Option<Open>,
    /// It was before, in this life of the process.
    rested: bool,
    may: May,
    lives: HashMap<Epoch, Life>,
    merge: Mergeable,
}

struct Open {
    number: LogNumber,
    epoch: Epoch,
    next: u64,
    waiting: Vec<(u64, Vec<u8>, Durability, Ticket)>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let disk = Disk::new();
        let (store, mark) = disk.open();
        let opened = Keeper::with_writer(store, mark, Options::default());
        let (keeper, writer, opened) = opened.expect("an empty disk opens");
        assert!(opened.created);
        let merges = [Mergeable::by(Text::new("t")), Mergeable::by(LastValue::new("k"))];
        let log = |at: u64| Log {
            name: format!("log:{at}").parse().expect("a name"),
            open: None,
            rested: false,
            may: vec![None],
            lives: HashMap::new(),
            merge: merges.get(at as usize).cloned().unwrap_or_default(),
        };
        let logs = (0..LOGS).map(log).collect();
        let (dice, seen) = (Dice::new(seed), Seen::default());
        Self { dice, disk, keeper, writer, logs, epochs: 0, nonce: 0, seen }
    }

    pub(crate) fn step(&mut self) {
        let at = self.dice.below(LOGS) as usize;
        match self.dice.below(1_000) {
            0..500 => self.append(at),
            500..800 => {
                self.writer.step();
            }
            800..900 => self.read(at),
            900..950 => self.trim(at),
            950..960 => self.forget_keys(at),
            960..963 => self.remove(at),
            963..965 => self.clear(at),
            985..988 => self.rest(at),
            965 => self.disk.fail_commit(false),
            966 => self.disk.fail_commit(true),
            967 => self.disk.fail_sync(),
            968 => self.disk.fail_reopen(),
            969 => self.disk.set_free(0),
            970..980 => self.disk.set_free(u64::MAX),
            980..985 | 988..996 => self.reopen(),
            996..998 => self.end(),
            _ => self.crash(),
        }
        self.collect();
    }

    fn epoch(&mut self) -> Epoch {
        self.epochs += 1;
        Epoch(self.epochs)
    }

    /// Steps until a ticket is answered.
    fn wait(&mut self, ticket: Ticket) -> Result<(), StoreError> {
        while !ticket.is_answered() {
            assert!(self.writer.step(), "somebody waits, and nothing is done");
        }
        ticket.wait()
    }

    /// What is answered by now has left.
    fn collect(&mut self) {
        for log in &mut self.logs {
            let Some(open) = &mut log.open else { continue };
            let life = log.lives.entry(open.epoch).or_default();
            let seen = &mut self.seen;
            open.waiting.retain_mut(|(seq, body, durability, ticket)| {
                if !ticket.is_answered() {
                    return true;
                }
                let mut context = Context::from_waker(Waker::noop());
                if Pin::new(ticket).poll(&mut context) == Poll::Ready(Ok(())) {
                    seen.answered += 1;
                    life.leave(*seq, body);
                    life.promise(*seq, *durability);
                } else {
                    seen.failures += 1;
                }
                false
            });
        }
    }

    fn append(&mut self, at: usize) {
        // Who asked a moment before the failure has its seq all the same.
        let asked_before = self.logs[at].open.is_some() && self.dice.chance(20);
        if let Err(error) = self.keeper.accepts()
            && !asked_before
        {
            self.seen.refused += 1;
            assert!(matches!(error, StoreError::Full { .. } | StoreError::Poisoned(_)), "{error}");
            return;
        }
        if !self.open(at) && !self.create(at) {
            return;
        }
        self.nonce += 1;
        let body = format!("{}|{:x}", "é".repeat(self.dice.below(8) as usize), self.nonce);
        let critical = self.dice.chance(20);
        let class = if critical { Class::Critical } else { Class::Coalescible };
        let durability = self.dice.choose(&DURABILITIES);
        let log = &mut self.logs[at];
        let Some(open) = &mut log.open else { return };
        let seq = open.next;
        open.next += 1;
        let key = IdempotencyKey::new("p", &self.nonce.to_string());
        let key = self.dice.chance(20).then(|| Keyed::new(key, body.as_bytes()));
        let life = log.lives.entry(open.epoch).or_default();
        life.tried.entry(seq).or_default().push(body.clone().into_bytes());
        if let Some(key) = key {
            life.keys.insert(seq, key);
        }
        let entry = Entry::whole(seq, self.nonce, class, body.clone().into());
        let ticket = self.keeper.write(open.number, entry, log.merge.clone(), key, durability);
        open.waiting.push((seq, body.into_bytes(), durability, ticket));
        self.seen.appends += 1;
    }

    /// Loads a log that is there, and checks all of it.
    fn open(&mut self, at: usize) -> bool {
        let log = &mut self.logs[at];
        if log.open.is_some() {
            return true;
        }
        // In the eyes of this process it is removed, or made, from the moment that this was asked for; whether that
        // outlives the process is said by the ticket.
        let Some(loaded) = self.keeper.load(&log.name).expect("no head is damaged") else {
            assert!(log.may.contains(&None), "{} is gone", log.name);
            return false;
        };
        let epoch = loaded.head.epoch;
        assert!(log.may.contains(&Some(epoch)), "{} has the epoch {epoch}", log.name);
        let life = log.lives.entry(epoch).or_default();
        life.check_head(&loaded);
        // It may have been asked for among seqs that never left.
        life.floor = life.floor.min(loaded.head.next - 1);
        let number = loaded.number;
        let items = self.keeper.read(number, loaded.head.floor, usize::MAX).expect("it reads");
        let end = life.check_read(loaded.head.floor, &items, !log.rested);
        log.rested = false;
        assert_eq!(end + 1, loaded.head.next, "the end of {} is not accounted for", log.name);
        let lost: u64 = loaded.head.lost.iter().map(|lost| lost.to - lost.from + 1).sum();
        let holes = items.iter().filter_map(|item| match item {
            Stored::Lost(lost) => Some(lost.to - lost.from + 1),
            Stored::Entry(_) => None,
        });
        assert!(lost <= holes.sum(), "said to be lost: {:?}, but read: {items:?}", loaded.head);
        self.seen.lost += lost;
        let merged =
            |item: &&Stored| matches!(item, Stored::Entry(entry) if entry.last > entry.first);
        self.seen.merged += items.iter().filter(merged).count() as u64;
        log.open = Some(Open { number, epoch, next: loaded.head.next, waiting: Vec::new() });
        true
    }

    fn create(&mut self, at: usize) -> bool {
        let epoch = self.epoch();
        self.logs[at].may.push(Some(epoch));
        let name = self.logs[at].name.clone();
        let Ok((number, ticket)) = self.keeper.begin_create(&name, epoch, Retention::RUN) else {
            return false;
        };
        let created = self.wait(ticket);
        let log = &mut self.logs[at];
        // In the eyes of this process it is there from now on; whether it outlives it is said by the ticket.
        log.open = Some(Open { number, epoch, next: 1, waiting: Vec::new() });
        if created.is_ok() {
            log.may = vec![Some(epoch)];
        }
        created.is_ok()
    }

    fn read(&mut self, at: usize) {
        let log = &mut self.logs[at];
        let Some(open) = &log.open else { return };
        let life = log.lives.entry(open.epoch).or_default();
        let after = life.floor + self.dice.below(open.next - life.floor);
        let max_bytes = self.dice.below(200) as usize;
        let items = self.keeper.read(open.number, after, max_bytes).expect("it reads");
        let end = life.check_read(after, &items, false);
        let bytes = items.iter().map(|item| match item {
            Stored::Entry(entry) => entry.body.len(),
            Stored::Lost(_) => 0,
        });
        let written = self.keeper.written(open.number);
        assert!(bytes.sum::<usize>() >= max_bytes || end >= written.max(after), "it stops early");
        self.seen.reads += 1;
    }

    fn trim(&mut self, at: usize) {
        let log = &mut self.logs[at];
        let Some(open) = &log.open else { return };
        let life = log.lives.entry(open.epoch).or_default();
        let floor = open.next.saturating_sub(1 + self.dice.below(60)).max(life.floor);
        life.floor = floor;
        life.prune();
        self.keeper.trim(open.number, floor);
    }

    fn forget_keys(&mut self, at: usize) {
        let log = &mut self.logs[at];
        let Some(open) = &log.open else { return };
        let life = log.lives.entry(open.epoch).or_default();
        life.forgotten = life.forgotten.max(self.dice.below(open.next));
        self.keeper.forget_keys(open.number, life.forgotten);
    }

    /// Nobody uses a log for a while; its next use loads it.
    fn rest(&mut self, at: usize) {
        let log = &mut self.logs[at];
        let keeper = &self.keeper;
        let idle = |open: &mut Open| {
            open.waiting.is_empty() && keeper.written(open.number) + 1 >= open.next
        };
        if let Some(open) = log.open.take_if(idle) {
            self.keeper.rest(open.number);
            log.rested = true;
            if self.dice.chance(20) {
                // It is not put to rest after all: the commit fails, and then it is wanted again.
                self.disk.fail_commit(self.dice.chance(50));
                self.writer.step();
            }
            self.seen.rested += 1;
        }
    }

    fn remove(&mut self, at: usize) {
        let log = &mut self.logs[at];
        let Some(open) = log.open.take() else { return };
        let ticket = self.keeper.remove(open.number);
        log.may.push(None);
        if self.wait(ticket).is_ok() {
            self.logs[at].may = vec![None];
            self.seen.removed += 1;
        }
    }

    /// A new life of a log that is there.
    fn clear(&mut self, at: usize) {
        if self.keeper.accepts().is_ok() && self.logs[at].open.take().is_some() {
            // Between the removal of the old and the making of the new, it may be absent.
            self.logs[at].may.push(None);
            self.create(at);
        }
    }

    fn reopen(&mut self) {
        let ticket = self.keeper.begin_reopen();
        if self.wait(ticket).is_ok() {
            self.seen.reopened += 1;
        }
    }

    /// An orderly end, and a start.
    fn end(&mut self) {
        let ticket = self.keeper.begin_close();
        let ended = self.wait(ticket);
        self.collect();
        self.seen.ends += 1;
        if ended.is_err() {
            return self.start(Crash::Process);
        }
        for log in &mut self.logs {
            if let Some(open) = log.open.take() {
                log.lives.entry(open.epoch).or_default().settle(open.next);
            }
        }
        let (store, mark) = self.disk.open();
        let opened = Keeper::with_writer(store, mark, Options::default());
        let (keeper, writer, opened) = opened.expect("what was closed in good order opens");
        assert!(opened.clean);
        (self.keeper, self.writer) = (keeper, writer);
        self.check_all();
    }

    fn crash(&mut self) {
        let how = [Crash::Process, Crash::Prefix, Crash::Reordered, Crash::Torn];
        let how = self.dice.choose(&how);
        self.seen.crashes += 1;
        if self.dice.chance(50) {
            // In the middle of a sync, with heads in it.
            self.disk.fail_sync();
            let at = self.dice.below(LOGS) as usize;
            if self.dice.chance(50) {
                self.clear(at);
            } else {
                self.remove(at);
            }
            self.collect();
        }
        self.start(how);
    }

    fn start(&mut self, how: Crash) {
        self.disk.crash(how, &mut self.dice);
        let survives = if how == Crash::Process { Durability::Os } else { Durability::Fsync };
        for log in &mut self.logs {
            (log.open, log.rested) = (None, false);
            log.lives.values_mut().for_each(|life| life.crash(survives));
            if how == Crash::Torn && log.may.contains(&None) {
                // Part of a removal that was under way.
                log.lives.values_mut().for_each(|life| life.promised.clear());
            }
        }
        self.disk.set_free(u64::MAX);
        let (store, mark) = self.disk.open();
        let opened = match Keeper::with_writer(store, mark, Options::default()) {
            Err(OpenError::Heads { .. }) if how == Crash::Torn => {
                self.repair();
                let (store, mark) = self.disk.open();
                Keeper::with_writer(store, mark, Options::default())
            }
            other => other,
        };
        let (keeper, writer, _) = opened.expect("what was only cut off opens");
        (self.keeper, self.writer) = (keeper, writer);
        self.check_all();
    }

    /// All logs are looked at after a start. What is found then stays.
    fn check_all(&mut self) {
        for at in 0..self.logs.len() {
            self.open(at);
            let log = &mut self.logs[at];
            log.may = vec![log.open.as_ref().map(|open| open.epoch)];
        }
    }

    fn repair(&mut self) {
        let (store, mut mark) = self.disk.open();
        let mut epochs = self.epochs;
        let mut before = HashMap::new();
        let report = verify(&store, &mark, &mut |log| {
            before.insert(log.name.clone(), log.epoch);
        });
        assert!(!report.expect("the disk works").is_whole());
        let repaired = repair(&store, &mut mark, &mut || {
            epochs += 1;
            Epoch(epochs)
        });
        let repaired = repaired.expect("the disk works");
        assert!(repaired.new_epochs);
        self.epochs = epochs;
        self.seen.repairs += 1;
        let report = verify(&store, &mark, &mut |_| {}).expect("the disk works");
        assert!(report.is_whole(), "{report:?}");
        for log in &mut self.logs {
            let Some(found) = repaired.logs.iter().find(|found| found.name == log.name) else {
                continue;
            };
            // Its life goes on under a new epoch.
            let life = before.get(&log.name).and_then(|epoch| log.lives.get(epoch));
            let life = life.cloned().unwrap_or_default();
            log.lives.insert(found.epoch, life);
            log.may.push(Some(found.epoch));
        }
    }
}
