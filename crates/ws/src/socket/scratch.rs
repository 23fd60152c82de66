//! Buffers that all sockets of a thread share, each borrowed for one poll.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// One read takes at most this much.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    static READ: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static CORK: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Reads once and shows what came; the number of bytes, 0 at the end of the stream.
pub(super) fn poll_read<IO: AsyncRead>(
    io: Pin<&mut IO>,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    // A stream that reads through another socket finds an empty buffer and makes its own.
    let mut bytes = READ.take();
    bytes.resize(READ_BYTES, 0);
    let mut buffer = ReadBuf::new(&mut bytes);
    let polled = io.poll_read(cx, &mut buffer);
    let length = buffer.filled().len();
    if length > 0 {
        take(buffer.filled());
    }
    READ.set(bytes);
    ready!(polled)?;
    Poll::Ready(Ok(length))
}

/// Lends the thread's buffer for small frames, empty.
pub(crate) fn cork<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut bytes = CORK.take();
    bytes.clear();
    let result = work(&mut bytes);
    CORK.set(bytes);
    result
}
