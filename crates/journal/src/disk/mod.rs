//! Logs on an embedded disk: a keeper with a thread of its own, behind the `Store` trait.
//!
//! What it promises, and how it keeps it:
//!
//! - **Nothing that was answered at `Fsync` is missing.** It was synced first; and the last synced commit is
//!   written into a mark that is kept apart from the store, so that a store which lost its end is refused.
//! - **No seq is used twice.** Seqs come from blocks whose reservation is durable before the first of them leaves.
//! - **What is missing is said.** Seqs without gaps and a checksum in each row show every hole; a reader gets it as
//!   [`Stored::Lost`].

mod blocks;
mod checksum;
mod draft;
mod error;
mod fjall;
mod gate;
mod head_row;
mod keeper;
mod lock;
mod logs;
mod manifest;
mod mark;
mod meta_row;
mod number;
mod open;
mod queue;
mod read;
mod record;
mod repair;
mod rescue;
mod resting;
mod store;
mod sweep;
mod ticket;
mod verbs;
mod verify;
mod writer;

pub use blocks::BLOCK;
pub use error::{OpenError, StoreError};
pub use fjall::FjallStore;
pub use keeper::{Keeper, Loaded, Options};
pub use mark::{FileMark, Mark, Marked};
pub use number::LogNumber;
pub use open::Opened;
pub use read::Stored;
pub use repair::{Repaired, repair, repair_directory};
pub use store::{Batch, Change, Row, Space, Store, Visit};
pub use ticket::Ticket;
pub use verify::{LogReport, Report, export, verify};
pub use writer::Writer;
pub(crate) use {queue::Written, record::Outline, resting::Resting, ticket::Landing};
