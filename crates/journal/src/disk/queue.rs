//! What waits for the writer, in the order in which it was asked for. Knows no store.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::error::StoreError;
use super::number::LogNumber;
use super::ticket::Waiter;
use crate::append::{Durability, Keyed};
use crate::entry::Entry;
use crate::merge::{Join, Mergeable};

/// A commit takes at most so many of them.
pub(crate) const MOST: usize = 512;

/// Something to be written, and who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) what: What,
    pub(crate) waiter: Option<Waiter>,
}

/// What is to be written.
#[derive(Debug)]
pub(crate) enum What {
    /// The head of a log, as the keeper knows it by now; durably when it is new.
    Head(LogNumber),
    /// A reservation up to here.
    Reserve(LogNumber, u64),
    /// An entry.
    Entry(Box<Written>),
    /// Everything of a log goes.
    Remove(LogNumber),
    /// Entries that end behind the first and at the second seq or before go.
    Trim(LogNumber, u64, u64),
    /// The log is not in use for now.
    Rest(LogNumber),
    /// Keys of this seq and earlier ones go.
    Forget(LogNumber, u64),
}

/// An entry to be written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) number: LogNumber,
    pub(crate) entry: Entry,
    pub(crate) merge: Mergeable,
    /// How it belongs to the one before.
    pub(crate) join: Join,
    pub(crate) key: Option<Keyed>,
    pub(crate) durability: Durability,
}

/// What the writer does next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Writes these; none when it has rows to take away.
    Write(Vec<Job>),
    /// Opens the store again.
    Reopen(Vec<Waiter>),
    /// Ends.
    Close(Option<Waiter>),
}

/// The queue between those who ask and the writer.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    content: Mutex<Content>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Content {
    jobs: VecDeque<Job>,
    bytes: u64,
    reopen: Vec<Waiter>,
    closing: Option<Option<Waiter>>,
    /// Why nothing is written at present.
    poisoned: Option<StoreError>,
    /// The writer waits.
    idle: bool,
    /// There is no writer any more.
    abandoned: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts jobs at the end, one directly behind the other. While nothing is written they stay, and whoever waits
    /// for them is told why.
    pub(crate) fn push(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut content = self.lock();
        for mut job in jobs {
            if let Some(error) = &content.poisoned
                && let Some(waiter) = &mut job.waiter
            {
                waiter.split_off().answer(Err(error.clone()));
            }
            content.bytes += job.bytes();
            content.jobs.push_back(job);
        }
        self.rouse(&content);
    }

    pub(crate) fn reopen(&self, waiter: Waiter) {
        let mut content = self.lock();
        if content.abandoned {
            return;
        }
        content.reopen.push(waiter);
        self.rouse(&content);
    }

    pub(crate) fn close(&self, waiter: Option<Waiter>) {
        let mut content = self.lock();
        if content.abandoned {
            return;
        }
        content.closing = Some(waiter);
        self.rouse(&content);
    }

    fn rouse(&self, content: &Content) {
        if content.idle {
            self.wake.notify_one();
        }
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// What the writer does next. Waits, unless it is `busy` by itself.
    pub(crate) fn turn(&self, busy: bool) -> Turn {
        let mut content = self.lock();
        loop {
            if let Some(turn) = content.turn(busy) {
                return turn;
            }
            content.idle = true;
            content = self.wake.wait(content).unwrap_or_else(PoisonError::into_inner);
            content.idle = false;
        }
    }

    /// What the writer does next, when there is anything. Does not wait.
    pub(crate) fn turn_now(&self, busy: bool) -> Option<Turn> {
        self.lock().turn(busy)
    }

    /// From now on nothing is written. What waits stays; who waits is told.
    pub(crate) fn poison(&self, error: &StoreError) {
        let mut content = self.lock();
        content.poisoned = Some(error.clone());
        let waiters = content.jobs.iter_mut().filter_map(|job| job.waiter.as_mut());
        let waiters: Vec<_> = waiters.map(Waiter::split_off).collect();
        drop(content);
        waiters.into_iter().for_each(|waiter| waiter.answer(Err(error.clone())));
    }

    /// Nothing is written any more, and nobody waits.
    pub(crate) fn abandon(&self) {
        self.poison(&StoreError::Closed);
        let mut content = self.lock();
        let reopen = std::mem::take(&mut content.reopen);
        let closing = content.closing.take();
        content.abandoned = true;
        drop(content);
        drop((reopen, closing));
    }

    /// From now on it goes on.
    pub(crate) fn heal(&self) {
        self.lock().poisoned = None;
    }
}

impl Content {
    fn turn(&mut self, busy: bool) -> Option<Turn> {
        if !self.reopen.is_empty() {
            return Some(Turn::Reopen(std::mem::take(&mut self.reopen)));
        }
        let writes = self.poisoned.is_none();
        if writes && !self.jobs.is_empty() {
            let count = self.jobs.len().min(MOST);
            let jobs: Vec<_> = self.jobs.drain(..count).collect();
            self.bytes -= jobs.iter().map(Job::bytes).sum::<u64>();
            return Some(Turn::Write(jobs));
        }
        if let Some(waiter) = self.closing.take() {
            return Some(Turn::Close(waiter));
        }
        (writes && busy).then(|| Turn::Write(Vec::new()))
    }
}

impl Job {
    fn bytes(&self) -> u64 {
        match &self.what {
            What::Entry(written) => written.entry.body.len() as u64 + 128,
            _ => 64,
        }
    }
}
