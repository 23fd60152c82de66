//! One DEFLATE stream, flushed to a byte's boundary after each message (RFC 7692 section 7.2.1). It does not know
//! whether its state outlives the message.

use zlib_rs::{Deflate, DeflateFlush};

use crate::{Settings, WindowBits};

/// What a sync flush leaves at the end: an empty stored block without its first byte.
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// The payload of an empty message (section 7.2.3.6).
const EMPTY: u8 = 0x00;
const SCRATCH_BYTES: usize = 4096;

/// A compressor's state and a scratch, so that a message in the steady state allocates nothing.
pub(crate) struct Stream {
    deflate: Deflate,
    scratch: Box<[u8; SCRATCH_BYTES]>,
}

impl Stream {
    /// `window` is at least 9: a raw window of 8 does not exist in the library below.
    pub(crate) fn new(settings: &Settings, window: WindowBits) -> Self {
        let window = window.max(WindowBits::MIN_OUTBOUND);
        Self {
            deflate: Deflate::new_with_config(settings.config(window)),
            scratch: Box::new([0; SCRATCH_BYTES]),
        }
    }

    /// Forgets all messages before.
    pub(crate) fn reset(&mut self) {
        self.deflate.reset();
    }

    /// Appends the payload of `message` to `out`. Stops with `false`, and nothing appended, as soon as it would
    /// be longer than `max` bytes; the stream has to be reset then.
    pub(crate) fn compress(&mut self, message: &[u8], max: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let kept = if message.is_empty() {
            out.push(EMPTY);
            max >= 1
        } else {
            self.flush(message, max, out)
        };
        if !kept {
            out.truncate(start);
        }
        kept
    }

    /// A call that returns with its output full is called again; one that does not has flushed everything.
    fn flush(&mut self, message: &[u8], max: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let mut rest = message;
        loop {
            let (read, written) = (self.deflate.total_in(), self.deflate.total_out());
            let status =
                self.deflate.compress(rest, self.scratch.as_mut_slice(), DeflateFlush::SyncFlush);
            rest = rest.get(count(read, self.deflate.total_in())..).unwrap_or_default();
            let fresh = count(written, self.deflate.total_out());
            out.extend_from_slice(self.scratch.get(..fresh).unwrap_or_default());
            let length = out.len() - start;
            if status.is_err() || length > max.saturating_add(TAIL.len()) {
                return false;
            }
            if fresh < SCRATCH_BYTES {
                let body = length.saturating_sub(TAIL.len());
                let complete = rest.is_empty() && out.ends_with(&TAIL) && body <= max;
                out.truncate(start + body);
                return complete;
            }
        }
    }
}

fn count(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
