//! The socket: a [`Decoder`] and a line of frames around any `AsyncRead + AsyncWrite`.
//!
//! It spawns nothing and owns no timer. Reads go through a scratch that the thread shares, so that an idle
//! socket owns no buffer.

mod error;
mod outgoing;
pub(crate) mod scratch;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::error::Error;
pub(crate) use self::outgoing::MAX_COPIED_BYTES;
use self::outgoing::Outgoing;
use crate::decoder::Decoder;
use crate::deflate::{Agreed, Compression};
use crate::encoder::Encoder;
use crate::error::ProtocolError;
use crate::event::Event;
use crate::limits::{Limits, Role};
use crate::prepared::Prepared;

/// Above this many queued bytes `next` writes before it gives the next event that it already holds.
const WRITE_FIRST_BYTES: usize = 64 * 1024;

/// One WebSocket connection after its handshake.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
/// use tidegate_ws::{Event, Limits, Prepared, Role, Socket};
///
/// let (here, there) = tokio::io::duplex(1024);
/// let mut server = Socket::new(here, Role::Server, Limits::default());
/// let mut client = Socket::new(there, Role::Client, Limits::default());
/// client.queue(Prepared::text("Hello"));
/// client.flush().await.unwrap();
/// assert_eq!(server.next().await.unwrap(), Event::Text("Hello".into()));
/// # drop(client);
/// server.close(1000, "done", Duration::from_secs(1)).await;
/// # }
/// ```
///
/// **Pings** are answered by the socket itself; while the stream takes nothing, the first fifteen and the latest: a peer
/// that floods pings and does not read costs sixteen pongs. **A Close** is answered by the socket itself, with the same code. **A violation** queues
/// the Close that names it, and tries to write it.
///
/// **Memory.** At rest: the value itself (about 240 bytes with a TCP stream; about 100 more if compression was agreed). While a frame is partial: at
/// most twice what has come of it. Queued frames are shared by reference and are the caller's to bound, by
/// [`pending_bytes`](Self::pending_bytes).
#[derive(Debug)]
pub struct Socket<IO> {
    io: IO,
    decoder: Decoder,
    /// What has been read and not decoded.
    input: BytesMut,
    /// Bytes of the allocation that `input` is a part of.
    chunk: usize,
    outgoing: Outgoing,
    encoder: Encoder,
    phase: Phase,
}

