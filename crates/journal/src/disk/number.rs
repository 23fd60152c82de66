//! The number of a log, and the keys of its rows. Knows nothing of what the rows hold.

use std::fmt;

/// What a log is called within one directory. Never used twice there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogNumber(pub u64);

impl fmt::Display for LogNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key of the row of a log at a seq: sixteen bytes, so that rows lie in the order of number and seq.
pub(crate) fn row_key(number: LogNumber, seq: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.0.to_be_bytes());
    key[8..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// The number and the seq of a row.
pub(crate) fn number_and_seq(key: &[u8]) -> Option<(LogNumber, u64)> {
    let (number, seq) = key.split_first_chunk()?;
    let seq = seq.try_into().ok()?;
    Some((LogNumber(u64::from_be_bytes(*number)), u64::from_be_bytes(seq)))
}

/// The key behind all rows of a log.
pub(crate) fn end_key(number: LogNumber) -> [u8; 16] {
    row_key(LogNumber(number.0.saturating_add(1)), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lie_in_the_order_of_number_and_seq() {
        let places = [(1, 0), (1, 255), (1, 256), (1, u64::MAX), (2, 0), (256, 1)];
        let keys = places.map(|(number, seq)| row_key(LogNumber(number), seq));
        assert!(keys.is_sorted());
        for ((number, seq), key) in places.into_iter().zip(keys) {
            assert_eq!(number_and_seq(&key), Some((LogNumber(number), seq)));
            assert!(key < end_key(LogNumber(number)));
        }
        assert_eq!(number_and_seq(&[1; 15]), None);
        assert_eq!(number_and_seq(&[1; 17]), None);
    }
}
