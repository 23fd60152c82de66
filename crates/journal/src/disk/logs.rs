//! What the keeper knows of logs that were loaded since it was opened. Knows no store and no thread.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::head_row::HeadRow;
use super::number::LogNumber;
use crate::head::Lost;
use crate::name::LogName;

/// The logs in use, by number and by name.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    by_number: HashMap<LogNumber, Known>,
    by_name: HashMap<LogName, LogNumber>,
    pub(crate) next_number: u64,
    /// How many logs were removed, or put to rest, since the start.
    pub(crate) removals: u64,
}

/// One log in use.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) name: LogName,
    /// As the next commit writes it.
    pub(crate) row: HeadRow,
    /// The weight of the row that is in the store; `None` when none is there.
    pub(crate) stored: Option<u64>,
    /// Seqs up to here may leave the process: their reservation is durable.
    pub(crate) reserved: u64,
    /// The seq after the last that was handed in, or that may have left an earlier process.
    pub(crate) next: u64,
    /// All up to here is in the store, or known as lost.
    pub(crate) written: u64,
    /// Rows that end here or before have been taken away.
    pub(crate) swept: u64,
    /// The floor has risen since rows were last taken away.
    pub(crate) untrimmed: bool,
    /// The row is not as it is in the store.
    pub(crate) changed: bool,
    /// It is being removed.
    pub(crate) removed: bool,
    /// Nobody uses it, since it was last loaded or written to.
    pub(crate) resting: bool,
}

/// The logs, shared between those who ask and the writer.
#[derive(Debug, Default)]
pub(crate) struct SharedLogs(Mutex<Logs>);

impl SharedLogs {
    pub(crate) fn new(next_number: u64) -> Self {
        Self(Mutex::new(Logs { next_number, ..Logs::default() }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Logs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Logs {
    pub(crate) fn get(&self, number: LogNumber) -> Option<&Known> {
        self.by_number.get(&number)
    }

    pub(crate) fn get_mut(&mut self, number: LogNumber) -> Option<&mut Known> {
        self.by_number.get_mut(&number)
    }

    pub(crate) fn named(&self, name: &LogName) -> Option<&Known> {
        self.by_number.get(self.by_name.get(name)?)
    }

    /// The log of a name, which is in use from now on.
    pub(crate) fn wake(&mut self, name: &LogName) -> Option<Known> {
        let known = self.by_number.get_mut(self.by_name.get(name)?)?;
        known.resting = false;
        Some(known.clone())
    }

    pub(crate) fn insert(&mut self, known: Known) {
        self.by_name.insert(known.name.clone(), known.row.number);
        self.by_number.insert(known.row.number, known);
    }

    pub(crate) fn drop_number(&mut self, number: LogNumber) {
        let Some(known) = self.by_number.remove(&number) else { return };
        self.removals += 1;
        if self.by_name.get(&known.name) == Some(&number) {
            self.by_name.remove(&known.name);
        }
    }

    pub(crate) fn take_number(&mut self) -> LogNumber {
        let number = LogNumber(self.next_number);
        self.next_number += 1;
        number
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Known> {
        self.by_number.values_mut()
    }
}

impl Known {
    /// A log that is just being made.
    pub(crate) fn new(name: LogName, row: HeadRow) -> Self {
        let next = row.floor + 1;
        Self {
            name,
            stored: None,
            reserved: row.floor,
            next,
            written: row.floor,
            swept: 0,
            untrimmed: false,
            changed: true,
            removed: false,
            resting: false,
            row,
        }
    }

    /// A log as it was found: its row, and the last seq of its last entry. What was reserved and is not there may
    /// have been seen, and is lost.
    pub(crate) fn found(name: LogName, row: HeadRow, last: u64) -> Self {
        let stored = Some(row.weight(name.as_str().as_bytes()));
        let there = last.max(row.floor);
        let end = row.reserved_to.max(there);
        let mut known = Self {
            name,
            stored,
            reserved: row.reserved_to,
            next: end.saturating_add(1),
            written: end,
            swept: 0,
            untrimmed: false,
            changed: false,
            removed: false,
            resting: false,
            row,
        };
        if end > there {
            known.note_lost(Lost { from: there + 1, to: end });
        }
        known
    }

    /// All that is reserved has become durable.
    pub(crate) fn reserve_done(&mut self) {
        self.reserved = self.row.reserved_to;
    }

    /// Keeps in mind that the last seqs are lost.
    fn note_lost(&mut self, lost: Lost) {
        // Whatever was said to be lost behind it is part of it.
        self.row.lost.retain(|known| known.from < lost.from);
        match self.row.lost.last_mut() {
            Some(last) if last.to.saturating_add(1) >= lost.from => last.to = last.to.max(lost.to),
            _ => self.row.lost.push(lost),
        }
        self.changed = true;
    }

    /// What is lost behind the floor.
    pub(crate) fn lost(&self) -> Vec<Lost> {
        let floor = self.row.floor;
        let behind = self.row.lost.iter().filter(|lost| lost.to > floor);
        behind.map(|lost| Lost { from: lost.from.max(floor + 1), to: lost.to }).collect()
    }

    /// The row that the store gets now.
    pub(crate) fn head_value(&mut self) -> Vec<u8> {
        self.row.lost = self.lost();
        self.changed = false;
        self.row.encode(self.name.as_str())
    }
}
