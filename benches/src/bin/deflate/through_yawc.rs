//! yawc's connection over memory: it writes frames to nowhere, or reads frames that were laid out before.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use yawc::{CompressionLevel, Frame, Options, Role, WebSocket};

use crate::work::{MAX_BYTES, Work};

const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Reads the same bytes over and over; counts what is written.
struct Memory {
    bytes: Bytes,
    at: usize,
    written: usize,
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.at == self.bytes.len() {
            self.at = 0;
        }
        let end = self.bytes.len().min(self.at + buffer.remaining());
        buffer.put_slice(&self.bytes[self.at..end]);
        self.at = end;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn socket(work: &Work, role: Role, bytes: Bytes, compressed: bool) -> WebSocket<Memory> {
    let memory = Memory { bytes, at: 0, written: 0 };
    let agreed = if work.takeover { "permessage-deflate" } else { AGREED };
    let options = Options::default().with_limits(MAX_BYTES, 2 * MAX_BYTES);
    let (options, agreed) = if compressed {
        let level = options.with_compression_level(CompressionLevel::new(work.level.into()));
        (level.with_compression_threshold(work.threshold + 1), Some(agreed))
    } else {
        (options.without_compression(), None)
    };
    WebSocket::from_stream_with_extensions(memory, role, agreed, options)
        .expect("the options allow compression")
}

/// Nothing here ever waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("memory is always ready"),
    }
}

pub struct Writing {
    messages: Vec<Bytes>,
    socket: WebSocket<Memory>,
    frames: usize,
}

impl Writing {
    pub fn new(work: Work) -> Self {
        let messages: Vec<_> = work.messages.iter().map(|m| Bytes::copy_from_slice(m)).collect();
        let socket = socket(&work, Role::Server, Bytes::new(), true);
        Self { messages, socket, frames: 0 }
    }

    /// Frames written. What they hold is not to be seen from outside.
    pub fn all(&mut self) -> usize {
        for message in &self.messages {
            let sent = now(self.socket.send(Frame::binary(message.clone())));
            assert!(sent.is_ok());
            self.frames += 1;
        }
        self.frames
    }
}

pub struct Reading {
    messages: usize,
    socket: WebSocket<Memory>,
}

impl Reading {
    pub fn new(work: Work) -> Self {
        let frames = work.payloads.iter().flat_map(|payload| frame(true, payload));
        let bytes: Vec<u8> = frames.collect();
        let socket = socket(&work, Role::Client, bytes.into(), true);
        Self { messages: work.payloads.len(), socket }
    }

    /// Bytes that come out.
    pub fn all(&mut self) -> usize {
        let next = || now(self.socket.next_frame()).expect("a frame of ours").payload().len();
        std::iter::repeat_with(next).take(self.messages).sum()
    }
}

/// A server's binary message in one frame.
fn frame(compressed: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![if compressed { 0xc2 } else { 0x82 }];
    match payload.len() {
        length @ 0..126 => bytes.push(length as u8),
        length @ 126..65_536 => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// A connection after one message in each direction.
pub fn connection(work: &Work, compressed: bool) -> impl Sized {
    let payload = if compressed { &work.payloads[0] } else { &work.messages[0] };
    let bytes = frame(compressed, payload).into();
    let mut socket = socket(work, Role::Client, bytes, compressed);
    assert!(now(socket.next_frame()).is_ok());
    assert!(now(socket.send(Frame::binary(work.messages[0].clone()))).is_ok());
    socket
}
