//! A load generator for WebSocket servers.
//!
//! [`dialect`] says how a server is spoken to, [`job`] what is to be done to it, and [`report`] what came of it: three
//! modules of plain serde types, which are all there is without the feature `engine`. It knows no server by name.

pub mod dialect;
pub mod job;
pub mod report;

#[cfg(feature = "engine")]
mod board;
#[cfg(feature = "engine")]
mod clock;
#[cfg(feature = "engine")]
mod cost;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "engine")]
mod error;
#[cfg(feature = "engine")]
mod floor;
#[cfg(feature = "engine")]
mod halt;
#[cfg(feature = "engine")]
mod link;
#[cfg(feature = "engine")]
mod member;
#[cfg(feature = "engine")]
mod plan;
#[cfg(feature = "engine")]
mod poll;
#[cfg(feature = "engine")]
mod rules;
#[cfg(feature = "engine")]
mod socket;
#[cfg(feature = "engine")]
mod tally;
#[cfg(feature = "engine")]
mod times;
#[cfg(feature = "engine")]
mod tour;
#[cfg(feature = "engine")]
mod track;
#[cfg(feature = "engine")]
mod upstream;
#[cfg(feature = "engine")]
mod watch;
#[cfg(feature = "engine")]
mod wire;
#[cfg(feature = "engine")]
mod worker;

#[cfg(feature = "engine")]
pub use cost::{Cost, cost_of_own};
#[cfg(feature = "engine")]
pub use engine::{Conduct, run, run_as, serve_part};
#[cfg(feature = "engine")]
pub use error::Error;
#[cfg(feature = "engine")]
pub use upstream::Upstream;

#[doc = include_str!("../README.md")]
#[cfg(all(doctest, feature = "engine"))]
struct Readme;
