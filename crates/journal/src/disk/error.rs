//! What can go wrong with logs on a disk: when a directory is opened, and while it is in use. Each says what would
//! be right.

use std::path::PathBuf;

use super::number::LogNumber;

/// Why something in an open directory did not happen. Cheap to clone: everyone who waits for one commit gets the
/// same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk or the file system refused.
    #[error("the disk did not do it: {0}")]
    Disk(String),
    /// What was read is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A write failed earlier; nothing more is written until the store is opened again.
    #[error("an earlier write failed ({0}); nothing is written until the store is reopened")]
    Poisoned(String),
    /// Less room is left on the disk than is to be kept free.
    #[error(
        "the disk has {free} bytes free, and {least} are to stay free: make room, or lower the limit"
    )]
    Full {
        /// What is free, in bytes.
        free: u64,
        /// What is to stay free, in bytes.
        least: u64,
    },
    /// More waits to be written than may wait: the disk does not keep up.
    #[error("{waiting} bytes wait for the disk, and at most {most} may: try again later")]
    Behind {
        /// What waits, in bytes.
        waiting: u64,
        /// What may wait, in bytes.
        most: u64,
    },
    /// There is no log of that number: it was removed, or comes from another directory.
    #[error("there is no log number {0}")]
    Unknown(LogNumber),
    /// The directory is being closed.
    #[error("the directory is being closed")]
    Closed,
    /// After reopening, the store has less than was synced.
    #[error(
        "after reopening, the store ends at commit {have}, but commit {synced} was synced: repair it"
    )]
    Behindhand {
        /// The last commit that the store has.
        have: u64,
        /// The last commit that was synced.
        synced: u64,
    },
    /// The storage engine does not let go of its files, so that they cannot be opened again in this process.
    #[error("the storage engine does not stop: start the process anew")]
    Stuck,
}

/// Why a directory was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the directory open.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The directory holds something else.
    #[error("{} is no journal: it has `{found}` and no `{}`; name an empty directory", path.display(), super::lock::IDENTITY)]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What was found there.
        found: String,
    },
    /// The directory was written by a newer version.
    #[error("{} is of format {found}, and this version knows formats up to {known}: use a newer version", path.display())]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// The directory cannot be used at all.
    #[error("{} cannot be used: {source}", path.display())]
    Directory {
        /// The directory or the file in it.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The storage engine does not open its files, which are damaged.
    #[error(
        "the store does not open: {0}; `repair` keeps what can be read of it and gives its logs new epochs"
    )]
    Engine(String),
    /// Commits that were synced are gone.
    #[error(
        "commits are gone: the store ends at {have}, but {mark} was synced; `repair` keeps what is there and gives every log a new epoch"
    )]
    CommitsGone {
        /// The last commit that the store has.
        have: u64,
        /// The last commit that the mark, kept apart, knows as synced.
        mark: u64,
    },
    /// The mark, which is kept apart from the store and says what was synced, is gone or damaged.
    #[error(
        "the mark of what was synced is {0}; `repair` writes it anew and gives every log a new epoch"
    )]
    Mark(&'static str),
    /// The logs are not those that were there at the last commit.
    #[error(
        "the heads of {have} logs do not match what the last commit knows of {known}; `repair` keeps what verifies and gives every log a new epoch"
    )]
    Heads {
        /// How many heads verify.
        have: u64,
        /// How many there were.
        known: u64,
    },
    /// The store does not let itself be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
