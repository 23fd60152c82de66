//! Echoes over memory: what each crate costs without a kernel. So many frames come with one read; what is written is
//! thrown away.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::{FutureExt, Sink, Stream};
use tidegate_benches::Suite;
use tidegate_ws::{Event, Limits, Prepared, Role, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives all its bytes when it is told to, and then nothing.
struct Memory {
    bytes: Bytes,
    given: usize,
    armed: Arc<AtomicBool>,
}

impl Memory {
    fn of(frames: usize) -> (Self, Arc<AtomicBool>) {
        let armed = Arc::new(AtomicBool::new(false));
        let bytes: Bytes = super::masked(64).repeat(frames).into();
        (Self { given: bytes.len(), bytes, armed: Arc::clone(&armed) }, armed)
    }

    /// What there is to read, at most so much.
    fn next_bytes(&mut self, room: usize) -> &[u8] {
        if self.armed.swap(false, Ordering::Relaxed) {
            self.given = 0;
        }
        let begin = self.given;
        self.given = self.bytes.len().min(begin + room);
        &self.bytes[begin..self.given]
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let taken = self.next_bytes(buffer.len());
        if taken.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer[..taken.len()].copy_from_slice(taken);
        Ok(taken.len())
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let taken = self.next_bytes(buffer.remaining());
        if taken.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// One read's frames in, their echoes out, per frame.
pub(crate) fn group(suite: &mut Suite, frames: usize) {
    suite
        .group(&format!("echo of 64 B without a kernel, {frames} with one read"))
        .per_call(frames as u64)
        .ours("Socket", move || ours(frames), echo_ours)
        .peer("tokio-websockets", move || tokio_websockets(frames), echo_tokio_websockets)
        .peer("fastwebsockets", move || fastwebsockets(frames), echo_fastwebsockets)
        .peer("tungstenite", move || tungstenite(frames), echo_tungstenite);
}

type Armed<T> = (T, Arc<AtomicBool>, usize);

fn ours(frames: usize) -> Armed<Socket<Memory>> {
    let (memory, armed) = Memory::of(frames);
    (Socket::new(memory, Role::Server, Limits::default()), armed, frames)
}

fn echo_ours((socket, armed, frames): &mut Armed<Socket<Memory>>) -> usize {
    armed.store(true, Ordering::Relaxed);
    let mut cx = Context::from_waker(Waker::noop());
    let mut seen = 0;
    while let Poll::Ready(event) = socket.poll_next(&mut cx) {
        let Ok(Event::Binary(bytes)) = event else { panic!("a message") };
        socket.queue(Prepared::binary(bytes));
        seen += 1;
    }
    assert_eq!(seen, *frames);
    seen
}

type TokioWebsockets = tokio_websockets::WebSocketStream<Memory>;

fn tokio_websockets(frames: usize) -> Armed<TokioWebsockets> {
    let (memory, armed) = Memory::of(frames);
    (tokio_websockets::ServerBuilder::new().serve(memory), armed, frames)
}

fn echo_tokio_websockets((socket, armed, frames): &mut Armed<TokioWebsockets>) -> usize {
    armed.store(true, Ordering::Relaxed);
    let mut cx = Context::from_waker(Waker::noop());
    let mut seen = 0;
    while let Poll::Ready(message) = Pin::new(&mut *socket).poll_next(&mut cx) {
        let message = message.expect("it goes on").expect("a message");
        assert!(Pin::new(&mut *socket).poll_ready(&mut cx).is_ready());
        Pin::new(&mut *socket).start_send(message).expect("it is taken");
        seen += 1;
    }
    assert!(Pin::new(&mut *socket).poll_flush(&mut cx).is_ready());
    assert_eq!(seen, *frames);
    seen
}

type Fastwebsockets = fastwebsockets::WebSocket<Memory>;

fn fastwebsockets(frames: usize) -> Armed<Fastwebsockets> {
    let (memory, armed) = Memory::of(frames);
    (
        fastwebsockets::WebSocket::after_handshake(memory, fastwebsockets::Role::Server),
        armed,
        frames,
    )
}

fn echo_fastwebsockets((socket, armed, frames): &mut Armed<Fastwebsockets>) -> usize {
    armed.store(true, Ordering::Relaxed);
    for _ in 0..*frames {
        let frame = socket.read_frame().now_or_never().expect("it is there").expect("a frame");
        // What is read borrows the socket, so that its echo owns its bytes.
        let payload = fastwebsockets::Payload::Owned(frame.payload.to_vec());
        let echo = fastwebsockets::Frame::binary(payload);
        socket.write_frame(echo).now_or_never().expect("it is taken").expect("it is written");
    }
    *frames
}

type Tungstenite = tungstenite::WebSocket<Memory>;

fn tungstenite(frames: usize) -> Armed<Tungstenite> {
    let (memory, armed) = Memory::of(frames);
    let role = tungstenite::protocol::Role::Server;
    (tungstenite::WebSocket::from_raw_socket(memory, role, None), armed, frames)
}

fn echo_tungstenite((socket, armed, frames): &mut Armed<Tungstenite>) -> usize {
    armed.store(true, Ordering::Relaxed);
    let mut seen = 0;
    while let Ok(message) = socket.read() {
        socket.write(message).expect("it is taken");
        seen += 1;
    }
    socket.flush().expect("it is written");
    assert_eq!(seen, *frames);
    seen
}
