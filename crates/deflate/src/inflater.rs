//! Inflating one message at a time, bounded while inflating. It does not know whose message it is, nor frames.

use zlib_rs::{Inflate, InflateFlush, Status};

use crate::history::History;
use crate::{Error, WindowBits};

/// How many blocks with BFINAL one message may contain. Senders that use them at all end a message with one; each costs
/// a reset and a copy of the window.
pub const MAX_FINAL_BLOCKS: u32 = 64;

/// The tail that the sender cut off, and a stored empty block with BFINAL: the stream ends with its last byte only
/// if the message ended at a block's boundary.
const END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];
const CHUNK_BYTES: usize = 8192;

/// Inflates messages, one after the other, of any connection. About 90 KiB.
///
/// [`Inbound`](crate::Inbound) with an [`InflaterPool`](crate::InflaterPool) is what most callers want. This is the part
/// below: [`begin`](Self::begin), then [`step`](Self::step) or [`push`](Self::push) for each fragment as it
/// comes, then [`finish`](Self::finish).
///
/// ```
/// use tidegate_deflate::{Inflater, WindowBits};
///
/// let mut inflater = Inflater::new();
/// let mut message = Vec::new();
/// inflater.begin(WindowBits::MAX, 1024);
/// for fragment in [&[0xf2, 0x48, 0xcd][..], &[0xc9, 0xc9, 0x07, 0x00]] {
///     inflater.push(fragment, &mut message)?; // section 7.2.3.1 of RFC 7692
/// }
/// inflater.finish()?;
/// assert_eq!(message, b"Hello");
/// # Ok::<(), tidegate_deflate::Error>(())
/// ```
pub struct Inflater {
    inflate: Inflate,
    history: History,
    window: WindowBits,
    max_bytes: usize,
    read: u64,
    produced: usize,
    final_blocks: u32,
    /// The last byte taken ended a block with BFINAL, and a new stream has not begun.
    ended: bool,
    failed: bool,
    /// A scratch: what comes out is appended from here.
    chunk: Vec<u8>,
}

/// What one [`Inflater::step`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// Bytes of the input that were taken.
    pub read: usize,
    /// Bytes of the output that were written.
    pub written: usize,
}

