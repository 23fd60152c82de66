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
    /// The client went away between its request and the switch of protocols.
    #[error("the upgrade was not completed: {0}")]
    Upgrade(#[from] hyper::Error),
    /// The request came in over something that is not a plain TCP connection.
    #[error("the upgraded connection is not a TCP stream of this server")]
    NotTcp,
}
