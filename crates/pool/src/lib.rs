//! A registry of live connections: capacity, users, groups, facts, sweeps and balancing; and the reuse of
//! connections to upstreams.
//!
//! [`Gate`] counts sockets at the door. [`Pool`] knows who is inside: by session, by user, by group.
//! [`Facts`] are what is known of one connection. [`balance`] picks one of many and watches their health.
//! [`reuse`] keeps connections for the next who needs one.
//!
//! Nothing here knows a socket, a clock, a runtime or a log: time is an argument, a session is a handle
//! of the caller's type, and what the pool decides it returns.

pub mod balance;
mod chunk;
mod delivery;
mod due;
mod error;
mod exclude;
mod facts;
mod gate;
mod groups;
mod hash;
mod id;
#[cfg(feature = "tower")]
mod layer;
mod member;
mod pool;
mod report;
pub mod reuse;
mod roster;
mod seat;
mod sessions;
mod shards;
mod stats;
mod strategy;
mod sync;
mod time;
mod users;

pub use error::{
    AT_CAPACITY, Full, Impossible, JoinError, Refusal, USER_LIMIT_REACHED, UnknownStrategy,
};
pub use exclude::Exclude;
pub use facts::{Facts, FactsSnapshot, InFlight};
pub use gate::{Gate, Permit};
pub use groups::MAX_REMEMBERED_STRATEGIES;
pub use id::ConnectionId;
#[cfg(feature = "tower")]
pub use layer::{Admit, AdmitFuture, AdmitLayer};
pub use member::{Admitted, Limits, Member, Removed, Target};
pub use pool::Pool;
pub use seat::MAX_WEIGHT;
pub use stats::{Connection, Stats};
pub use strategy::Strategy;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
