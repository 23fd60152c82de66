//! What is known of a log beside its entries: what a store keeps of it, and a [`Log`](crate::Log) goes on from.

use crate::append::Keyed;
use crate::position::Epoch;
use crate::retention::Retention;

/// What a log goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its life.
    pub epoch: Epoch,
    /// The last seq that is gone by retention: a reader there or later misses nothing. 0 when none is.
    pub floor: u64,
    /// The seq of the next append; greater than any that may have left the process.
    pub next: u64,
    /// What is lost behind the floor, in ascending order, disjoint.
    pub lost: Vec<Lost>,
    /// How long it keeps what.
    pub retention: Retention,
    /// When it ended, in Unix milliseconds; age counts from there.
    pub ended_at_ms: Option<u64>,
    /// The keys of its window, in the order of their appends.
    pub keys: Vec<KnownKey>,
}

/// Seqs that will never be readable again, although retention has not passed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lost {
    /// The first of them.
    pub from: u64,
    /// The last of them, inclusive.
    pub to: u64,
}

/// A key that was used, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The key and the digest of its body.
    pub keyed: Keyed,
    /// The seq that was answered.
    pub seq: u64,
    /// When, in Unix milliseconds.
    pub at_ms: u64,
}

impl Head {
    /// The head of a log that nothing was appended to.
    #[must_use]
    pub const fn new(epoch: Epoch, retention: Retention) -> Self {
        Self {
            epoch,
            floor: 0,
            next: 1,
            lost: Vec::new(),
            retention,
            ended_at_ms: None,
            keys: Vec::new(),
        }
    }
}
