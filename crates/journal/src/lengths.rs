//! The lengths of concatenated bodies, and how they are split at a seq. Knows neither entries nor bodies.

use bytes::Bytes;

use crate::varint;

/// The lengths of concatenated bodies: one varint (LEB128, shortest form) a seq.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths(Bytes);

impl Lengths {
    /// Writes lengths down.
    #[must_use]
    pub fn of(lengths: impl IntoIterator<Item = u64>) -> Self {
        let mut bytes = Vec::new();
        lengths.into_iter().for_each(|length| varint::write(length, &mut bytes));
        Self(bytes.into())
    }

    /// Takes lengths as they were written down. What does not belong to its entry is found by
    /// [`Entry::is_sound`](crate::Entry::is_sound).
    #[must_use]
    pub const fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// As they are written down.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The lengths in their order. Stops where the bytes are no lengths.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || varint::take(&mut rest))
    }

    /// The bytes of body that the first of so many seqs take, and the lengths after them.
    pub(crate) fn split(&self, seqs: (u64, u64), body: usize) -> (usize, Self) {
        let (skipped, at) = split(&self.0, seqs, body);
        (skipped, Self(self.0.slice(at..)))
    }

    /// How many there are and what they add up to; `None` when the bytes are no lengths.
    pub(crate) fn sum(&self) -> Option<(u64, u64)> {
        let (mut rest, mut count, mut sum) = (&self.0[..], 0, 0_u64);
        while !rest.is_empty() {
            sum = sum.checked_add(varint::take(&mut rest)?)?;
            count += 1;
        }
        Some((count, sum))
    }
}

/// Splits `count` of `total` lengths off the front, whose bodies take `body` bytes together: how many of these the
/// first ones take, and where the others' lengths begin. Walks from the nearer end. Lengths that do not belong to
/// their body give some answer within it.
pub(crate) fn split(lengths: &[u8], (count, total): (u64, u64), body: usize) -> (usize, usize) {
    let body_bytes = body as u64;
    let mut rest = lengths;
    let (taken, at) = if count <= total / 2 {
        let taken = sum_of(count, || varint::take(&mut rest));
        (taken, lengths.len() - rest.len())
    } else {
        let left = sum_of(total - count, || varint::take_last(&mut rest));
        (body_bytes.saturating_sub(left), rest.len())
    };
    (taken.min(body_bytes) as usize, at)
}

/// Adds up so many numbers, or fewer where there are no more.
fn sum_of(count: u64, mut next: impl FnMut() -> Option<u64>) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..count {
        let Some(number) = next() else { break };
        sum = sum.saturating_add(number);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_the_same_from_either_end() {
        let lengths = [5_u64, 0, 300, 127, 128, 1, 70_000];
        let written = Lengths::of(lengths);
        let body = lengths.iter().sum::<u64>() as usize;
        for count in 0..=lengths.len() {
            let (skipped, rest) = written.split((count as u64, lengths.len() as u64), body);
            assert_eq!(skipped as u64, lengths[..count].iter().sum::<u64>());
            assert_eq!(rest.iter().collect::<Vec<_>>(), lengths[count..]);
        }
    }

    #[test]
    fn lengths_that_belong_to_no_body_split_it_somewhere() {
        for bytes in [&[0xff; 30][..], &[1, 2, 3], &[], &[0x80]] {
            for (count, total) in
                (0..40).map(|count| (count, 40)).chain([(1, u64::MAX), (u64::MAX - 1, u64::MAX)])
            {
                let (skipped, at) = split(bytes, (count, total), 7);
                assert!(skipped <= 7 && at <= bytes.len());
            }
        }
    }
}
