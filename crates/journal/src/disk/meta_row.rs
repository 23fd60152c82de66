//! What is known of a whole directory: one row that every commit writes anew. Knows no store.

use super::number::LogNumber;
use super::record::{seal, unseal};
use crate::varint;

/// Where it is, in the space `Meta`.
pub(crate) const META_KEY: &[u8] = b"tidegate-journal";

/// The keys of this prefix name the numbers of logs whose rows are being removed.
pub(crate) const GONE_PREFIX: &[u8] = b"gone";

const FORMAT: u64 = 1;

/// The state of the whole after a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MetaRow {
    /// Which commit this was; the first is 1.
    pub(crate) ordinal: u64,
    /// Whether it was the last of an orderly end.
    pub(crate) clean: bool,
    /// The number of the next log.
    pub(crate) next_number: u64,
    /// How many logs there are.
    pub(crate) heads: u64,
    /// The sum of their weights.
    pub(crate) weight: u64,
}

impl MetaRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut value = vec![0; 8];
        let numbers = [
            FORMAT,
            self.ordinal,
            u64::from(self.clean),
            self.next_number,
            self.heads,
            self.weight,
        ];
        numbers.into_iter().for_each(|number| varint::write(number, &mut value));
        seal(META_KEY, &mut value);
        value
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut rest = unseal(META_KEY, value)?;
        let mut next = || varint::take(&mut rest);
        if next()? != FORMAT {
            return None;
        }
        let (ordinal, clean) = (next()?, next()? == 1);
        Some(Self { ordinal, clean, next_number: next()?, heads: next()?, weight: next()? })
    }
}

/// The key that says that the rows of a log are being removed.
pub(crate) fn gone_key(number: LogNumber) -> Vec<u8> {
    [GONE_PREFIX, &number.0.to_be_bytes()].concat()
}

/// The log whose rows are being removed.
pub(crate) fn gone_number(key: &[u8]) -> Option<LogNumber> {
    let number = key.strip_prefix(GONE_PREFIX)?.try_into().ok()?;
    Some(LogNumber(u64::from_be_bytes(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_is_read_back_and_any_flip_is_found() {
        let meta =
            MetaRow { ordinal: 9, clean: true, next_number: 300, heads: 2, weight: u64::MAX };
        let value = meta.encode();
        assert_eq!(MetaRow::decode(&value), Some(meta));
        for at in 0..value.len() {
            let mut flipped = value.clone();
            flipped[at] ^= 0x10;
            assert_eq!(MetaRow::decode(&flipped), None);
        }
        assert_eq!(gone_number(&gone_key(LogNumber(5))), Some(LogNumber(5)));
        assert_eq!(gone_number(META_KEY), None);
    }
}
