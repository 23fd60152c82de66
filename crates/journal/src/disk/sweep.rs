//! Rows that are taken away bit by bit, so that no commit becomes large over it. Knows which rows, not why.

use std::ops::ControlFlow;

use super::error::StoreError;
use super::number::{LogNumber, end_key, number_and_seq, row_key};
use super::record;
use super::store::{Space, Store};

/// A commit takes at most so many rows away.
const MOST: usize = 512;

/// Rows of one log in one space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sweep {
    pub(crate) space: Space,
    pub(crate) number: LogNumber,
    /// Nothing is left before this seq.
    from: u64,
    /// What ends here or before goes; `u64::MAX` is all.
    up_to: u64,
    /// Behind it, the log is forgotten for good.
    pub(crate) ends: bool,
}

impl Sweep {
    /// Entries that end at `floor` or before.
    pub(crate) const fn entries(number: LogNumber, floor: u64) -> Self {
        Self { space: Space::Entries, number, from: 0, up_to: floor, ends: false }
    }

    /// Keys of `up_to` and before.
    pub(crate) const fn keys(number: LogNumber, up_to: u64) -> Self {
        Self { space: Space::Keys, number, from: 0, up_to, ends: false }
    }

    /// Everything of a log.
    pub(crate) const fn all(number: LogNumber) -> [Self; 2] {
        let keys = Self::keys(number, u64::MAX);
        [keys, Self { ends: true, ..Self::entries(number, u64::MAX) }]
    }

    /// The same, when what ends at `from` or before is known to be gone.
    pub(crate) const fn starting(self, from: u64) -> Self {
        Self { from, ..self }
    }

    /// The seqs of the next rows to be taken away, and whether these are the last.
    pub(crate) fn next(&mut self, store: &dyn Store) -> Result<(Vec<u64>, bool), StoreError> {
        let mut seqs = Vec::new();
        let mut done = true;
        let (start, to) = (row_key(self.number, 0), end_key(self.number));
        // The row before may reach over `from`: it stayed when the floor was within it.
        let before = store.last(self.space, &start, &row_key(self.number, self.from))?;
        let from = before.map_or(row_key(self.number, self.from).to_vec(), |(key, _)| key.to_vec());
        store.scan(self.space, &from, &to, &mut |key, value| {
            let Some((_, seq)) = number_and_seq(key) else { return ControlFlow::Continue(()) };
            let last = match self.space {
                Space::Entries => record::last_seq(key, value).unwrap_or(seq),
                _ => seq,
            };
            if last > self.up_to {
                return ControlFlow::Break(());
            }
            if seqs.len() == MOST {
                done = false;
                return ControlFlow::Break(());
            }
            seqs.push(seq);
            ControlFlow::Continue(())
        })?;
        if let Some(last) = seqs.last() {
            self.from = last.saturating_add(1);
        }
        Ok((seqs, done))
    }
}
