//! Plain text in chunks: a character cut in two is held until its rest comes.

use crate::ParseError;

/// The bytes of an unfinished character, at most three, and how much text went before.
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    held: Vec<u8>,
    given: u64,
}

impl Utf8 {
    /// Gives the text that is now complete; it may be empty.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> (String, Result<(), ParseError>) {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        let (text, verdict) = match String::from_utf8(bytes) {
            Ok(text) => (text, Ok(())),
            Err(error) => {
                let (valid, broken) =
                    (error.utf8_error().valid_up_to(), error.utf8_error().error_len().is_some());
                let mut bytes = error.into_bytes();
                self.held = bytes.split_off(valid);
                let at = self.given + valid as u64;
                let verdict = if broken { Err(ParseError::Utf8 { at }) } else { Ok(()) };
                // Valid up to here, says the error.
                (String::from_utf8(bytes).unwrap_or_default(), verdict)
            }
        };
        self.given += text.len() as u64;
        (text, verdict)
    }

    /// Whether a character is unfinished.
    pub(crate) const fn is_cut(&self) -> bool {
        !self.held.is_empty()
    }
}
