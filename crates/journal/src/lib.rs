//! An append-only log with an epoch and a contiguous seq, in memory or on an embedded disk, that never lies about
//! what it has.
//!
//! [`Journal`] is many logs by their names, shared by threads, under one [`Budget`]; with the feature `disk` it can be
//! opened in a directory. [`Reader`] waits for what follows a [`Position`]. [`Log`] is one log in memory, without a lock.
//!
//! Nothing here knows a socket, a protocol or a clock: Unix milliseconds are an argument, randomness is given at
//! construction.

mod append;
mod batch;
mod blocking;
mod budget;
mod digest;
#[cfg(feature = "disk")]
pub mod disk;
mod entry;
mod error;
mod head;
mod hot;
mod journal;
mod keys;
mod lengths;
mod log;
mod merge;
mod name;
mod page;
mod position;
mod reader;
mod receipt;
mod retention;
mod sync;
mod varint;
mod waiters;

pub use append::{Append, Durability, IdempotencyKey, Keyed};
pub use batch::{Batch, Item, Snapshot};
pub use budget::Budget;
pub use entry::{Cuts, Entry};
pub use error::{AppendError, ReadError};
pub use head::{Head, KnownKey, Lost};
pub use journal::{Journal, Limits, Stats, Swept};
pub use keys::KeyWindow;
pub use lengths::Lengths;
pub use log::{Log, Placed, Read};
pub use merge::{Join, LastValue, Merge, Mergeable, Text};
pub use name::{LogName, LogNameError, MAX_LOG_NAME_BYTES};
pub use position::{Epoch, Position, PositionError};
pub use reader::Reader;
pub use receipt::{Appended, Receipt};
pub use retention::Retention;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
