//! Where a reader stands: an epoch and a seq. Knows how they are written, not what is in a log.

use std::fmt;
use std::str::FromStr;

/// One life of a log. It changes when history is lost or cleared, so that an old position is never taken for a
/// new one. Written as 13 characters of lower-case base32 (Crockford's alphabet: no `i`, `l`, `o`, `u`).
///
/// ```
/// use tidegate_journal::Epoch;
/// assert_eq!(Epoch(33).to_string(), "0000000000011");
/// assert_eq!("0000000000011".parse(), Ok(Epoch(33)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// What a reader has seen: everything of this epoch up to and including `seq`. The first entry of a log has the
/// seq 1; 0 is the position before it.
///
/// ```
/// use tidegate_journal::{Epoch, Position};
/// let position = Position { epoch: Epoch(33), seq: 17 };
/// assert_eq!(position.to_string(), "0000000000011-17");
/// assert_eq!("0000000000011-17".parse(), Ok(position));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The life of the log that the seq belongs to.
    pub epoch: Epoch,
    /// The last seq that was seen; 0 when none was.
    pub seq: u64,
}

/// A text that is no epoch or position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is 13 characters of 0-9, a-z without i, l, o, u, then '-' and a number")]
pub struct PositionError;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 13;

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'0'; LENGTH];
        for (place, character) in text.iter_mut().rev().enumerate() {
            *character = ALPHABET[((self.0 >> (5 * place)) & 31) as usize];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Epoch {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let mut number = 0_u64;
        if text.len() != LENGTH {
            return Err(PositionError);
        }
        for character in text.bytes() {
            let digit = ALPHABET.iter().position(|known| *known == character);
            let digit = digit.ok_or(PositionError)? as u64;
            // 13 characters hold 65 bits: the first may only be 0 to f.
            if number >> 59 != 0 {
                return Err(PositionError);
            }
            number = number << 5 | digit;
        }
        Ok(Self(number))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, seq) = text.split_once('-').ok_or(PositionError)?;
        let plain = seq.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = plain && (seq == "0" || !seq.starts_with('0'));
        let seq = seq.parse().ok().filter(|_| canonical).ok_or(PositionError)?;
        Ok(Self { epoch: epoch.parse()?, seq })
    }
}
