//! What can go wrong between a listener and a socket.

use std::io;
use std::net::SocketAddr;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate or key is not there or not readable.
    #[error("no {what} in PEM form: {problem}")]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// What was found. Never the key itself.
        problem: String,
    },
    /// A certificate and its key are of no use, or not a pair.
    #[error("the certificate cannot be used: {0}")]
    Certificate(#[from] rustls::Error),
    /// The client went away between its request and the switch of protocols.
    #[error("the upgrade was not completed: {0}")]
    Upgrade(#[from] hyper::Error),
    /// The request came in over something that is not a connection of this server.
    #[error("the upgraded connection is not one of this server")]
    NotOurs,
}
