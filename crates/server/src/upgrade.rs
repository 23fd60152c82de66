//! From an HTTP request to the raw stream under it.

use bytes::Bytes;
use http::Request;
use hyper_util::rt::TokioIo;

use crate::{Error, Stream};

/// The promise of a request's connection: kept once the response with status 101 has gone out.
#[derive(Debug)]
pub struct Upgrade(hyper::upgrade::OnUpgrade);

impl Upgrade {
    /// Takes the promise out of a request. Ask only after its handshake was found to be right.
    #[must_use]
    pub fn of<B>(request: &mut Request<B>) -> Self {
        Self(hyper::upgrade::on(request))
    }

    /// The stream, and what was read from it beyond the request. hyper's own buffers are gone then.
    ///
    /// # Errors
    /// [`Error::Upgrade`] if the client left first, [`Error::NotOurs`] if this is no connection of [`crate::Server`].
    ///
    /// # Cancel safety
    /// Cancelling closes the connection.
    pub async fn socket(self) -> Result<(Stream, Bytes), Error> {
        let upgraded = self.0.await?;
        match upgraded.downcast::<TokioIo<Stream>>() {
            Ok(parts) => Ok((parts.io.into_inner(), parts.read_buf)),
            Err(_) => Err(Error::NotOurs),
        }
    }
}
