//! Makes a damaged store one that opens again: keeps what verifies, says what is gone, and gives new epochs to logs
//! whose readers could otherwise be told something else than before.

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::error::{OpenError, StoreError};
use super::fjall::{FjallStore, cut_journals};
use super::lock::Directory;
use super::mark::{FileMark, Mark, Marked};
use super::meta_row::{META_KEY, MetaRow, gone_key};
use super::number::{LogNumber, number_and_seq};
use super::open::unfinished;
use super::record;
use super::rescue::{rescue, set_aside as put_aside};
use super::store::{Batch, Space, Store};
use super::verify::{LogReport, heads, log_report, text};
use crate::position::Epoch;

/// A commit takes at most so many rows away.
const MOST: usize = 512;

/// What a repair found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// The last commit that the store had, and the last that the mark knew as synced. Commits are gone where the
    /// second is greater.
    pub ordinal: u64,
    /// See there; `None` when the mark was gone or damaged.
    pub mark: Option<u64>,
    /// Whether all logs have new epochs, because what is gone may have been seen.
    pub new_epochs: bool,
    /// The logs that are left, and what each of them lacks.
    pub logs: Vec<LogReport>,
    /// The names of heads that were damaged, as far as they are legible. These logs are gone.
    pub damaged_heads: Vec<String>,
    /// How many rows were not what was written there.
    pub damaged: u64,
    /// How many rows belonged to no log that is left.
    pub orphans: u64,
    /// Where the store was put whose files did not open, or could not be read; the one in its place holds what could
    /// be read of them.
    pub set_aside: Option<PathBuf>,
}

/// Repairs a store.
///
/// `epochs` gives an epoch that was never used before, such as 64 random bits.
///
/// # Errors
/// The store cannot be read or written.
pub fn repair(
    store: &dyn Store,
    mark: &mut dyn Mark,
    epochs: &mut dyn FnMut() -> Epoch,
) -> Result<Repaired, OpenError> {
    let marked = mark.read().map_err(|error| StoreError::Disk(format!("mark: {error}")))?;
    let row = store.row(Space::Meta, META_KEY)?;
    let old = row.and_then(|row| MetaRow::decode(&row));
    let mut heads = heads(store)?;
    let mut numbers = HashSet::new();
    heads.sound.retain(|(name, row)| {
        let first = numbers.insert(row.number);
        if !first {
            heads.damaged.push(name.as_str().as_bytes().to_vec());
        }
        first
    });
    let mark_at = if let Marked::At(mark) = marked { Some(mark) } else { None };
    let ordinal = old.map_or(0, |old| old.ordinal);
    let weight = heads.sound.iter().map(|(name, row)| row.weight(name.as_str().as_bytes()));
    let weight = weight.fold(0, u64::wrapping_add);
    let matching = old.is_some_and(|old| (old.heads, old.weight) == (numbers.len() as u64, weight));
    let in_time = mark_at.is_some_and(|mark| mark <= ordinal);
    let mut repaired = Repaired {
        ordinal,
        mark: mark_at,
        new_epochs: !(matching && in_time),
        damaged_heads: heads.damaged.iter().map(|key| text(key)).collect(),
        ..Repaired::default()
    };
    let mut meta = MetaRow {
        ordinal: ordinal.max(mark_at.unwrap_or(0)),
        clean: true,
        next_number: old.map_or(1, |old| old.next_number),
        ..MetaRow::default()
    };
    let highest = sweep(store, &numbers, &mut repaired)?;
    meta.next_number = meta.next_number.max(highest.saturating_add(1));
    let mut batch = Batch::default();
    heads.damaged.into_iter().for_each(|key| batch.delete(Space::Logs, key));
    for sweep in unfinished(store)? {
        batch.delete(Space::Meta, gone_key(sweep.number));
    }
    for (name, mut row) in heads.sound {
        let report = log_report(store, name.clone(), &row)?;
        row.reserved_to = row.reserved_to.max(report.next - 1);
        if repaired.new_epochs {
            row.epoch = epochs();
        }
        meta.heads += 1;
        meta.weight = meta.weight.wrapping_add(row.weight(name.as_str().as_bytes()));
        batch.put(Space::Logs, name.as_str().as_bytes().to_vec(), row.encode(name.as_str()));
        repaired.logs.push(LogReport { epoch: row.epoch, ..report });
    }
    commit(store, batch, &mut meta)?;
    store.sync()?;
    let marked = mark.write(meta.ordinal, true);
    marked.map_err(|error| StoreError::Disk(format!("mark: {error}")))?;
    Ok(repaired)
}

