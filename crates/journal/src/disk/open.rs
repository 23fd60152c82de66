//! What is found when a store is opened: whether it is whole, by the mark that is kept apart and by the sum over all
//! heads. Reads no entries.

use std::ops::ControlFlow;

use super::error::{OpenError, StoreError};
use super::head_row::HeadRow;
use super::mark::{Mark, Marked};
use super::meta_row::{GONE_PREFIX, META_KEY, MetaRow, gone_number};
use super::store::{Batch, Space, Store};
use super::sweep::Sweep;

/// How a directory was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// There was nothing yet.
    pub created: bool,
    /// It was closed in good order. Otherwise each log that was written to has lost the rest of its reserved block:
    /// [`Loaded`](super::Loaded) says which seqs.
    pub clean: bool,
    /// How many logs there are.
    pub logs: u64,
    /// The last commit.
    pub ordinal: u64,
}

/// What the writer goes on from.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) opened: Opened,
    pub(crate) meta: MetaRow,
    /// Removals that were not finished.
    pub(crate) sweeps: Vec<Sweep>,
}

/// Looks whether a store is whole. An empty one is begun.
pub(crate) fn examine(store: &dyn Store, mark: &dyn Mark) -> Result<Found, OpenError> {
    let marked = mark.read().map_err(|error| StoreError::Disk(format!("mark: {error}")))?;
    let Some(row) = store.row(Space::Meta, META_KEY)? else {
        return match marked {
            Marked::Never => begin(store),
            Marked::Damaged => Err(OpenError::Mark("damaged")),
            Marked::At(mark) => Err(OpenError::CommitsGone { have: 0, mark }),
        };
    };
    let meta = MetaRow::decode(&row);
    let meta = meta.ok_or_else(|| StoreError::Damaged("the row of the last commit".to_owned()))?;
    match marked {
        Marked::At(mark) if mark > meta.ordinal => {
            return Err(OpenError::CommitsGone { have: meta.ordinal, mark });
        }
        Marked::Damaged => return Err(OpenError::Mark("damaged")),
        // The first commit makes the store; nothing is accepted before it is marked.
        Marked::Never if meta.ordinal > 1 => return Err(OpenError::Mark("gone")),
        Marked::At(_) | Marked::Never => {}
    }
    let (heads, weight) = weigh(store)?;
    if (heads, weight) != (meta.heads, meta.weight) {
        return Err(OpenError::Heads { have: heads, known: meta.heads });
    }
    let opened = Opened { created: false, clean: meta.clean, logs: heads, ordinal: meta.ordinal };
    Ok(Found { opened, meta, sweeps: unfinished(store)? })
}

fn begin(store: &dyn Store) -> Result<Found, OpenError> {
    let meta = MetaRow { ordinal: 1, clean: true, next_number: 1, ..MetaRow::default() };
    let mut batch = Batch::default();
    batch.put(Space::Meta, META_KEY.to_vec(), meta.encode());
    store.commit(&batch)?;
    let opened = Opened { created: true, clean: true, logs: 0, ordinal: 1 };
    Ok(Found { opened, meta, sweeps: Vec::new() })
}

/// How many heads verify, and the sum of their weights.
fn weigh(store: &dyn Store) -> Result<(u64, u64), StoreError> {
    let (mut heads, mut weight) = (0, 0_u64);
    store.scan(Space::Logs, &[], &[0xff; 256], &mut |name, value| {
        if let Some(row) = HeadRow::decode(name, value) {
            heads += 1;
            weight = weight.wrapping_add(row.weight(name));
        }
        ControlFlow::Continue(())
    })?;
    Ok((heads, weight))
}

/// The removals that were not finished. Nothing of a log that is there is ever removed, whatever else is said of it.
pub(crate) fn unfinished(store: &dyn Store) -> Result<Vec<Sweep>, StoreError> {
    let mut sweeps = Vec::new();
    let to = [GONE_PREFIX, &[0xff; 9]].concat();
    store.scan(Space::Meta, GONE_PREFIX, &to, &mut |key, _| {
        sweeps.extend(gone_number(key).into_iter().flat_map(Sweep::all));
        ControlFlow::Continue(())
    })?;
    if !sweeps.is_empty() {
        store.scan(Space::Logs, &[], &[0xff; 256], &mut |name, value| {
            let there = HeadRow::decode(name, value).map(|row| row.number);
            sweeps.retain(|sweep| Some(sweep.number) != there);
            ControlFlow::Continue(())
        })?;
    }
    Ok(sweeps)
}
