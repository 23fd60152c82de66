//! Walks over everything that a store has and says what is whole, what is lost and what is damaged. Changes nothing.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::error::StoreError;
use super::head_row::HeadRow;
use super::mark::{Mark, Marked};
use super::meta_row::{META_KEY, MetaRow};
use super::number::{LogNumber, end_key, number_and_seq, row_key};
use super::open::unfinished;
use super::read::{self, Stored};
use super::record;
use super::store::{Space, Store};
use crate::head::Lost;
use crate::name::LogName;
use crate::position::Epoch;

/// What a walk over everything found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The last commit; `None` when its row is gone or damaged.
    pub ordinal: Option<u64>,
    /// The last commit that the mark knows as synced; `None` when the mark is gone or damaged.
    pub mark: Option<u64>,
    /// Whether the last commit was that of an orderly end.
    pub clean: bool,
    /// Whether the heads are those of the last commit.
    pub heads_match: bool,
    /// How many logs there are.
    pub logs: u64,
    /// How many entries they have.
    pub entries: u64,
    /// How many bytes of bodies.
    pub bytes: u64,
    /// How many seqs of them are lost.
    pub lost: u64,
    /// How many rows are not what was written there.
    pub damaged: u64,
    /// How many rows belong to no log.
    pub orphans: u64,
    /// The keys of heads that are damaged, as text.
    pub damaged_heads: Vec<String>,
    /// What the store itself could not read.
    pub unreadable: Vec<String>,
}

/// What a walk found of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogReport {
    /// Its name.
    pub name: LogName,
    /// What it is called in this directory.
    pub number: LogNumber,
    /// Its life.
    pub epoch: Epoch,
    /// The last seq that is gone by retention.
    pub floor: u64,
    /// The seq that it goes on with.
    pub next: u64,
    /// How many entries it has.
    pub entries: u64,
    /// How many bytes of bodies.
    pub bytes: u64,
    /// What is missing between its floor and its next seq: for a directory that was not closed in good order, this
    /// includes what was reserved and not used.
    pub lost: Vec<Lost>,
    /// How many of its rows are not what was written there.
    pub damaged: u64,
}

impl Report {
    /// Whether all is there, as far as can be known. Lost seqs that an unclean end explains do not count.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let marked = self.ordinal.zip(self.mark);
        let commits = marked.is_some_and(|(ordinal, mark)| mark <= ordinal);
        let rows = self.damaged == 0 && self.orphans == 0;
        let read = self.damaged_heads.is_empty() && self.unreadable.is_empty();
        commits && self.heads_match && rows && read
    }
}

/// Walks over everything and shows each log. Reads every row.
///
/// # Errors
/// Not even the heads could be read. What could not be read further on is in the report.
pub fn verify(
    store: &dyn Store,
    mark: &dyn Mark,
    show: &mut dyn FnMut(&LogReport),
) -> Result<Report, StoreError> {
    let marked = mark.read().map_err(|error| StoreError::Disk(format!("mark: {error}")))?;
    let row = store.row(Space::Meta, META_KEY)?;
    let meta = row.and_then(|row| MetaRow::decode(&row));
    let heads = heads(store)?;
    let weight = heads.sound.iter().map(|(name, row)| row.weight(name.as_str().as_bytes()));
    let weight = weight.fold(0, u64::wrapping_add);
    let count = heads.sound.len() as u64;
    let mut report = Report {
        ordinal: meta.map(|meta| meta.ordinal),
        mark: if let Marked::At(mark) = marked { Some(mark) } else { None },
        clean: meta.is_some_and(|meta| meta.clean),
        heads_match: meta.is_some_and(|meta| (meta.heads, meta.weight) == (count, weight)),
        logs: count,
        damaged_heads: heads.damaged.iter().map(|key| text(key)).collect(),
        ..Report::default()
    };
    let mut orphans = Orphans::of(store, heads.sound.iter().map(|(_, row)| row.number))?;
    for (name, row) in heads.sound {
        report.add(store, &name, &row, show);
    }
    orphans.count(store, &mut report);
    Ok(report)
}

