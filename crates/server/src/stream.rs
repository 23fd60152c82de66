//! The bytes of one connection, in the clear or over TLS. It does not know what is spoken in them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::server::TlsStream;

/// A connection of [`crate::Server`]. A plain one costs a reference count beside the TCP stream itself; vectored writes
/// reach the system. What TLS keeps for a connection is boxed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// In the clear.
    Plain(Plain),
    /// Over TLS. A write is done when the stream is flushed: up to 64 KiB wait in it.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A TCP stream whose writing half can be lent to others.
#[derive(Debug)]
pub struct Plain {
    read: OwnedReadHalf,
    write: Option<OwnedWriteHalf>,
}

impl From<TcpStream> for Plain {
    fn from(stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        Self { read, write: Some(write) }
    }
}

impl Plain {
    /// The writing half; without it each write fails with [`io::ErrorKind::NotConnected`].
    fn write(&mut self) -> io::Result<Pin<&mut OwnedWriteHalf>> {
        self.write.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Stream {
    /// The TCP connection underneath.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(plain) => plain.read.as_ref(),
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// Puts `half` in the place of the writing half, and gives that away: with `None` it is lent, and writes fail with
    /// [`io::ErrorKind::NotConnected`] until it is put back. A stream over TLS is one state for both ways and has no
    /// half to give. Who drops the half ends that way of the stream.
    pub const fn replace_writer(&mut self, half: Option<OwnedWriteHalf>) -> Option<OwnedWriteHalf> {
        match self {
            Self::Plain(plain) => std::mem::replace(&mut plain.write, half),
            Self::Tls(_) => half,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.read).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, buffer),
        }
    }
}

/// Calls a method of whichever stream it is.
macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Plain(plain) => {
                let $stream = plain.write()?;
                $call
            }
            Stream::Tls(stream) => {
                let $stream = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
