//! Inflating one message at a time, bounded while inflating. It does not know whose message it is, nor frames; only
//! whether the next one may refer to it.

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

mod ending;

use self::ending::Ending;
use crate::ring::Ring;
use crate::{Error, WindowBits};

/// How many blocks with BFINAL one message may contain. Senders that use them at all end a message with one; each costs
/// a reset and a copy of the window.
pub const MAX_FINAL_BLOCKS: u32 = 64;

/// Copies from the ring are cut into such pieces: larger ones start slowly on common processors.
const PIECE_BYTES: usize = 8192;
/// What the library allocates for one inflater, and what is around it.
const STATE_BYTES: usize = 48 << 10;

/// Inflates messages, one after the other, of any connection. 80 KiB.
///
/// [`Inbound`](crate::Inbound) with an [`InflaterPool`](crate::InflaterPool) is what most callers want. This is the part
/// below: [`begin`](Self::begin), then [`step`](Self::step) or [`push`](Self::push) for each fragment as it
/// comes, then [`finish`](Self::finish).
///
/// ```
/// use tidegate_deflate::Inflater;
///
/// let mut inflater = Inflater::new();
/// let mut message = Vec::new();
/// inflater.begin(1024);
/// for fragment in [&[0xf2, 0x48, 0xcd][..], &[0xc9, 0xc9, 0x07, 0x00]] {
///     inflater.push(fragment, &mut message)?; // section 7.2.3.1 of RFC 7692
/// }
/// inflater.finish()?;
/// assert_eq!(message, b"Hello");
/// # Ok::<(), tidegate_deflate::Error>(())
/// ```
pub struct Inflater {
    inflate: Inflate,
    /// What came out last, over messages that may refer to one another.
    ring: Ring,
    max_bytes: usize,
    /// What the open message may still produce.
    left: usize,
    /// Came out in the call that failed, and was not given yet.
    spared: usize,
    read: u64,
    final_blocks: u32,
    ending: Ending,
    /// The last byte taken ended a block with BFINAL, and a new stream has not begun.
    ended: bool,
    /// A message has begun, and neither finished nor failed.
    open: bool,
}

/// What one [`Inflater::step`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step<'a> {
    /// Bytes of the input that were taken.
    pub read: usize,
    /// What came out, at most 32 KiB: the next bytes of the message.
    pub inflated: &'a [u8],
    /// Whether there is more to come out: step again with the rest of the input, even if that is empty.
    pub more: bool,
}

impl Inflater {
    /// Allocates the whole state.
    #[must_use]
    pub fn new() -> Self {
        Self::with_ring(Ring::whole())
    }

    /// For one connection whose messages may refer to earlier ones, up to `window` back: 48 KiB, and a ring that grows
    /// from 4 KiB up to the window as bytes come.
    pub(crate) fn of_one_connection(window: WindowBits) -> Self {
        Self::with_ring(Ring::growing(window))
    }

    fn with_ring(ring: Ring) -> Self {
        Self {
            inflate: Inflate::new(false, WindowBits::MAX.bits()),
            ring,
            max_bytes: 0,
            left: 0,
            spared: 0,
            read: 0,
            final_blocks: 0,
            ending: Ending::new(),
            ended: false,
            open: false,
        }
    }

    /// Begins a message that refers to no other, of at most `max_bytes` inflated. What was open is dropped.
    ///
    /// A sender that uses a larger window than agreed is not noticed: the library's is always 32 KiB.
    pub fn begin(&mut self, max_bytes: usize) {
        self.ring.clear();
        self.ended = true;
        self.begin_next(max_bytes);
    }

    /// Begins a message that may refer to those before, which were finished.
    #[inline]
    pub(crate) fn begin_next(&mut self, max_bytes: usize) {
        if std::mem::take(&mut self.ended) {
            self.renew();
        }
        (self.max_bytes, self.left, self.spared) = (max_bytes, max_bytes, 0);
        (self.read, self.final_blocks) = (0, 0);
        self.open = true;
    }

    /// Whether a message has begun, and neither finished nor failed.
    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// Allocated by [`of_one_connection`](Self::of_one_connection), and since.
    pub(crate) fn allocated_bytes(&self) -> usize {
        STATE_BYTES + self.ring.capacity()
    }

    /// A new stream that remembers what was inflated: the library's reset alone drops the window, and the library shows it to no one.
    fn renew(&mut self) {
        self.inflate.reset(false);
        let (old, new) = self.ring.pieces();
        for piece in [old, new] {
            if !piece.is_empty() {
                // A raw stream refuses no dictionary; if it did, the next reference would be an error.
                let _ = self.inflate.set_dictionary(piece);
            }
        }
    }

