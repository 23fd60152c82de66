//! What can go wrong, each with what would be right.

use crate::head::Lost;
use crate::position::{Epoch, Position};

/// Why nothing was appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The body is over its limit.
    #[error("an entry of {bytes} bytes is over the limit of {max_bytes}")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max_bytes: usize,
    },
    /// The key was used for another body.
    #[error("the key was used for other bytes at seq {}: use a new key, or repeat the same bytes", first.seq)]
    KeyReused {
        /// Where the first append with this key stands.
        first: Position,
    },
    /// The whole budget is smaller than this entry.
    #[error("an entry that needs {bytes} bytes does not fit into a budget of {max_bytes}")]
    BudgetTooSmall {
        /// What the entry needs, overhead included.
        bytes: usize,
        /// The budget.
        max_bytes: usize,
    },
    /// Nothing can give way now: readers or the disk's queue hold what there is. Try again later.
    #[error(
        "the memory budget of {max_bytes} bytes is used up, {held} of them by readers and by what is not written yet"
    )]
    OverBudget {
        /// How many bytes cannot give way.
        held: usize,
        /// The budget.
        max_bytes: usize,
    },
    /// The log has ended.
    #[error("the log has ended, nothing is appended to it any more")]
    Ended,
    /// The log has used up its seqs.
    #[error("the log has used all of its seqs: clear it")]
    Exhausted,
    /// The store did not take it. Whether it is there after a restart is not known.
    #[cfg(feature = "disk")]
    #[error("the store did not take it")]
    Store(#[from] crate::disk::StoreError),
}

/// Why nothing was read, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such log.
    #[error("there is no such log")]
    Unknown,
    /// The log has begun anew since; read it from the start of the epoch that it has.
    #[error("the log has the epoch {have} now: read it from {have}-0")]
    OtherEpoch {
        /// Its epoch.
        have: Epoch,
    },
    /// Nobody can have seen that much of this log.
    #[error("the position is ahead of the log, whose last seq is {tail}")]
    Future {
        /// Its last seq.
        tail: u64,
    },
    /// What follows the position is partly gone; what is left follows the floor.
    #[error("what follows is gone up to seq {floor}: read on from there, or take a snapshot")]
    BelowFloor {
        /// The last seq that is gone.
        floor: u64,
    },
    /// A snapshot would not be whole.
    #[error("the seqs {} to {} are lost", lost.from, lost.to)]
    Lost {
        /// What is missing.
        lost: Lost,
    },
    /// The store did not answer.
    #[cfg(feature = "disk")]
    #[error("the store did not answer")]
    Store(#[from] crate::disk::StoreError),
}