/// Shows everything that can be read, log by log: its report, then what it has in order and without a hole.
///
/// # Errors
/// The store could not be read; what was shown before is right.
pub fn export(
    store: &dyn Store,
    show: &mut dyn FnMut(&LogReport, Option<&Stored>),
) -> Result<(), StoreError> {
    for (name, row) in heads(store)?.sound {
        let report = log_report(store, name, &row)?;
        show(&report, None);
        let (mut after, last) = (row.floor, report.next - 1);
        loop {
            let items = read::read(store, row.number, after, last, 1 << 20)?;
            if items.is_empty() {
                break;
            }
            for (item, _) in &items {
                after = item.last();
                show(&report, Some(item));
            }
        }
    }
    Ok(())
}

/// All heads, in the order of their names.
pub(crate) struct Heads {
    pub(crate) sound: Vec<(LogName, HeadRow)>,
    /// The keys of those that do not verify.
    pub(crate) damaged: Vec<Vec<u8>>,
}

pub(crate) fn heads(store: &dyn Store) -> Result<Heads, StoreError> {
    let mut heads = Heads { sound: Vec::new(), damaged: Vec::new() };
    store.scan(Space::Logs, &[], &[0xff; 256], &mut |key, value| {
        let name = std::str::from_utf8(key).ok().and_then(|name| LogName::new(name).ok());
        match name.zip(HeadRow::decode(key, value)) {
            Some(head) => heads.sound.push(head),
            None => heads.damaged.push(key.to_vec()),
        }
        ControlFlow::Continue(())
    })?;
    Ok(heads)
}

impl Report {
    fn add(
        &mut self,
        store: &dyn Store,
        name: &LogName,
        row: &HeadRow,
        show: &mut dyn FnMut(&LogReport),
    ) {
        match log_report(store, name.clone(), row) {
            Ok(log) => {
                self.entries += log.entries;
                self.bytes += log.bytes;
                self.lost += log.lost.iter().map(|lost| lost.to - lost.from + 1).sum::<u64>();
                self.damaged += log.damaged;
                show(&log);
            }
            Err(error) => self.unreadable.push(format!("log {name}: {error}")),
        }
    }
}

pub(crate) fn log_report(
    store: &dyn Store,
    name: LogName,
    row: &HeadRow,
) -> Result<LogReport, StoreError> {
    let number = row.number;
    let mut log = LogReport {
        name,
        number,
        epoch: row.epoch,
        floor: row.floor,
        next: 0,
        entries: 0,
        bytes: 0,
        lost: Vec::new(),
        damaged: 0,
    };
    let mut after = row.floor;
    let all = (row_key(number, 0), end_key(number));
    store.scan(Space::Entries, &all.0, &all.1, &mut |key, value| {
        let Ok((entry, _)) = record::decode(key, value) else {
            log.damaged += 1;
            return ControlFlow::Continue(());
        };
        let Some(rest) = entry.after(after) else { return ControlFlow::Continue(()) };
        if rest.first > after + 1 {
            log.lost.push(Lost { from: after + 1, to: rest.first - 1 });
        }
        after = rest.last;
        log.entries += 1;
        log.bytes += rest.body.len() as u64;
        ControlFlow::Continue(())
    })?;
    let end = after.max(row.reserved_to);
    if end > after {
        log.lost.push(Lost { from: after + 1, to: end });
    }
    log.next = end.saturating_add(1);
    let keys = &mut log.damaged;
    store.scan(Space::Keys, &all.0, &all.1, &mut |key, value| {
        *keys += u64::from(record::decode_key(key, value).is_err());
        ControlFlow::Continue(())
    })?;
    Ok(log)
}

/// Rows of no log, other than those that are being removed.
struct Orphans {
    known: HashMap<LogNumber, ()>,
}

impl Orphans {
    fn of(store: &dyn Store, numbers: impl Iterator<Item = LogNumber>) -> Result<Self, StoreError> {
        let leaving = unfinished(store)?.into_iter().map(|sweep| sweep.number);
        Ok(Self { known: numbers.chain(leaving).map(|number| (number, ())).collect() })
    }

    fn count(&mut self, store: &dyn Store, report: &mut Report) {
        for space in [Space::Entries, Space::Keys] {
            let counted = store.scan(space, &[], &[0xff; 17], &mut |key, _| {
                let number = number_and_seq(key).map(|(number, _)| number);
                let known = number.is_some_and(|number| self.known.contains_key(&number));
                report.orphans += u64::from(!known);
                ControlFlow::Continue(())
            });
            if let Err(error) = counted {
                report.unreadable.push(error.to_string());
            }
        }
    }
}

pub(crate) fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
