//! The marker by which a message is known again, in whatever it is wrapped. It knows no protocol.
//!
//! ```text
//! ~ 00002a . 0000000f . 0000135b20f9c4 ~        32 bytes: sender, sequence, nanoseconds, in hexadecimal
//! ```
//! Nothing in it needs escaping in JSON, in XML or in a line of text.

use memchr::memchr;

/// Bytes of a marker.
pub(crate) const LENGTH: usize = 32;

/// Who sent a message, the how manieth it was, and when it should have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// 24 bits.
    pub(crate) sender: u32,
    /// From 0.
    pub(crate) seq: u32,
    /// Of the monotonic clock; 56 bits.
    pub(crate) time: u64,
}

/// Something in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A marker, which ends before this offset.
    Marker(Marker, usize),
    /// What has the form of a marker and cannot be read.
    Corrupt,
}

impl Marker {
    /// Writes it over the first 32 bytes of `at`, which has as many.
    pub(crate) fn write(self, at: &mut [u8]) {
        if let Some(at) = at.first_chunk_mut::<LENGTH>() {
            at[0] = b'~';
            write_hex(&mut at[1..7], u64::from(self.sender));
            at[7] = b'.';
            write_hex(&mut at[8..16], u64::from(self.seq));
            at[16] = b'.';
            write_hex(&mut at[17..31], self.time);
            at[31] = b'~';
        }
    }

    fn read(from: &[u8; LENGTH]) -> Option<Self> {
        let sender = read_hex(&from[1..7])?;
        let seq = read_hex(&from[8..16])?;
        let time = read_hex(&from[17..31])?;
        // Six and eight digits fit 32 bits.
        Some(Self { sender: sender as u32, seq: seq as u32, time })
    }
}

/// Calls `found` for each marker in `bytes`.
pub(crate) fn scan(bytes: &[u8], mut found: impl FnMut(Found)) {
    let mut at = 0;
    while let Some(next) = bytes.get(at..).and_then(|rest| memchr(b'~', rest)) {
        at += next;
        let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<LENGTH>()) else {
            return;
        };
        if chunk[7] != b'.' || chunk[16] != b'.' || chunk[31] != b'~' {
            at += 1;
            continue;
        }
        at += LENGTH;
        found(Marker::read(chunk).map_or(Found::Corrupt, |marker| Found::Marker(marker, at)));
    }
}

/// `length` bytes that stand behind a marker to make a payload as long as it should be.
pub(crate) fn filler(length: usize) -> Vec<u8> {
    (b'a'..=b'z').chain(b'0'..=b'9').cycle().take(length).collect()
}

fn write_hex(into: &mut [u8], mut value: u64) {
    for digit in into.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

fn read_hex(from: &[u8]) -> Option<u64> {
    from.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: Marker = Marker { sender: 42, seq: 15, time: 0x0013_5b20_f9c4 };

    fn written() -> Vec<u8> {
        let mut bytes = vec![0; LENGTH];
        MARKER.write(&mut bytes);
        bytes
    }

    fn found(bytes: &[u8]) -> Vec<Found> {
        let mut all = Vec::new();
        scan(bytes, |found| all.push(found));
        all
    }

    #[test]
    fn looks_as_it_is_documented() {
        assert_eq!(written(), b"~00002a.0000000f.0000135b20f9c4~");
    }

    #[test]
    fn every_marker_of_a_message_is_found() {
        let mut bytes = b"{\"a\":\"~not one~\",\"b\":\"".to_vec();
        bytes.extend(written());
        bytes.extend(b"abc\"},{");
        bytes.extend(written());
        let first = 22 + LENGTH;
        assert_eq!(
            found(&bytes),
            [Found::Marker(MARKER, first), Found::Marker(MARKER, first + 7 + LENGTH)]
        );
    }

    #[test]
    fn a_digit_that_is_none_is_corrupt() {
        let mut bytes = written();
        bytes[20] = b'x';
        assert_eq!(found(&bytes), [Found::Corrupt]);
    }

    #[test]
    fn half_a_marker_is_nothing() {
        assert_eq!(found(&written()[..31]), []);
    }

    #[test]
    fn the_largest_values_come_back() {
        let marker = Marker { sender: 0xff_ffff, seq: u32::MAX, time: (1 << 56) - 1 };
        let mut bytes = vec![0; LENGTH];
        marker.write(&mut bytes);
        assert_eq!(found(&bytes), [Found::Marker(marker, LENGTH)]);
    }
}