/// How far the connection has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// The peer's Close was reported, or the peer is gone: what is queued remains to be written.
    Ending,
    /// The peer broke the protocol, and the caller was told.
    Failed,
    Over,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Socket<IO> {
    /// A socket on a stream whose handshake is done. In the client role mask keys come from the standard
    /// library's randomly keyed hash, unless [`mask_keys`](Self::mask_keys) gives another source.
    #[must_use]
    pub fn new(io: IO, role: Role, limits: Limits) -> Self {
        Self::with_initial(io, Bytes::new(), role, limits)
    }

    /// Like [`new`](Self::new), with bytes that were read past the end of the handshake.
    #[must_use]
    pub fn with_initial(io: IO, already_read: Bytes, role: Role, limits: Limits) -> Self {
        let input = BytesMut::from(already_read);
        Self {
            io,
            decoder: Decoder::new(role, limits),
            chunk: input.len(),
            input,
            outgoing: Outgoing::default(),
            encoder: Encoder::new(role),
            phase: Phase::Open,
        }
    }

    /// Replaces the source of mask keys. Each must be unpredictable (RFC 6455, 5.3). No effect on a server.
    #[must_use]
    pub fn mask_keys(mut self, source: impl FnMut() -> [u8; 4] + Send + Sync + 'static) -> Self {
        self.encoder = self.encoder.mask_keys(source);
        self
    }

    /// Compresses and inflates as the handshake agreed. What is [queued](Self::queue) is compressed if that makes it
    /// smaller, unless it was decided about for many receivers ([`Broadcast`](crate::Broadcast)) or is
    /// [to be left](Prepared::uncompressed). To be set before anything is queued or read.
    #[must_use]
    pub fn deflate(mut self, agreed: Option<Agreed>) -> Self {
        if let Some(agreed) = agreed {
            let (inflating, compressing) = agreed.halves();
            self.decoder = self.decoder.inflating(inflating);
            self.encoder = self.encoder.compressing(compressing);
        }
        self
    }

    /// How this end compresses, if that was agreed: for [`Broadcast::frame`](crate::Broadcast::frame).
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        self.encoder.compression()
    }

    /// Puts other limits into force, from the next frame on: narrow ones until it is known who the peer is,
    /// say.
    pub const fn limit(&mut self, limits: Limits) {
        self.decoder.limit(limits);
    }

    /// The stream.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// The stream, for who exchanges a part of it. What is read from it or written to it here is missing to the socket.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// Whether a whole frame that somebody else writes to the stream now would stand where it would if it were
    /// [queued](Self::queue): nothing waits, no Close has gone or come, and no compressor keeps what was sent.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let keeps = self.compression().is_some_and(|agreed| agreed.direction.takeover);
        self.phase == Phase::Open && self.outgoing.is_at_rest() && !keeps
    }

    /// Puts first what the stream left of a frame that somebody else has written to it
    /// ([`Prepared::write_with`]) while the socket was [at rest](Self::is_at_rest).
    pub fn resume(&mut self, rest: Prepared) {
        self.outgoing.resume(rest);
    }

    /// Adds a frame to the line, without I/O: [`next`](Self::next), [`flush`](Self::flush) and
    /// [`close`](Self::close) write it. After a Close nothing more is taken.
    ///
    /// There is no bound here: a caller stops when [`pending_bytes`](Self::pending_bytes) is too much.
    pub fn queue(&mut self, frame: impl Into<Prepared>) {
        let frame = self.encoder.encode(frame.into());
        self.outgoing.push(frame);
    }

    /// The same for a frame that goes to others too: no reference is counted where it can be copied, or changed, at once.
    pub fn queue_shared(&mut self, frame: &Prepared) {
        if self.encoder.changes_nothing() {
            self.outgoing.push_shared(frame);
        } else {
            self.queue(frame);
        }
    }

    /// Bytes queued and not yet taken by the stream, headers and a pending pong included.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.outgoing.bytes()
    }

    /// The next event. While it waits it also writes what is queued.
    ///
    /// # Errors
    /// [`Error::Protocol`] once when the peer breaks a rule: the Close that says so is queued, and written if the stream
    /// takes it at once; [`close`](Self::close) should follow, which lets the peer read it in any case. [`Error::Io`] when the stream fails; what had arrived before is
    /// given first. [`Error::Closed`] when the peer's stream has ended, or after [`Event::Close`] once the
    /// answer to it is written; with a peer that does not read, that write may wait: `close` has a deadline.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future: what was read stays in the socket.
    pub async fn next(&mut self) -> Result<Event, Error> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](Self::next) for those who write their own loop.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        loop {
            if self.phase != Phase::Open {
                return self.poll_end(cx).map(|()| Err(Error::Closed));
            }
            if self.outgoing.bytes() >= WRITE_FIRST_BYTES {
                // A failed write is met again below, after what has been read.
                let _ = self.poll_write(cx);
            }
            match self.decode(cx) {
                Ok(Some(event)) => {
                    self.answer(&event);
                    return Poll::Ready(Ok(event));
                }
                Ok(None) => {}
                Err(error) => {
                    let error = self.fail(error);
                    // As far as the stream takes it now, so that who lets go of the socket has said why.
                    let _ = self.poll_write(cx);
                    return Poll::Ready(Err(error));
                }
            }
            self.compact();
            let written = self.poll_write(cx);
            let filled = if self.decoder.is_blocked() {
                // What was read waits for an inflater, and the peer with it.
                Poll::Pending
            } else {
                self.poll_fill(cx)
            };
            match (filled, written) {
                (Poll::Ready(Ok(1..)), _) => {}
                (_, Poll::Ready(Err(error))) | (Poll::Ready(Err(error)), _) => {
                    self.phase = Phase::Over;
                    return Poll::Ready(Err(Error::Io(error)));
                }
                (Poll::Ready(Ok(0)), _) => {
                    self.phase = Phase::Over;
                    return Poll::Ready(Err(Error::Closed));
                }
                (Poll::Pending, _) => return Poll::Pending,
            }
        }
    }

    /// Writes what is queued, without reading: what the peer sends meanwhile waits in the kernel, which
    /// slows the peer.
    ///
    /// # Errors
    /// [`Error::Io`] when the stream fails.
    ///
    /// # Cancel safety
    /// What was not written stays queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// [`flush`](Self::flush) for those who write their own loop.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_write(cx).map_err(Error::Io)
    }

    /// Ends the connection: queues a Close (unless one is on its way), writes what is queued, throws away what
    /// the peer still sends until its Close or its end, and lets go of the stream. After `deadline` it is let go
    /// of in any case.
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream.
    pub async fn close(mut self, code: u16, reason: &str, deadline: Duration) {
        self.queue(Prepared::close(code, reason));
        // Elapsed: the peer had its time, and the stream is dropped either way.
        let _ = tokio::time::timeout(deadline, self.finish()).await;
    }

    async fn finish(&mut self) {
        while self.phase == Phase::Open {
            // Events are thrown away; an error changes the phase.
            let _ = self.next().await;
        }
        let failed = self.phase == Phase::Failed;
        poll_fn(|cx| self.poll_end(cx)).await;
        if failed || self.encoder.is_client() {
            self.drain().await;
        }
    }

    /// Reads and forgets until the peer's end: a stream dropped with unread bytes may be reset, and the Close
    /// lost with it; a client lets the server end the stream (RFC 6455, 7.1.1).
    async fn drain(&mut self) {
        loop {
            self.input.clear();
            match poll_fn(|cx| self.poll_fill(cx)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// What the socket does by itself about an event.
    fn answer(&mut self, event: &Event) {
        match event {
            Event::Ping(payload) => {
                let pong = self.encoder.encode(Prepared::pong(payload));
                self.outgoing.push_pong(pong);
            }
            Event::Close(close) => {
                self.phase = Phase::Ending;
                self.queue(Prepared::close(close.as_ref().map_or(1005, |close| close.code), ""));
            }
            Event::Text(_) | Event::Binary(_) | Event::Fragment(_) | Event::Pong(_) => {}
        }
    }

    fn fail(&mut self, error: ProtocolError) -> Error {
        self.phase = Phase::Failed;
        self.input = BytesMut::new();
        self.queue(Prepared::close(error.close_code(), &error.to_string()));
        Error::Protocol(error)
    }

    /// Writes the rest and ends the stream's writing half. A failure is an end as well.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.phase != Phase::Over {
            if ready!(self.poll_write(cx)).is_ok() {
                // A stream that cannot be shut down is over all the same.
                let _ = ready!(Pin::new(&mut self.io).poll_shutdown(cx));
            }
            self.phase = Phase::Over;
        }
        Poll::Ready(())
    }

    /// Decodes, and sees to it that the task is woken if that needs an inflater.
    fn decode(&mut self, cx: &Context<'_>) -> Result<Option<Event>, ProtocolError> {
        let decoded = self.decoder.decode(&mut self.input)?;
        if decoded.is_some() || !self.decoder.is_blocked() {
            return Ok(decoded);
        }
        self.decoder.wake_when_free(cx.waker());
        // One may have come back before the waker was noted.
        self.decoder.decode(&mut self.input)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.poll_write(Pin::new(&mut self.io), cx)
    }

    /// Reads once; 0 is the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let (io, input, chunk) = (&mut self.io, &mut self.input, &mut self.chunk);
        scratch::poll_read(Pin::new(io), cx, |bytes| {
            if input.is_empty() {
                *input = BytesMut::from(bytes);
            } else {
                input.extend_from_slice(bytes);
            }
            *chunk = input.len();
        })
    }

    /// Lets go of the memory of frames that have been taken off the input.
    fn compact(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        } else if self.input.len() < self.chunk / 2 {
            self.input = BytesMut::from(&self.input[..]);
            self.chunk = self.input.len();
        }
    }
}
