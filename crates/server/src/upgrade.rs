//! From an HTTP request to the raw TCP socket under it.

use bytes::Bytes;
use http::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Error;

/// The promise of a request's connection: kept once the response with status 101 has gone out.
#[derive(Debug)]
pub struct Upgrade(hyper::upgrade::OnUpgrade);

impl Upgrade {
    /// Takes the promise out of a request. Ask only after its handshake was found to be right.
    #[must_use]
    pub fn of<B>(request: &mut Request<B>) -> Self {
        Self(hyper::upgrade::on(request))
    }

    /// The socket, and what was read from it beyond the request. hyper's own buffers are gone then.
    ///
    /// # Errors
    /// [`Error::Upgrade`] if the client left first, [`Error::NotTcp`] if this is no connection of [`crate::Server`].
    ///
    /// # Cancel safety
    /// Cancelling closes the connection.
    pub async fn socket(self) -> Result<(TcpStream, Bytes), Error> {
        let upgraded = self.0.await?;
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => Ok((parts.io.into_inner(), parts.read_buf)),
            Err(_) => Err(Error::NotTcp),
        }
    }
}
