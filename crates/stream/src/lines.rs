//! Cuts a body into lines, wherever its chunks are cut. Knows nothing of what a line means.

use memchr::{memchr, memchr2};

use crate::ParseError;

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// LF alone.
    Lf,
    /// CR, LF, or both (server-sent events).
    Any,
}

/// The unfinished line, if any, and where in the body it begins.
#[derive(Debug)]
pub(crate) struct Lines {
    ending: Ending,
    max_line_bytes: usize,
    held: Vec<u8>,
    /// Bytes of the body before the unfinished line.
    start: u64,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
}

impl Lines {
    pub(crate) const fn new(ending: Ending, max_line_bytes: usize) -> Self {
        Self { ending, max_line_bytes, held: Vec::new(), start: 0, after_cr: false }
    }

    /// Gives each line that is now complete, without its ending, with the place where it begins.
    pub(crate) fn push(
        &mut self,
        mut chunk: &[u8],
        mut on_line: impl FnMut(u64, &[u8]) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        loop {
            chunk = self.skip_lf_after_cr(chunk);
            let Some(end) = self.line_end(chunk) else { break };
            let (line, rest) = chunk.split_at(end);
            self.check(line.len())?;
            let at = self.start;
            let length = self.held.len() + line.len();
            if self.held.is_empty() {
                on_line(at, line)?;
            } else {
                self.held.extend_from_slice(line);
                on_line(at, &self.held)?;
                self.held.clear();
            }
            self.start = at + length as u64 + 1;
            self.after_cr = rest.first() == Some(&b'\r');
            chunk = rest.get(1..).unwrap_or_default();
        }
        self.check(chunk.len())?;
        self.held.extend_from_slice(chunk);
        Ok(())
    }

    /// What stands after the last line ending, with its place.
    pub(crate) fn into_rest(self) -> (u64, Vec<u8>) {
        (self.start, self.held)
    }

    fn skip_lf_after_cr<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        match chunk.split_first() {
            Some((b'\n', rest)) if self.after_cr => {
                self.after_cr = false;
                self.start += 1;
                rest
            }
            Some(_) => {
                self.after_cr = false;
                chunk
            }
            None => chunk,
        }
    }

    fn line_end(&self, chunk: &[u8]) -> Option<usize> {
        match self.ending {
            Ending::Lf => memchr(b'\n', chunk),
            Ending::Any => memchr2(b'\r', b'\n', chunk),
        }
    }

    fn check(&self, more: usize) -> Result<(), ParseError> {
        if self.held.len().saturating_add(more) > self.max_line_bytes {
            return Err(ParseError::TooLarge { at: self.start, max: self.max_line_bytes });
        }
        Ok(())
    }
}
