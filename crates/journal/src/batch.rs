//! What a reader gets. Knows no log.

use crate::entry::Entry;
use crate::head::Lost;

/// One thing in the order of a log: entries, and what is missing between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An entry, or the rest of one behind the position that was asked for.
    Entry(Entry),
    /// These seqs are lost. A reader goes on behind them.
    Lost(Lost),
}

/// What follows a position, without a gap: the first item begins right behind it, and each one right behind the
/// one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Entries and what is lost, in their order. Empty where the reader has seen everything.
    pub items: Vec<Item>,
    /// The last seq of the log that may be read now.
    pub tail: u64,
    /// Whether the log has ended: nothing will follow its tail.
    pub ended: bool,
}

/// All of a log from its first seq, in as few entries as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Snapshot {
    /// Neighbours that could be merged are: the text of one stream is one entry.
    pub entries: Vec<Entry>,
    /// The last seq that is inside.
    pub last: u64,
    /// Whether the log has ended.
    pub ended: bool,
}

impl Item {
    /// The first seq that it stands for.
    #[must_use]
    pub const fn first(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.first,
            Self::Lost(lost) => lost.from,
        }
    }

    /// The last seq that it stands for.
    #[must_use]
    pub const fn last(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.last,
            Self::Lost(lost) => lost.to,
        }
    }

    pub(crate) const fn body_bytes(&self) -> usize {
        match self {
            Self::Entry(entry) => entry.body.len(),
            Self::Lost(_) => 0,
        }
    }
}

impl Batch {
    /// The entries, without what is lost.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.items.iter().filter_map(|item| match item {
            Item::Entry(entry) => Some(entry),
            Item::Lost(_) => None,
        })
    }

    /// The last seq of it; `None` where it is empty.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.items.last().map(Item::last)
    }
}
