//! Frames on their way out: gathered into few writes, small ones copied together, large ones by reference.
//!
//! ```text
//! begun   the rest of a frame that the stream took a part of
//! pongs   answers to pings, ahead of what is queued, but not of copies of which the stream took a part
//! copied  small frames in one piece
//! frames  whole frames behind them, in order
//! ```

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::scratch;
use crate::prepared::Prepared;

/// Frames up to this size are copied into the cork: cheaper than a slice of their own.
pub(crate) const MAX_COPIED_BYTES: usize = 1024;
/// The same for streams that write one slice at a time, such as some TLS streams.
const COPY_BYTES_UNVECTORED: usize = 16 * 1024;
/// A write is gathered until it holds this much.
const GATHER_BYTES: usize = 64 * 1024;
/// The same after a stream was full: whether it has room again is not worth a larger copy.
const PROBE_BYTES: usize = 4 * 1024;
/// So much is copied when it is queued, while the stream takes what it is given and no frame is before it: then it is
/// written from there. What waits for a slow peer is rather shared with others.
const EARLY_BYTES: usize = 16 * 1024;
/// Slices of one vectored write.
const MAX_SLICES: usize = 64;
/// So many pings are answered one by one while the stream takes nothing, then the latest (RFC 6455, 5.5.3).
const MAX_PONGS: usize = 16;
/// A spare line keeps room for so many frames.
const SPARE_FRAMES: usize = 256;

/// A frame of which the stream took a part.
#[derive(Debug)]
struct Begun {
    rest: Prepared,
    /// Bytes that the rest keeps alive.
    held: usize,
}

/// What waits. It is lent by the thread while something waits, so that a socket at rest owns none.
#[derive(Debug, Default)]
struct Line {
    begun: Option<Begun>,
    pongs: VecDeque<Prepared>,
    copied: Vec<u8>,
    /// Bytes of the copies that are gone.
    taken: usize,
    frames: VecDeque<Prepared>,
}

thread_local! {
    /// A line that no socket uses: the next one that queues something takes it.
    static SPARE: Cell<Option<Box<Line>>> = const { Cell::new(None) };
}

/// What one write takes.
struct Gathered {
    pieces: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Outgoing {
    line: Option<Box<Line>>,
    /// Bytes of all that waits.
    bytes: usize,
    /// A Close was queued: it is the last of the line.
    closing: bool,
    /// The stream did not take all of the last write.
    full: bool,
    /// Something was written since the stream was last flushed.
    unflushed: bool,
}

impl Outgoing {
    /// Adds a frame. After a Close nothing more is taken.
    pub(super) fn push(&mut self, frame: Prepared) {
        if !self.closing && !self.copy(&frame) {
            self.line().frames.push_back(frame);
        }
    }

    /// Adds a frame that others have too.
    pub(super) fn push_shared(&mut self, frame: &Prepared) {
        if !self.closing && !self.copy(frame) {
            self.line().frames.push_back(frame.clone());
        }
    }

    /// Counts a frame, and adds it to the copies if it may be one.
    fn copy(&mut self, frame: &Prepared) -> bool {
        let length = frame.len();
        self.closing = frame.is_close();
        self.bytes += length;
        if self.full || frame.payload().len() > MAX_COPIED_BYTES {
            return false;
        }
        let line = self.line();
        let may = line.frames.is_empty() && line.copied.len() + length <= EARLY_BYTES;
        if may {
            line.copied.extend_from_slice(frame.header());
            line.copied.extend_from_slice(frame.payload());
        }
        may
    }

    /// Adds a pong, which goes before other frames. If too many wait it takes the place of the latest. After a Close
    /// none goes.
    pub(super) fn push_pong(&mut self, pong: Prepared) {
        if self.closing {
            return;
        }
        self.bytes += pong.len();
        let pongs = &mut self.line().pongs;
        let replaced = if pongs.len() < MAX_PONGS { None } else { pongs.pop_back() };
        pongs.push_back(pong);
        self.bytes -= replaced.map_or(0, |pong| pong.len());
    }