    /// Inflates some of `input`, which goes on where the last step's `read` ended.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::TooLarge`], [`Error::ManyFinalBlocks`]; after any of them, and before the first
    /// [`begin`](Self::begin), [`Error::AfterFailure`].
    pub fn step(&mut self, input: &[u8]) -> Result<Step<'_>, Error> {
        let Advance { read, written, more } = self.advance(input)?;
        Ok(Step { read, inflated: self.ring.keep(written), more })
    }

    #[inline]
    fn advance(&mut self, input: &[u8]) -> Result<Advance, Error> {
        if !self.open {
            return Err(Error::AfterFailure);
        }
        if self.ended {
            if input.is_empty() {
                return Ok(Advance { read: 0, written: 0, more: false });
            }
            self.begin_next_stream(self.read)?;
        }
        // One byte of room above the limit tells "full" from "too large".
        let room = self.ring.room(self.left.saturating_add(1));
        let room_bytes = room.len();
        let (status, read, written) =
            inflate_once(&mut self.inflate, input, room, InflateFlush::NoFlush);
        self.read += read as u64;
        let Some(left) = self.left.checked_sub(written) else {
            self.spared = std::mem::take(&mut self.left);
            return Err(self.fail(Error::TooLarge { limit: self.max_bytes, offset: self.read }));
        };
        self.left = left;
        let more = match status {
            Ok(Status::StreamEnd) => {
                self.ended = true;
                read < input.len()
            }
            // The library always moves on while it has both input and room; a caller's loop may rely on it.
            Ok(_) if read < input.len() && read + written == 0 => return Err(self.corrupt()),
            Ok(_) => read < input.len() || written == room_bytes,
            Err(_) => {
                self.spared = written;
                return Err(self.corrupt());
            }
        };
        Ok(Advance { read, written, more })
    }

    #[cold]
    fn corrupt(&mut self) -> Error {
        self.fail(Error::Corrupt { offset: self.read })
    }

    #[cold]
    fn fail(&mut self, error: Error) -> Error {
        self.open = false;
        error
    }

    /// Goes on behind a block with BFINAL, which ended at `offset` of the message.
    #[cold]
    fn begin_next_stream(&mut self, offset: u64) -> Result<(), Error> {
        self.final_blocks += 1;
        if self.final_blocks > MAX_FINAL_BLOCKS {
            return Err(self.fail(Error::ManyFinalBlocks { offset }));
        }
        self.ended = false;
        self.renew();
        Ok(())
    }

    /// Inflates a whole fragment and appends what comes out.
    ///
    /// # Errors
    /// As [`step`](Self::step). `out` holds what came before the fault then, up to the limit: all of it, however the
    /// message was cut.
    #[inline]
    pub fn push(&mut self, fragment: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let mut rest = fragment;
        loop {
            let Advance { read, written, more } =
                self.advance(rest).inspect_err(|_| self.spare(out))?;
            append(self.ring.keep(written), out);
            if !more {
                return Ok(());
            }
            rest = rest.get(read..).unwrap_or_default();
        }
    }

    /// Gives what came out in the call that failed.
    #[cold]
    fn spare(&mut self, out: &mut Vec<u8>) {
        let spared = std::mem::take(&mut self.spared);
        append(self.ring.keep(spared), out);
    }

    /// The inflated bytes of the open message so far.
    #[must_use]
    pub const fn produced(&self) -> usize {
        self.max_bytes - self.left
    }
}

/// What one call of the library did.
struct Advance {
    read: usize,
    written: usize,
    more: bool,
}

/// What the library says, how many bytes were read, how many came out.
#[inline]
fn inflate_once(
    inflate: &mut Inflate,
    input: &[u8],
    output: &mut [u8],
    flush: InflateFlush,
) -> (Result<Status, InflateError>, usize, usize) {
    let (read, written) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, flush);
    (status, count(read, inflate.total_in()), count(written, inflate.total_out()))
}

/// No call reads or writes more than a slice has.
#[expect(clippy::cast_possible_truncation, reason = "at most the length of a slice")]
const fn count(before: u64, after: u64) -> usize {
    after.wrapping_sub(before) as usize
}

#[inline]
fn append(inflated: &[u8], out: &mut Vec<u8>) {
    if inflated.len() <= PIECE_BYTES {
        return out.extend_from_slice(inflated);
    }
    out.reserve(inflated.len());
    for piece in inflated.chunks(PIECE_BYTES) {
        out.extend_from_slice(piece);
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater")
            .field("read", &self.read)
            .field("produced", &self.produced())
            .finish_non_exhaustive()
    }
}
