//! UTF-8 that arrives in pieces: refused at the first byte that cannot continue it (RFC 6455, 8.1).

use std::str::from_utf8;

/// What is known of a text of which only the beginning has been seen. The largest state is the first three
/// bytes of a character.
#[derive(Debug)]
pub(crate) struct Utf8 {
    begun: [u8; 4],
    length: usize,
    start: u64,
}

impl Utf8 {
    pub(crate) const fn new() -> Self {
        Self { begun: [0; 4], length: 0, start: 0 }
    }

    /// Checks the next bytes, the first of which stands at `offset` of the stream. An error is the offset of
    /// the first byte of the sequence at fault.
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut offset: u64) -> Result<(), u64> {
        while self.length > 0 {
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
            self.extend(byte)?;
            bytes = rest;
            offset += 1;
        }
        let Err(error) = from_utf8(bytes) else { return Ok(()) };
        let (_, tail) = bytes.split_at(error.valid_up_to());
        self.start = offset + error.valid_up_to() as u64;
        if error.error_len().is_some() {
            return Err(self.start);
        }
        for (slot, &byte) in self.begun.iter_mut().zip(tail) {
            *slot = byte;
            self.length += 1;
        }
        Ok(())
    }

    /// Adds a byte to the character that has begun.
    fn extend(&mut self, byte: u8) -> Result<(), u64> {
        if let Some(slot) = self.begun.get_mut(self.length) {
            *slot = byte;
            self.length += 1;
        }
        let (begun, _) = self.begun.split_at(self.length);
        match from_utf8(begun) {
            Ok(_) => self.length = 0,
            Err(error) if error.error_len().is_some() => return Err(self.start),
            Err(_) => {}
        }
        Ok(())
    }

    /// Ends the text, and is ready for the next. An error is the offset of a character that was not finished.
    pub(crate) fn finish(&mut self) -> Result<(), u64> {
        match std::mem::replace(self, Self::new()) {
            Self { length: 0, .. } => Ok(()),
            Self { start, .. } => Err(start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_fault(bytes: &[u8], cut: usize) -> Result<(), u64> {
        let (head, tail) = bytes.split_at(cut);
        let mut utf8 = Utf8::new();
        utf8.push(head, 0)?;
        utf8.push(tail, cut as u64)?;
        utf8.finish()
    }

    #[test]
    fn agrees_with_the_standard_library_at_every_cut() {
        let samples: [&[u8]; 7] = [
            "κόσμε 🌊 ascii".as_bytes(),
            b"ab\xce\xbacd\xf4\x90\x80\x80",
            b"\xed\xa0\x80",
            b"x\xf0\x9f\x8c",
            b"\xe2\x28\xa1",
            b"\xc0\xaf",
            b"\xf0\x9f\x8c\x8a\xff",
        ];
        for sample in samples {
            let expected = from_utf8(sample).map(drop).map_err(|error| error.valid_up_to() as u64);
            for cut in 0..=sample.len() {
                assert_eq!(first_fault(sample, cut), expected, "{sample:x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn refuses_at_the_first_byte_that_cannot_follow() {
        let mut utf8 = Utf8::new();
        assert_eq!(utf8.push(b"ok\xf4", 10), Ok(()));
        assert_eq!(utf8.push(b"\x90", 13), Err(12));
    }
}
