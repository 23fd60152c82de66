//! One commit in the making: jobs become rows. Knows no store and no thread.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use tidegate_message::Class;

use super::blocks;
use super::error::StoreError;
use super::logs::{Known, Logs};
use super::meta_row::{MetaRow, gone_key};
use super::number::{LogNumber, row_key};
use super::queue::{Job, What, Written};
use super::record;
use super::store::{Batch, Space};
use super::sweep::Sweep;
use super::ticket::Waiter;
use crate::append::Durability;
use crate::entry::{Cuts, Entry};
use crate::head::KnownKey;
use crate::merge::{Join, Mergeable};
use crate::{Lengths, varint};

/// Entries are not merged beyond so many bytes of body.
const MAX_MERGED: usize = 64 << 10;

/// What one commit writes, and who is answered when.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) batch: Batch,
    /// Somebody waits for the disk, or must not be answered before it.
    pub(crate) sync: bool,
    pub(crate) after_write: Vec<Waiter>,
    pub(crate) after_sync: Vec<Waiter>,
    /// The last seq of each log that has entries in it.
    pub(crate) written: BTreeMap<LogNumber, u64>,
    /// Rows that are to be taken away from now on.
    pub(crate) sweeps: Vec<Sweep>,
    /// Logs whose reservations are durable when it is synced.
    pub(crate) reserved: Vec<LogNumber>,
    /// Logs that may be forgotten when it is written.
    pub(crate) rested: Vec<LogNumber>,
    /// Logs that are gone when it is written.
    pub(crate) removed: Vec<LogNumber>,
}

impl Draft {
    /// Makes one of jobs. The rows are made before `logs` is locked.
    pub(crate) fn of(jobs: Vec<Job>) -> Pending {
        let mut pending = Pending::default();
        for job in jobs {
            match job.what {
                What::Entry(written) => pending.take_entry(*written, job.waiter),
                what => pending.rest.push(Job { what, waiter: job.waiter }),
            }
        }
        pending
    }
}

/// Jobs whose entries are merged and in their order.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    rows: Vec<Merging>,
    newest: HashMap<LogNumber, usize>,
    keys: Vec<(LogNumber, KnownKey)>,
    /// What is no entry, in its order.
    rest: Vec<Job>,
    waiters: Vec<(LogNumber, u64, Durability, Waiter)>,
    sync: bool,
}

/// An entry that neighbours may still join.
#[derive(Debug)]
struct Merging {
    number: LogNumber,
    entry: Entry,
    merge: Mergeable,
    /// How it belongs to the one before.
    join: Join,
    /// Nobody waits for it, so that it may be part of another row.
    loose: bool,
    /// The concatenated bodies and lengths, once there are several.
    text: Option<(Vec<u8>, Vec<u8>)>,
}

impl Pending {
    fn take_entry(&mut self, written: Written, waiter: Option<Waiter>) {
        let Written { number, entry, merge, join, key, durability } = written;
        self.sync |= durability == Durability::Fsync;
        if let Some(keyed) = key {
            let known = KnownKey { keyed, seq: entry.last, at_ms: entry.at_ms };
            self.keys.push((number, known));
        }
        if let Some(waiter) = waiter {
            self.waiters.push((number, entry.last, durability, waiter));
        }
        let loose = durability == Durability::Memory && entry.class == Class::Coalescible;
        let newest = self.newest.get(&number).and_then(|at| self.rows.get_mut(*at));
        if newest.is_some_and(|newest| loose && newest.joined(&entry, &merge)) {
            return;
        }
        self.newest.insert(number, self.rows.len());
        self.rows.push(Merging { number, entry, merge, join, loose, text: None });
    }

