//! How the head of a log is written down: what outlives a restart. Knows no store and no state.

use super::checksum::checksum;
use super::number::LogNumber;
use super::record::{seal, unseal};
use crate::head::Lost;
use crate::position::Epoch;
use crate::retention::Retention;
use crate::varint;

/// More lost ranges than this are not written down; they are found again when rows are read.
const MAX_LOST: usize = 256;

const FORMAT: u64 = 1;

/// The head of a log as it is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeadRow {
    pub(crate) number: LogNumber,
    pub(crate) epoch: Epoch,
    /// No seq beyond it has left the process.
    pub(crate) reserved_to: u64,
    pub(crate) floor: u64,
    pub(crate) retention: Retention,
    pub(crate) ended_at_ms: Option<u64>,
    pub(crate) lost: Vec<Lost>,
}

impl HeadRow {
    /// The value of the row under a name.
    pub(crate) fn encode(&self, name: &str) -> Vec<u8> {
        let mut value = vec![0; 8];
        let Retention { entries, bytes, age_ms, after_end_ms } = self.retention;
        let ended = self.ended_at_ms.map_or(0, |at| at.saturating_add(1));
        let lost = self.lost.len().saturating_sub(MAX_LOST);
        let lost = self.lost.get(lost..).unwrap_or_default();
        let fixed = [
            FORMAT,
            self.number.0,
            self.epoch.0,
            self.reserved_to,
            self.floor,
            u64::from(entries),
            bytes,
            age_ms,
            after_end_ms,
            ended,
            lost.len() as u64,
        ];
        let ranges = lost.iter().flat_map(|lost| [lost.from, lost.to]);
        fixed.into_iter().chain(ranges).for_each(|number| varint::write(number, &mut value));
        seal(name.as_bytes(), &mut value);
        value
    }

    /// The head in a row; `None` when it is not what was written there.
    pub(crate) fn decode(name: &[u8], value: &[u8]) -> Option<Self> {
        let mut rest = unseal(name, value)?;
        let mut next = || varint::take(&mut rest);
        if next()? != FORMAT {
            return None;
        }
        let (number, epoch) = (LogNumber(next()?), Epoch(next()?));
        let (reserved_to, floor) = (next()?, next()?);
        let entries = u32::try_from(next()?).ok()?;
        let (bytes, age_ms, after_end_ms) = (next()?, next()?, next()?);
        let retention = Retention { entries, bytes, age_ms, after_end_ms };
        let ended_at_ms = next()?.checked_sub(1);
        let count = usize::try_from(next()?).ok().filter(|count| *count <= MAX_LOST)?;
        let mut lost = Vec::with_capacity(count);
        for _ in 0..count {
            lost.push(Lost { from: next()?, to: next()? });
        }
        Some(Self { number, epoch, reserved_to, floor, retention, ended_at_ms, lost })
    }

    /// What of a head must never be forgotten, as a number that can be added up over all heads: which log it is,
    /// and which seqs may have left the process.
    pub(crate) fn weight(&self, name: &[u8]) -> u64 {
        let numbers = [self.number.0, self.epoch.0, self.reserved_to].map(u64::to_le_bytes);
        checksum(&[name, numbers.as_flattened()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> HeadRow {
        HeadRow {
            number: LogNumber(300),
            epoch: Epoch(u64::MAX),
            reserved_to: 1_024,
            floor: 7,
            retention: Retention::RUN,
            ended_at_ms: Some(0),
            lost: vec![Lost { from: 8, to: 9 }, Lost { from: 1_000, to: 1_024 }],
        }
    }

    #[test]
    fn a_head_is_read_back_and_nothing_else_is_taken_for_one() {
        let value = head().encode("user:42");
        assert_eq!(HeadRow::decode(b"user:42", &value), Some(head()));
        assert_eq!(HeadRow::decode(b"user:43", &value), None);
        for at in 0..value.len() {
            assert_eq!(HeadRow::decode(b"user:42", &value[..at]), None);
            let mut flipped = value.clone();
            flipped[at] ^= 1;
            assert_eq!(HeadRow::decode(b"user:42", &flipped), None);
        }
    }

    #[test]
    fn of_very_many_lost_ranges_the_newest_are_written_down() {
        let lost = (0..1_000).map(|n| Lost { from: 10 * n + 8, to: 10 * n + 9 }).collect();
        let head = HeadRow { lost, ..head() };
        let read = HeadRow::decode(b"a", &head.encode("a")).expect("it was just written");
        assert_eq!(read.lost, head.lost[1_000 - MAX_LOST..]);
    }

    #[test]
    fn a_weight_tells_apart_what_must_not_be_forgotten() {
        let weight = head().weight(b"a");
        assert_ne!(weight, head().weight(b"b"));
        assert_ne!(weight, HeadRow { reserved_to: 1_023, ..head() }.weight(b"a"));
        assert_ne!(weight, HeadRow { epoch: Epoch(1), ..head() }.weight(b"a"));
        assert_eq!(weight, HeadRow { floor: 8, ended_at_ms: None, ..head() }.weight(b"a"));
    }
}
