//! A bounded outbox that knows what may be dropped, merged or never lost.
//!
//! [`Outbox`] is the plain structure: lanes by priority, limits in messages and bytes, order within a
//! key, overflow by class, counters. [`Batcher`] says when to flush it. With the feature `tokio`,
//! `channel` puts one outbox between many writers and one reader; with `tower`, `Enqueue` is the
//! writers' side as a service.
//!
//! Nothing here knows a socket, a codec, a log or a clock: time is an argument.

pub mod ack;
mod batch;
#[cfg(feature = "tokio")]
mod channel;
mod counters;
pub mod delay;
#[cfg(feature = "tokio")]
mod drained;
mod error;
mod extra;
mod facts;
mod incoming;
mod item;
mod lagging;
mod lanes;
mod limits;
mod marks;
mod outbox;
mod overflow;
mod pushed;
#[cfg(feature = "tokio")]
mod pushing;
#[cfg(feature = "tokio")]
mod receiver;
pub mod retry;
#[cfg(feature = "tokio")]
mod sender;
#[cfg(feature = "tower")]
mod service;
mod slab;
#[cfg(feature = "tokio")]
mod sync;
#[cfg(feature = "tokio")]
mod waiting;

pub use batch::{BatchPolicy, Batcher, Flush};
#[cfg(feature = "tokio")]
pub use channel::{PushError, channel, channel_with};
pub use counters::Counters;
#[cfg(feature = "tokio")]
pub use drained::Drained;
pub use error::{Error, Refused};
pub use item::Item;
pub use limits::{Limits, Overflow, Room};
pub use outbox::Outbox;
pub use pushed::{Evicted, Fill, Lagging, Pushed};
#[cfg(feature = "tokio")]
pub use receiver::Receiver;
#[cfg(feature = "tokio")]
pub use sender::{DEFAULT_PUSH_TIMEOUT, Sender};
#[cfg(feature = "tower")]
pub use service::Enqueue;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