    /// The commit of all of it, and of the heads that change with it.
    pub(crate) fn into_draft(self, logs: &mut Logs, meta: &mut MetaRow) -> Draft {
        let mut draft = Draft { sync: self.sync, ..Draft::default() };
        // What makes and removes logs stands in the order in which it was asked for; entries come after the head of
        // their log in any case, because a log is made before it is written to.
        for job in self.rest {
            draft.take(job, logs, meta);
        }
        for row in self.rows {
            draft.put_entry(row, logs);
        }
        for (number, known) in self.keys {
            if draft.written.contains_key(&number) {
                let (key, value) = record::encode_key(number, &known);
                draft.batch.put(Space::Keys, key.to_vec(), value);
            }
        }
        draft.reserve(logs, meta);
        for (number, last, durability, waiter) in self.waiters {
            draft.sort_in(logs.get(number), last, durability, waiter);
        }
        draft
    }
}

impl Draft {
    fn take(&mut self, job: Job, logs: &mut Logs, meta: &mut MetaRow) {
        let number = match job.what {
            What::Head(number)
            | What::Reserve(number, _)
            | What::Remove(number)
            | What::Rest(number)
            | What::Trim(number, ..)
            | What::Forget(number, _) => number,
            What::Entry(_) => return,
        };
        let Some(known) = logs.get_mut(number) else {
            answer(job.waiter, &Err(StoreError::Unknown(number)));
            return;
        };
        match job.what {
            What::Remove(_) => self.remove(known, meta),
            What::Reserve(_, up_to) => {
                known.row.reserved_to = known.row.reserved_to.max(up_to);
                self.put_head(known, meta);
            }
            What::Trim(_, from, floor) => {
                self.sweeps.push(Sweep::entries(number, floor).starting(from));
                self.put_head(known, meta);
            }
            What::Rest(_) => self.rest(known, meta),
            What::Forget(_, up_to) => self.sweeps.push(Sweep::keys(number, up_to)),
            What::Head(_) | What::Entry(_) => self.put_head(known, meta),
        }
        self.after_sync.extend(job.waiter);
        self.sync |= !self.after_sync.is_empty();
    }

    fn put_head(&mut self, known: &mut Known, meta: &mut MetaRow) {
        if known.removed {
            return;
        }
        let name = known.name.as_str().as_bytes().to_vec();
        let weight = known.row.weight(&name);
        if known.stored != Some(weight) {
            // What must never be forgotten changes only in what is synced.
            self.sync = true;
            self.reserved.push(known.row.number);
            meta.heads += u64::from(known.stored.is_none());
            meta.weight = meta.weight.wrapping_sub(known.stored.unwrap_or(0)).wrapping_add(weight);
            known.stored = Some(weight);
        }
        let value = known.head_value();
        self.batch.put(Space::Logs, name, value);
    }

    fn remove(&mut self, known: &mut Known, meta: &mut MetaRow) {
        let number = known.row.number;
        if let Some(weight) = known.stored.take() {
            meta.heads = meta.heads.saturating_sub(1);
            meta.weight = meta.weight.wrapping_sub(weight);
            self.batch.delete(Space::Logs, known.name.as_str().as_bytes().to_vec());
            self.batch.put(Space::Meta, gone_key(number), Vec::new());
        }
        self.sync = true;
        self.removed.push(number);
        self.sweeps.extend(Sweep::all(number));
    }

    fn put_entry(&mut self, row: Merging, logs: &mut Logs) {
        let number = row.number;
        // Of a log that was removed meanwhile nothing is written any more.
        if logs.get(number).is_none_or(|known| known.removed) {
            return;
        }
        let join = row.join;
        let entry = row.finish();
        let (key, value) = record::encode(number, &entry, join);
        self.batch.put(Space::Entries, key.to_vec(), value);
        self.written.insert(number, entry.last);
    }

    /// Reserves the next block wherever half of one is used.
    fn reserve(&mut self, logs: &mut Logs, meta: &mut MetaRow) {
        let used: Vec<_> = self.written.iter().map(|(number, last)| (*number, *last)).collect();
        for (number, last) in used {
            let Some(known) = logs.get_mut(number) else { continue };
            if self.rested.contains(&number) {
                continue;
            }
            if let Some(up_to) = blocks::reserve(known.row.reserved_to, last) {
                known.row.reserved_to = up_to;
                self.put_head(known, meta);
            }
        }
    }

