//! A load generator for WebSocket servers.
//!
//! [`dialect`] says how a server is spoken to, [`job`] what is to be done to it, and [`report`] what came of it: three
//! modules of plain serde types, which are all there is without the feature `engine`. It knows no server by name.

pub mod dialect;
pub mod job;
pub mod report;
