//! Reading a log's rows in order: what is missing between them, or not what was written, is said to be lost. Knows no
//! writer.

use std::ops::ControlFlow;

use super::error::StoreError;
use super::number::{LogNumber, end_key, number_and_seq, row_key};
use super::record;
use super::store::{Space, Store, Visit};
use crate::entry::{Cuts, Entry};
use crate::head::{KnownKey, Lost};
use crate::merge::Join;

/// What a log has at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// An entry, or its rest.
    Entry(Entry),
    /// Seqs that are not there, or not as they were written.
    Lost(Lost),
}

impl Stored {
    /// The last seq that it stands for.
    pub(crate) const fn last(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.last,
            Self::Lost(lost) => lost.to,
        }
    }
}

/// What follows `after`, up to `written`, and how each belongs to what is before it.
pub(crate) fn read(
    store: &dyn Store,
    number: LogNumber,
    after: u64,
    written: u64,
    max_bytes: usize,
) -> Result<Vec<(Stored, Join)>, StoreError> {
    let mut reading = Reading { after, written, max_bytes, bytes: 0, items: Vec::new() };
    if after >= written {
        return Ok(reading.items);
    }
    let mut full = false;
    rows(store, number, after, &mut |key, value| {
        let step = reading.row(key, value);
        full = reading.bytes >= reading.max_bytes && !reading.items.is_empty();
        if full { ControlFlow::Break(()) } else { step }
    })?;
    if !full {
        reading.lose_to(written);
    }
    Ok(reading.items)
}

/// Shows the rows of a log from the one on that holds what follows a seq.
pub(crate) fn rows(
    store: &dyn Store,
    number: LogNumber,
    after: u64,
    visit: &mut Visit<'_>,
) -> Result<(), StoreError> {
    let mut from = row_key(number, 0).to_vec();
    if after > 0 {
        // The row that holds the next seq may begin before it.
        let before =
            store.last(Space::Entries, &from, &row_key(number, after.saturating_add(2)))?;
        from = before.map_or(from, |(key, _)| key.to_vec());
    }
    store.scan(Space::Entries, &from, &end_key(number), visit)
}

struct Reading {
    after: u64,
    written: u64,
    max_bytes: usize,
    bytes: usize,
    items: Vec<(Stored, Join)>,
}

impl Reading {
    fn row(&mut self, key: &[u8], value: &[u8]) -> ControlFlow<()> {
        let Some((_, first)) = number_and_seq(key) else { return ControlFlow::Continue(()) };
        if first > self.written {
            return ControlFlow::Break(());
        }
        // A damaged row is no row: what it held is missing before the next one.
        let Ok((entry, join)) = record::decode(key, value) else {
            return ControlFlow::Continue(());
        };
        let Some(rest) = entry.after(self.after) else { return ControlFlow::Continue(()) };
        self.lose_to(rest.first - 1);
        self.after = rest.last;
        self.bytes += rest.body.len();
        let join = match &entry.cuts {
            Cuts::Text(_) if entry.first < rest.first => Join::Concatenate,
            Cuts::Latest if entry.first < rest.first => Join::Replace,
            _ => join,
        };
        self.items.push((Stored::Entry(rest), join));
        ControlFlow::Continue(())
    }

    fn lose_to(&mut self, to: u64) {
        if self.after < to {
            self.items.push((Stored::Lost(Lost { from: self.after + 1, to }), Join::No));
            self.after = to;
        }
    }
}

/// The last seq of the last entry of a log; 0 when it has none. Of a damaged one, the seq before it.
pub(crate) fn last_seq(store: &dyn Store, number: LogNumber) -> Result<u64, StoreError> {
    let last = store.last(Space::Entries, &row_key(number, 0), &end_key(number))?;
    Ok(last.map_or(0, |(key, value)| match record::decode(&key, &value) {
        Ok((entry, _)) => entry.last,
        Err(_) => number_and_seq(&key).map_or(0, |(_, first)| first.saturating_sub(1)),
    }))
}

/// The keys of a log, in the order of their seqs. What is damaged is not among them.
pub(crate) fn keys(store: &dyn Store, number: LogNumber) -> Result<Vec<KnownKey>, StoreError> {
    let mut keys = Vec::new();
    store.scan(Space::Keys, &row_key(number, 0), &end_key(number), &mut |key, value| {
        keys.extend(record::decode_key(key, value));
        ControlFlow::Continue(())
    })?;
    Ok(keys)
}
