//! The body of an upstream's answer, which has its connection as long as it lasts. Knows nothing of what it says.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::Uri;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tidegate_pool::balance::Picked;

use super::client::Connection;

/// A body; at its end its connection is there for the next request. One that is dropped before gives it back too: the
/// connection closes then, or skips the little that is left, and whoever takes it waits until that is clear.
#[derive(Debug)]
pub(crate) struct UpstreamBody {
    incoming: Incoming,
    connection: Option<Connection>,
    /// Whose it is, who is busy with it.
    picked: Option<Picked<Uri>>,
}

impl UpstreamBody {
    pub(crate) fn new(incoming: Incoming, connection: Connection) -> Self {
        let mut body = Self { incoming, connection: Some(connection), picked: None };
        if body.incoming.is_end_stream() {
            body.give_back();
        }
        body
    }

    /// Says whose answer it is: busy until its end, and to blame if it breaks off.
    pub(crate) fn is_from(&mut self, picked: Picked<Uri>) {
        self.picked = Some(picked);
    }

    /// The answer will not come to its end, by the upstream's fault.
    pub(crate) fn blame(&mut self) {
        if let Some(picked) = self.picked.take() {
            picked.failed(Instant::now());
        }
    }

    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.give_back(Instant::now());
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(cx);
        match frame {
            Poll::Ready(None) => {
                self.give_back();
                self.picked = None;
            }
            Poll::Ready(Some(Err(_))) => self.blame(),
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        self.give_back();
    }
}