    /// Who is answered when. A seq leaves no earlier than its reservation is durable.
    fn sort_in(
        &mut self,
        known: Option<&Known>,
        last: u64,
        durability: Durability,
        waiter: Waiter,
    ) {
        let Some(known) = known.filter(|known| !known.removed) else {
            waiter.answer(Err(StoreError::Closed));
            return;
        };
        if durability == Durability::Fsync || last > known.reserved {
            self.sync = true;
            self.after_sync.push(waiter);
        } else {
            self.after_write.push(waiter);
        }
    }

    /// Gives back what is reserved and not used.
    pub(crate) fn settle(&mut self, known: &mut Known, meta: &mut MetaRow) {
        let used = known.next.saturating_sub(1);
        if known.changed || known.row.reserved_to != used {
            known.row.reserved_to = used;
            self.put_head(known, meta);
        }
    }

    /// The same for one log, unless it is in use again.
    fn rest(&mut self, known: &mut Known, meta: &mut MetaRow) {
        if known.resting && !known.removed {
            self.settle(known, meta);
            // From now on no more may leave, although the row that says so is not durable yet.
            known.reserved = known.row.reserved_to;
            self.rested.push(known.row.number);
        }
    }

    /// Takes rows away.
    pub(crate) fn delete(&mut self, space: Space, number: LogNumber, seqs: &[u64]) {
        for seq in seqs {
            self.batch.delete(space, row_key(number, *seq).to_vec());
        }
    }
}

impl Merging {
    /// Takes an entry in, when it is the next one and may be merged.
    fn joined(&mut self, entry: &Entry, merge: &Mergeable) -> bool {
        let next = self.loose && self.entry.last.checked_add(1) == Some(entry.first);
        if !next {
            return false;
        }
        match merge.join(&self.merge) {
            Join::Concatenate => self.concatenate(entry),
            Join::Replace => self.replace(entry),
            Join::No => false,
        }
    }

    fn concatenate(&mut self, entry: &Entry) -> bool {
        let textual = |cuts: &Cuts| !matches!(cuts, Cuts::Latest);
        let fits = |bytes: usize| bytes + entry.body.len() <= MAX_MERGED;
        let length = self.text.as_ref().map_or(self.entry.body.len(), |(body, _)| body.len());
        if !textual(&self.entry.cuts) || !textual(&entry.cuts) || !fits(length) {
            return false;
        }
        let own = &self.entry;
        let (body, lengths) = self.text.get_or_insert_with(|| (own.body.to_vec(), lengths_of(own)));
        body.extend_from_slice(&entry.body);
        lengths.extend_from_slice(&lengths_of(entry));
        self.entry.last = entry.last;
        self.entry.at_ms = entry.at_ms;
        true
    }

    fn replace(&mut self, entry: &Entry) -> bool {
        if matches!(self.entry.cuts, Cuts::Text(_)) || matches!(entry.cuts, Cuts::Text(_)) {
            return false;
        }
        let first = self.entry.first;
        self.entry = Entry { first, cuts: Cuts::Latest, ..entry.clone() };
        true
    }

    fn finish(self) -> Entry {
        match self.text {
            None => self.entry,
            Some((body, lengths)) => Entry {
                body: body.into(),
                cuts: Cuts::Text(Lengths::from_bytes(Bytes::from(lengths))),
                ..self.entry
            },
        }
    }
}

fn lengths_of(entry: &Entry) -> Vec<u8> {
    match &entry.cuts {
        Cuts::Text(lengths) => lengths.as_bytes().to_vec(),
        Cuts::Whole | Cuts::Latest => {
            let mut length = Vec::new();
            varint::write(entry.body.len() as u64, &mut length);
            length
        }
    }
}

fn answer(waiter: Option<Waiter>, answer: &Result<(), StoreError>) {
    if let Some(waiter) = waiter {
        waiter.answer(answer.clone());
    }
}
