//! Listening, HTTP plumbing and WebSocket upgrades. The only crate that knows hyper's server side.
//!
//! It hands each request to a tower service and gives raw sockets out of upgrades. Before that it speaks TLS,
//! reads PROXY headers and finds out whose request it is. It does not know what paths there are, who may come
//! in, what a session does, or where certificates are kept.
#![expect(
    clippy::disallowed_methods,
    reason = "this crate is the shell that runs one task per HTTP connection"
)]

mod body;
mod connection;
mod error;
mod forwarded;
mod network;
mod problem;
mod proxy_protocol;
mod serve;
mod stream;
mod tls;
mod upgrade;

pub use body::{Body, BodyError, read_body};
pub use error::Error;
pub use forwarded::{ForwardedHeader, Proxies};
pub use hyper::body::Incoming;
pub use network::{Network, NetworkError};
pub use problem::Problem;
pub use serve::{Peer, Server, Settings};
pub use stream::{Plain, Stream};
pub use tls::Tls;
pub use upgrade::Upgrade;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