    /// Puts the rest of a frame that the stream has begun to take before everything else.
    pub(super) fn resume(&mut self, rest: Prepared) {
        self.bytes += rest.len();
        let held = rest.payload().len();
        self.line().begun = Some(Begun { rest, held });
    }

    /// Whether nothing waits, the stream is flushed, and no Close was queued.
    pub(super) const fn is_at_rest(&self) -> bool {
        self.bytes == 0 && !self.unflushed && !self.closing
    }

    fn line(&mut self) -> &mut Line {
        self.line.get_or_insert_with(|| SPARE.take().unwrap_or_default())
    }

    /// Bytes waiting.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes all there is and flushes the stream.
    pub(super) fn poll_write<IO: AsyncWrite>(
        &mut self,
        mut io: Pin<&mut IO>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.bytes > 0 {
            let (polled, gathered) = self.poll_once(io.as_mut(), cx);
            self.full = !matches!(&polled, Poll::Ready(Ok(written)) if *written == gathered);
            let written = ready!(polled)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.advance(written);
        }
        if self.unflushed {
            ready!(io.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// One write, and how much was gathered for it.
    fn poll_once<IO: AsyncWrite>(
        &self,
        io: Pin<&mut IO>,
        cx: &mut Context<'_>,
    ) -> (Poll<io::Result<usize>>, usize) {
        if let Some(copied) = self.line.as_deref().and_then(Line::copied_alone) {
            return (io.poll_write(cx, copied), copied.len());
        }
        let copy = if io.is_write_vectored() { MAX_COPIED_BYTES } else { COPY_BYTES_UNVECTORED };
        scratch::cork(|cork| {
            let gathered = self.cork(cork, copy);
            let polled = if gathered.bytes == cork.len() {
                io.poll_write(cx, cork)
            } else {
                self.poll_vectored(io, cx, cork, copy, gathered.pieces)
            };
            (polled, gathered.bytes)
        })
    }

    /// A write of which a part goes by reference.
    #[inline(never)]
    fn poll_vectored<IO: AsyncWrite>(
        &self,
        io: Pin<&mut IO>,
        cx: &mut Context<'_>,
        cork: &[u8],
        copy: usize,
        pieces: usize,
    ) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = self.slices(cork, copy, pieces, &mut slices);
        match slices.split_at(count).0 {
            [one] => io.poll_write(cx, one),
            many => io.poll_write_vectored(cx, many),
        }
    }

    /// What is to be written, in order: a header (empty if it is gone, or masked) and a payload each.
    fn pieces(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        static NOTHING: Line = Line {
            begun: None,
            pongs: VecDeque::new(),
            copied: Vec::new(),
            taken: 0,
            frames: VecDeque::new(),
        };
        let line = self.line.as_deref().unwrap_or(&NOTHING);
        let copied = Some(line.copied()).filter(|copied| !copied.is_empty());
        let (first, then) = if line.taken > 0 { (copied, None) } else { (None, copied) };
        let begun = line.begun.iter().map(|begun| of(&begun.rest));
        begun
            .chain(first.map(whole))
            .chain(line.pongs.iter().map(of))
            .chain(then.map(whole))
            .chain(line.frames.iter().map(of))
    }

    /// Fills the cork with headers and small payloads, and tells what the write will hold.
    fn cork(&self, cork: &mut Vec<u8>, copy: usize) -> Gathered {
        let limit = if self.full { PROBE_BYTES } else { GATHER_BYTES };
        let (mut pieces, mut bytes, mut slices) = (0, 0, 1);
        for (header, payload) in self.pieces() {
            if bytes >= limit || slices + 2 > MAX_SLICES {
                break;
            }
            cork.extend_from_slice(header);
            if payload.len() <= copy {
                cork.extend_from_slice(payload);
            } else {
                slices += 2;
            }
            bytes += header.len() + payload.len();
            pieces += 1;
        }
        Gathered { pieces, bytes }
    }

    /// Cuts the cork where a payload goes by reference. Gives the number of slices.
    fn slices<'a>(
        &'a self,
        mut cork: &'a [u8],
        copy: usize,
        pieces: usize,
        slices: &mut [IoSlice<'a>; MAX_SLICES],
    ) -> usize {
        let mut free = slices.iter_mut();
        let mut add = |bytes: &'a [u8]| {
            if !bytes.is_empty()
                && let Some(slot) = free.next()
            {
                *slot = IoSlice::new(bytes);
            }
        };
        let mut corked = 0;
        for (header, payload) in self.pieces().take(pieces) {
            corked += header.len();
            if payload.len() <= copy {
                corked += payload.len();
                continue;
            }
            let (before, after) = cork.split_at(corked);
            add(before);
            add(payload);
            (cork, corked) = (after, 0);
        }
        add(cork);
        MAX_SLICES - free.len()
    }

    /// Takes away what the stream took, and the line with its last byte.
    fn advance(&mut self, mut written: usize) {
        let Some(mut line) = self.line.take() else { return };
        if written == self.bytes {
            (line.begun, self.bytes, written) = (None, 0, 0);
            line.pongs.clear();
            line.copied.clear();
            line.taken = 0;
            line.frames.clear();
        }
        while written > 0 {
            let copied = line.take_copied(written);
            if copied > 0 {
                self.bytes -= copied;
                written -= copied;
                continue;
            }
            let Some(mut begun) = line.pop() else { break };
            let taken = written.min(begun.rest.len());
            self.bytes -= taken;
            written -= taken;
            if taken < begun.rest.len() {
                begun.advance(taken);
                line.begun = Some(begun);
            }
        }
        if self.bytes > 0 {
            self.line = Some(line);
        } else if line.frames.capacity() <= SPARE_FRAMES
            && line.copied.capacity() <= 2 * EARLY_BYTES
        {
            SPARE.set(Some(line));
        }
    }
}

fn of(frame: &Prepared) -> (&[u8], &[u8]) {
    (frame.header(), frame.payload())
}

const fn whole(bytes: &[u8]) -> (&[u8], &[u8]) {
    (&[], bytes)
}

impl Line {
    /// The copies that still have to go.
    fn copied(&self) -> &[u8] {
        self.copied.split_at(self.taken).1
    }