impl Inflater {
    /// Allocates the whole state.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inflate: Inflate::new(false, WindowBits::MAX.bits()),
            history: History::default(),
            window: WindowBits::MAX,
            max_bytes: 0,
            read: 0,
            produced: 0,
            final_blocks: 0,
            ended: false,
            failed: false,
            chunk: vec![0; CHUNK_BYTES],
        }
    }

    /// Begins a message that refers to no other, of at most `max_bytes` inflated. What was open is dropped.
    ///
    /// A sender that uses a larger window than agreed is not noticed here: the window is always 32 KiB.
    pub fn begin(&mut self, window: WindowBits, max_bytes: usize) {
        self.history.clear();
        self.restart(window, max_bytes);
    }

    /// Begins a message that may refer to `history`.
    pub(crate) fn begin_with(&mut self, history: History, window: WindowBits, max_bytes: usize) {
        self.history = history;
        self.restart(window, max_bytes);
    }

    /// The window after the message.
    pub(crate) fn take_history(&mut self) -> History {
        std::mem::take(&mut self.history)
    }

    fn restart(&mut self, window: WindowBits, max_bytes: usize) {
        self.window = window;
        self.max_bytes = max_bytes;
        (self.read, self.produced, self.final_blocks) = (0, 0, 0);
        (self.ended, self.failed) = (false, false);
        self.renew();
    }

    /// A new stream that remembers what was inflated: the library's reset alone drops the window.
    fn renew(&mut self) {
        self.inflate.reset(false);
        if self.history.is_empty() {
            return;
        }
        let (old, new) = self.history.pieces();
        for piece in [old, new] {
            // A raw stream refuses no dictionary; if it did, the next reference would be an error.
            let _ = self.inflate.set_dictionary(piece);
        }
    }

    /// Inflates from `input` into `output`, as far as either goes. Call it until all input is read
    /// and `written` is less than the output's length: only then nothing is held back.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::TooLarge`], [`Error::ManyFinalBlocks`]; after any of them [`Error::AfterFailure`]
    /// until the next [`begin`](Self::begin).
    pub fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Error> {
        if self.failed {
            return Err(Error::AfterFailure);
        }
        let stepped = self.advance(input, output);
        self.failed = stepped.is_err();
        stepped
    }

    fn advance(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Error> {
        // One byte of room above the limit tells "full" from "too large".
        let room = self.max_bytes.saturating_sub(self.produced).saturating_add(1).min(output.len());
        let output = output.get_mut(..room).unwrap_or_default();
        let mut step = Step { read: 0, written: 0 };
        loop {
            let rest = input.get(step.read..).unwrap_or_default();
            if self.ended {
                if rest.is_empty() {
                    return Ok(step);
                }
                self.begin_next_stream()?;
            }
            let free = output.get_mut(step.written..).unwrap_or_default();
            let (ended, read, written) = self.inflate_once(rest, free)?;
            self.history.record(free.get(..written).unwrap_or_default(), self.window);
            step.read += read;
            step.written += written;
            self.read += read as u64;
            self.produced += written;
            if self.produced > self.max_bytes {
                return Err(Error::TooLarge { limit: self.max_bytes, offset: self.read });
            }
            self.ended = ended;
            if !ended {
                return Ok(step);
            }
        }
    }

    fn begin_next_stream(&mut self) -> Result<(), Error> {
        self.final_blocks += 1;
        if self.final_blocks > MAX_FINAL_BLOCKS {
            return Err(Error::ManyFinalBlocks { offset: self.read });
        }
        self.ended = false;
        self.renew();
        Ok(())
    }

    fn inflate_once(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(bool, usize, usize), Error> {
        let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, output, InflateFlush::NoFlush);
        let read = count(read, self.inflate.total_in());
        let written = count(written, self.inflate.total_out());
        match status {
            Ok(status) => Ok((status == Status::StreamEnd, read, written)),
            Err(_) => Err(Error::Corrupt { offset: self.read + read as u64 }),
        }
    }

    /// Inflates a whole fragment and appends what comes out.
    ///
    /// # Errors
    /// As [`step`](Self::step). `out` may then hold a part of the message, never more than the limit.
    pub fn push(&mut self, fragment: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let pushed = self.push_through(&mut chunk, fragment, out);
        self.chunk = chunk;
        pushed
    }

    fn push_through(
        &mut self,
        chunk: &mut [u8],
        fragment: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let mut rest = fragment;
        loop {
            let Step { read, written } = self.step(rest, chunk)?;
            out.extend_from_slice(chunk.get(..written).unwrap_or_default());
            rest = rest.get(read..).unwrap_or_default();
            if rest.is_empty() && written < chunk.len() {
                return Ok(());
            }
        }
    }

    /// Ends the message: adds the tail that the sender cut off (section 7.2.2) and proves that it ended
    /// at a block's boundary. Nothing is inflated by it. A message of no bytes at all is taken as empty.
    ///
    /// # Errors
    /// [`Error::Truncated`], or [`Error::AfterFailure`].
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::AfterFailure);
        }
        self.failed = true; // until the next begin
        let whole = self.read == 0 || self.ended || self.proves_whole();
        if whole { Ok(()) } else { Err(Error::Truncated { offset: self.read }) }
    }

    fn proves_whole(&mut self) -> bool {
        let mut output = [0; 16];
        self.inflate_once(&END, &mut output) == Ok((true, END.len(), 0))
    }

    /// The inflated bytes of the open message so far.
    #[must_use]
    pub const fn produced(&self) -> usize {
        self.produced
    }
}

fn count(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
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
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}
