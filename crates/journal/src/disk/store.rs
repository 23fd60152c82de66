//! The seam below the keeper: an ordered key-value store with atomic batches. Knows no log and no file; fjall
//! implements it, and so does the simulated store of the tests.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::error::StoreError;

/// The parts of a store. Keys of different spaces never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// What is known of the whole: one row with the ordinal of the last commit, and marks of unfinished removals.
    Meta,
    /// The name of a log → its head.
    Logs,
    /// The number of a log, a first seq → an entry.
    Entries,
    /// The number of a log, a seq → an idempotency key.
    Keys,
}

/// What one commit changes: all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<Change>,
    bytes: usize,
}

/// One row that is written, or taken away where `value` is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the row is.
    pub space: Space,
    /// Its key, at most 1 KiB.
    pub key: Vec<u8>,
    /// Its value; `None` takes the row away.
    pub value: Option<Vec<u8>>,
}

impl Batch {
    /// Writes a row, over an older one of the same key.
    pub fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.changes.push(Change { space, key, value: Some(value) });
    }

    /// Takes a row away.
    pub fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.bytes += key.len();
        self.changes.push(Change { space, key, value: None });
    }

    /// The changes in their order; a later one of the same key counts.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How many bytes of keys and values it holds.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// A row as it was read: its key and its value.
pub type Row = (Bytes, Bytes);

/// What is shown of rows, one after the other, until it breaks: the key and the value.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// A blocking, ordered key-value store with atomic batches. One thread commits; others read meanwhile.
///
/// The keeper believes this of it, and proves what it can at each start: a commit is there as a whole or not at
/// all; after `sync` has returned, all commits before it outlive a crash of the machine; without it they outlive
/// the end of the process.
pub trait Store: Send + Sync + 'static {
    /// Writes a batch, atomically. When it returns, the batch outlives the end of this process.
    ///
    /// # Errors
    /// The batch may be there or not. Nothing else may be committed before `reopen`.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError>;

    /// Makes all that was committed outlive a crash of the machine.
    ///
    /// # Errors
    /// What was committed since the last sync may be lost in a crash. Nothing else may be committed before
    /// `reopen`.
    fn sync(&self) -> Result<(), StoreError>;

    /// Reads one row.
    ///
    /// # Errors
    /// The store could not be read, or is damaged at that place.
    fn row(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// Shows all rows from `from` to before `to`, in the order of their keys, until `visit` breaks.
    ///
    /// # Errors
    /// The store could not be read, or is damaged at that place; what was shown before is right.
    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError>;

    /// The row with the highest key from `from` to before `to`.
    ///
    /// # Errors
    /// The store could not be read, or is damaged at that place.
    fn last(&self, space: Space, from: &[u8], to: &[u8]) -> Result<Option<Row>, StoreError>;

    /// Opens it again after an error of `commit` or `sync`. What was synced before is there afterwards.
    ///
    /// # Errors
    /// It could not be opened; it may be tried again.
    fn reopen(&self) -> Result<(), StoreError>;

    /// How many bytes can still be written where it lies; `None` when that is not known.
    ///
    /// # Errors
    /// The file system does not say.
    fn free_bytes(&self) -> Result<Option<u64>, StoreError>;
}
