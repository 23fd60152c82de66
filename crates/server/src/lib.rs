//! Listening, HTTP plumbing and WebSocket upgrades. The only crate that knows hyper's server side.
//!
//! It hands each request to a tower service and gives raw sockets out of upgrades. It does not know
//! what paths there are, who may come in, or what a session does.
#![expect(
    clippy::disallowed_methods,
    reason = "this crate is the shell that runs one task per HTTP connection"
)]

mod body;
mod error;
mod problem;
mod serve;
mod upgrade;

pub use body::{Body, BodyError, read_body};
pub use error::Error;
pub use hyper::body::Incoming;
pub use problem::Problem;
pub use serve::{Peer, Server, Settings};
pub use upgrade::Upgrade;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
