//! What the disk has of logs that nobody uses: looked at a few at a time, and nothing of them is kept in memory. Knows
//! no writer.

use std::ops::ControlFlow;

use super::error::StoreError;
use super::head_row::HeadRow;
use super::keeper::Keeper;
use super::number::{LogNumber, end_key, number_and_seq, row_key};
use super::read;
use super::record::{self, Outline};
use super::store::Space;
use crate::name::LogName;
use crate::retention::Retention;

/// A log as its head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resting {
    pub(crate) name: LogName,
    pub(crate) retention: Retention,
    pub(crate) ended_at_ms: Option<u64>,
    number: LogNumber,
    floor: u64,
    reserved_to: u64,
}

/// Some logs in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Those that are not in use.
    pub(crate) resting: Vec<Resting>,
    /// How many were looked at.
    pub(crate) looked_at: usize,
    /// Where the next ones begin; `None` where these were the last.
    pub(crate) next: Option<Vec<u8>>,
}

/// The oldest of what a log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Oldest {
    /// When the oldest entry behind the floor was appended.
    pub(crate) entry_ms: Option<u64>,
    /// When the oldest key was used.
    pub(crate) key_ms: Option<u64>,
    /// Whether anything behind the floor is lost.
    pub(crate) lost: bool,
}

impl Keeper {
    /// Logs whose names are not before `from`, at most so many. Heads that are damaged are left out.
    pub(crate) fn slice(&self, from: &[u8], most: usize) -> Result<Slice, StoreError> {
        let mut slice = Slice::default();
        self.shared.store.scan(Space::Logs, from, &[0xff; 256], &mut |key, value| {
            if slice.looked_at == most {
                slice.next = Some(key.to_vec());
                return ControlFlow::Break(());
            }
            slice.looked_at += 1;
            let name = std::str::from_utf8(key).ok().and_then(|name| LogName::new(name).ok());
            let head = name.zip(HeadRow::decode(key, value));
            slice.resting.extend(head.map(|(name, row)| Resting::new(name, &row)));
            ControlFlow::Continue(())
        })?;
        let logs = self.shared.logs.lock();
        let is_unused = |log: &Resting| logs.named(&log.name).is_none_or(|known| known.resting);
        slice.resting.retain(is_unused);
        drop(logs);
        Ok(slice)
    }

    /// The oldest of what a log has that is not in use. Reads two rows.
    pub(crate) fn oldest(&self, log: &Resting) -> Result<Oldest, StoreError> {
        let store = &self.shared.store;
        let mut oldest = Oldest { entry_ms: None, key_ms: None, lost: false };
        read::rows(store, log.number, log.floor, &mut |key, value| {
            let row = record::outline(key, value).filter(|row| row.last > log.floor);
            oldest.entry_ms = row.map(|row| row.at_ms);
            if row.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let (from, to) = (row_key(log.number, 0), end_key(log.number));
        store.scan(Space::Keys, &from, &to, &mut |key, value| {
            oldest.key_ms = record::decode_key(key, value).ok().map(|key| key.at_ms);
            if oldest.key_ms.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        oldest.lost = oldest.entry_ms.is_none() && log.reserved_to > log.floor;
        Ok(oldest)
    }

    /// Shows the rows of a log that hold what is behind a seq, up to another one, as far as they can be read.
    pub(crate) fn outline(
        &self,
        number: LogNumber,
        (after, up_to): (u64, u64),
        show: &mut dyn FnMut(Outline),
    ) {
        let read = read::rows(&self.shared.store, number, after, &mut |key, value| {
            if number_and_seq(key).is_some_and(|(_, first)| first > up_to) {
                return ControlFlow::Break(());
            }
            let row = record::outline(key, value).filter(|row| row.last > after);
            row.into_iter().for_each(&mut *show);
            ControlFlow::Continue(())
        });
        // Who reads what is behind is told why that does not go.
        drop(read);
    }
}

impl Resting {
    fn new(name: LogName, row: &HeadRow) -> Self {
        Self {
            name,
            retention: row.retention,
            ended_at_ms: row.ended_at_ms,
            number: row.number,
            floor: row.floor,
            reserved_to: row.reserved_to,
        }
    }
}