/// Repairs a directory. Where the storage engine does not open its files, or cannot read all of them, they are set
/// aside, and as much of them as can be read is put in their place.
///
/// # Errors
/// The directory is in use, none of ours, or cannot be written.
pub fn repair_directory(
    path: &Path,
    epochs: &mut dyn FnMut() -> Epoch,
) -> Result<Repaired, OpenError> {
    let directory = Directory::open(path)?;
    let at = |source| OpenError::Directory { path: path.to_owned(), source };
    let mut set_aside = None;
    let store = match FjallStore::open(&directory.store()) {
        Ok(store) => store,
        Err(StoreError::Damaged(_)) => {
            let (store, aside) = salvage(&directory).map_err(at)?;
            set_aside = Some(aside);
            store?
        }
        Err(other) => return Err(other.into()),
    };
    let mut mark = FileMark::open(&directory.mark()).map_err(at)?;
    let repaired = match repair(&store, &mut mark, epochs) {
        Err(OpenError::Store(StoreError::Damaged(_))) => {
            drop(store);
            set_aside = Some(rescue(&directory.store())?);
            repair(&FjallStore::open(&directory.store())?, &mut mark, epochs)?
        }
        other => other?,
    };
    Ok(Repaired { set_aside, ..repaired })
}

/// Puts the store aside, and opens a copy of it without what does not open.
fn salvage(directory: &Directory) -> std::io::Result<(Result<FjallStore, StoreError>, PathBuf)> {
    let store = directory.store();
    let aside = put_aside(&store)?;
    if let Some(opened) = cut_journals(&aside, &store)? {
        return Ok((Ok(opened), aside));
    }
    if store.exists() {
        fs::remove_dir_all(&store)?;
    }
    Ok((FjallStore::open(&store), aside))
}

/// Takes away all rows that do not verify or belong to no log, and says the highest number of a log that was seen.
fn sweep(
    store: &dyn Store,
    numbers: &HashSet<LogNumber>,
    repaired: &mut Repaired,
) -> Result<u64, StoreError> {
    let mut highest = numbers.iter().map(|number| number.0).max().unwrap_or(0);
    for space in [Space::Entries, Space::Keys] {
        let mut gone = Vec::new();
        store.scan(space, &[], &[0xff; 17], &mut |key, value| {
            let number = number_and_seq(key).map(|(number, _)| number);
            highest = highest.max(number.map_or(0, |number| number.0));
            let sound = match space {
                Space::Entries => record::decode(key, value).is_ok(),
                _ => record::decode_key(key, value).is_ok(),
            };
            if !number.is_some_and(|number| numbers.contains(&number)) {
                repaired.orphans += 1;
                gone.push(key.to_vec());
            } else if !sound {
                repaired.damaged += 1;
                gone.push(key.to_vec());
            }
            ControlFlow::Continue(())
        })?;
        for keys in gone.chunks(MOST) {
            let mut batch = Batch::default();
            keys.iter().for_each(|key| batch.delete(space, key.clone()));
            store.commit(&batch)?;
        }
    }
    Ok(highest)
}

fn commit(store: &dyn Store, mut batch: Batch, meta: &mut MetaRow) -> Result<(), StoreError> {
    meta.ordinal += 1;
    batch.put(Space::Meta, META_KEY.to_vec(), meta.encode());
    store.commit(&batch)
}