    /// The same, if nothing else is there.
    fn copied_alone(&self) -> Option<&[u8]> {
        let others = self.begun.is_some() || !self.pongs.is_empty() || !self.frames.is_empty();
        (!others).then(|| self.copied())
    }

    /// Takes bytes off the copies, if they go next; how many.
    fn take_copied(&mut self, bytes: usize) -> usize {
        if self.begun.is_some() || (self.taken == 0 && !self.pongs.is_empty()) {
            return 0;
        }
        let taken = bytes.min(self.copied().len());
        self.taken += taken;
        if self.taken == self.copied.len() {
            self.copied.clear();
            self.taken = 0;
        }
        taken
    }

    /// The frame that goes next.
    fn pop(&mut self) -> Option<Begun> {
        self.begun.take().or_else(|| {
            let frame = self.pongs.pop_front().or_else(|| self.frames.pop_front());
            frame.map(|rest| Begun { held: rest.payload().len(), rest })
        })
    }
}

impl Begun {
    /// Copies the rest out when it is half of what it holds: so it keeps no more than twice its size alive,
    /// and all the copies of one frame are no longer than the frame.
    fn advance(&mut self, bytes: usize) {
        self.rest.advance(bytes);
        let left = self.rest.payload().len();
        if left <= self.held / 2 {
            self.rest.unshare();
            self.held = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_is_left_of_a_frame_keeps_at_most_twice_its_size_alive() {
        let payload = Bytes::from(vec![7; 64 * 1024]);
        let mut outgoing = Outgoing::default();
        outgoing.push(Prepared::binary(payload.clone()));
        outgoing.advance(1);
        assert!(!payload.is_unique(), "a frame that has hardly begun is shared");
        outgoing.advance(40 * 1024);
        assert!(payload.is_unique(), "what is left was copied out");
        let left: usize =
            outgoing.pieces().map(|(header, payload)| header.len() + payload.len()).sum();
        assert_eq!((left, outgoing.bytes()), (64 * 1024 + 10 - 40 * 1024 - 1, left));
    }

    #[test]
    fn an_empty_line_owns_nothing() {
        let mut outgoing = Outgoing::default();
        for _ in 0..100 {
            outgoing.push(Prepared::text("x"));
        }
        outgoing.advance(300);
        assert_eq!((outgoing.bytes(), outgoing.line.is_none()), (0, true));
    }

    #[test]
    fn pongs_go_first_and_never_split_a_frame_that_has_begun() {
        let mut outgoing = Outgoing { full: true, ..Outgoing::default() };
        outgoing.push(Prepared::text("abc"));
        outgoing.push(Prepared::text("next"));
        outgoing.advance(1);
        outgoing.push_pong(Prepared::pong(b"1"));
        outgoing.push_pong(Prepared::pong(b"2"));
        assert_eq!(left(&outgoing), b"\x03abc\x8a\x011\x8a\x012\x81\x04next");
    }

    #[test]
    fn pongs_go_before_copies_unless_the_stream_took_a_part_of_them() {
        let mut outgoing = Outgoing::default();
        outgoing.push(Prepared::text("abc"));
        outgoing.push_shared(&Prepared::text("next"));
        outgoing.push_pong(Prepared::pong(b"1"));
        assert_eq!(left(&outgoing), b"\x8a\x011\x81\x03abc\x81\x04next");
        outgoing.advance(4);
        outgoing.push_pong(Prepared::pong(b"2"));
        assert_eq!(left(&outgoing), b"\x03abc\x81\x04next\x8a\x012");
        outgoing.advance(10);
        assert_eq!(left(&outgoing), b"\x8a\x012");
        outgoing.push(Prepared::text("last"));
        assert_eq!(left(&outgoing), b"\x8a\x012\x81\x04last");
    }

    #[test]
    fn order_is_kept_whatever_is_copied_when_it_is_queued() {
        let mut outgoing = Outgoing::default();
        let large = Prepared::binary(vec![7; MAX_COPIED_BYTES + 1]);
        outgoing.push(Prepared::text("a"));
        outgoing.push_shared(&large);
        outgoing.push(Prepared::text("b"));
        let mut expected = b"\x81\x01a".to_vec();
        expected.extend_from_slice(&large.to_bytes());
        expected.extend_from_slice(b"\x81\x01b");
        for gone in 0..expected.len() {
            assert_eq!(outgoing.bytes(), expected.len() - gone);
            let left: usize =
                outgoing.pieces().map(|(header, rest)| header.len() + rest.len()).sum();
            assert_eq!(left, outgoing.bytes());
            let first =
                outgoing.pieces().flat_map(|(header, rest)| [header, rest]).flatten().next();
            assert_eq!(first, expected.get(gone), "at {gone}");
            outgoing.advance(1);
        }
        assert!(outgoing.line.is_none());
    }

    #[test]
    fn no_more_than_a_bound_is_copied_for_a_peer_that_may_be_slow() {
        let shared = Prepared::binary(vec![7; MAX_COPIED_BYTES]);
        let mut outgoing = Outgoing::default();
        for _ in 0..100 {
            outgoing.push_shared(&shared);
        }
        let copied =
            |outgoing: &Outgoing| outgoing.line.as_ref().map_or(0, |line| line.copied.len());
        assert!((EARLY_BYTES - shared.len()..=EARLY_BYTES).contains(&copied(&outgoing)));
        assert_eq!(outgoing.bytes(), 100 * shared.len());
        let mut full = Outgoing { full: true, ..Outgoing::default() };
        full.push_shared(&shared);
        assert_eq!((copied(&full), full.bytes()), (0, shared.len()));
    }

    /// All that waits, in the order in which it goes.
    fn left(outgoing: &Outgoing) -> Vec<u8> {
        outgoing.pieces().flat_map(|(header, rest)| [header, rest]).flatten().copied().collect()
    }

    #[test]
    fn of_many_pings_the_first_and_the_latest_are_answered() {
        let mut outgoing = Outgoing::default();
        for number in 0..100 {
            outgoing.push_pong(Prepared::pong(&[number]));
        }
        assert_eq!(outgoing.bytes(), MAX_PONGS * 3);
        let (_, last) = outgoing.pieces().last().expect("pongs wait");
        assert_eq!(last, [99]);
    }
}
