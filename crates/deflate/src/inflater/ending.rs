//! The end of a message: the tail that the sender cut off is put back, and proves that the message is whole. It does
//! not know what comes after it.
//!
//! With [`InflateFlush::Block`] the library stops wherever a block ends, and the stream can go on from there. A message is
//! whole if a block ends with the tail's last byte and nothing has come out since the block before ended: so it
//! ends with an empty block, as section 7.2.1 of RFC 7692 has it. Inside a block the tail does something else: taken as codes,
//! its first two bytes end the block, or there is more to come out; taken as stored bytes, they come out.

use zlib_rs::{InflateFlush, Status};

use super::{Inflater, append, inflate_once};
use crate::Error;

/// The tail (section 7.2.2), and bytes that have to be left over: so many that the library's fast loop, which wants
/// 15 bytes ahead of it, reaches the message's end.
const END: [u8; 20] = {
    let mut end = [0xff; 20];
    (end[0], end[1]) = (0x00, 0x00);
    end
};
const TAIL_BYTES: usize = 4;
/// A last fragment up to this length goes in together with the tail: that saves more than the copy costs.
const SHORT_BYTES: usize = 512;

/// The last bytes of a message and [`END`].
pub(super) struct Ending {
    bytes: [u8; SHORT_BYTES + END.len()],
    /// Of them the message's.
    length: usize,
}

impl Ending {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; SHORT_BYTES + END.len()], length: 0 }
    }

    /// `last` is at most [`SHORT_BYTES`] long.
    #[inline]
    fn load(&mut self, last: &[u8]) {
        self.length = last.len();
        if let Some((message, end)) = self.bytes.split_at_mut_checked(last.len())
            && let Some(end) = end.first_chunk_mut()
        {
            message.copy_from_slice(last);
            *end = END;
        }
    }

    fn rest(&self, at: usize) -> &[u8] {
        self.bytes.get(at..self.length + END.len()).unwrap_or_default()
    }
}

impl Inflater {
    /// Ends the message: adds the tail that the sender cut off (section 7.2.2) and proves that it ended
    /// at a block's boundary. Nothing is inflated by it. A message of no bytes at all is taken as empty.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TooLarge`] if the rest of what is cut short would be, or [`Error::AfterFailure`].
    pub fn finish(&mut self) -> Result<(), Error> {
        let mut more = Vec::new();
        self.end_with(&[], &mut more)?;
        // Only if steps were left out.
        if more.is_empty() { Ok(()) } else { Err(Error::Truncated { offset: self.read }) }
    }

    /// [`push`](Self::push) and [`finish`](Self::finish). After [`Error::Truncated`] `out` may end with bytes that the
    /// tail made.
    #[inline]
    pub(crate) fn push_last(&mut self, fragment: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if fragment.len() <= SHORT_BYTES {
            return self.end_with(fragment, out);
        }
        self.push(fragment, out)?;
        self.end_with(&[], out)
    }

    #[inline]
    fn end_with(&mut self, last: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if !std::mem::take(&mut self.open) {
            return Err(Error::AfterFailure);
        }
        if last.is_empty() && (self.read == 0 || self.ended) {
            return Ok(());
        }
        if std::mem::take(&mut self.ended) {
            self.begin_next_stream(self.read)?;
        }
        self.ending.load(last);
        let (mut at, mut moved) = (0, true);
        loop {
            let (block, read, written) = self.next_block(at, out)?;
            at += read;
            match block {
                Block::Whole => return Ok(()),
                Block::Final if at == self.ending.length => {
                    self.ended = true;
                    return Ok(());
                }
                Block::Final => self.begin_next_stream(self.read + at as u64)?,
                // A block may end with bits that were read before; twice in a row none can.
                Block::Open if !moved && read + written == 0 => return Err(self.cut_short(at)),
                Block::Open => moved = read + written > 0,
            }
        }
    }

    /// Goes on from byte `at` of the ending to the end of a block, or until there is no more room.
    #[inline]
    fn next_block(&mut self, at: usize, out: &mut Vec<u8>) -> Result<(Block, usize, usize), Error> {
        let input = self.ending.rest(at);
        let room = self.ring.room(self.left.saturating_add(1));
        let (input_bytes, room_bytes) = (input.len(), room.len());
        let (status, read, written) =
            inflate_once(&mut self.inflate, input, room, InflateFlush::Block);
        let at = at + read;
        let Some(left) = self.left.checked_sub(written) else {
            let offset = self.read + at.min(self.ending.length) as u64;
            append(self.ring.keep(std::mem::take(&mut self.left)), out);
            return Err(Error::TooLarge { limit: self.max_bytes, offset });
        };
        self.left = left;
        append(self.ring.keep(written), out);
        let block = match status {
            Err(_) => return Err(self.cut_short(at)),
            Ok(_) if written == room_bytes && read < input_bytes => Block::Open,
            Ok(Status::StreamEnd) if at <= self.ending.length => Block::Final,
            Ok(_) if at <= self.ending.length => Block::Open,
            Ok(Status::Ok) if at == self.ending.length + TAIL_BYTES && written == 0 => Block::Whole,
            Ok(_) => return Err(self.cut_short(at)),
        };
        Ok((block, read, written))
    }

    /// The library stopped at byte `at` of the ending.
    #[cold]
    fn cut_short(&self, at: usize) -> Error {
        let offset = self.read + at.min(self.ending.length) as u64;
        if at > self.ending.length {
            Error::Truncated { offset }
        } else {
            Error::Corrupt { offset }
        }
    }
}

/// Where the library stopped.
enum Block {
    /// At the end of one, or where the room was full.
    Open,
    /// At the end of one with BFINAL.
    Final,
    /// At the end of the message.
    Whole,
}
