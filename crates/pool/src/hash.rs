//! How keys are hashed. Names come from clients and get std's keyed hash; ids are made by the server, at
//! random, and get two multiplications. Knows nothing of maps.

use std::hash::{BuildHasher, Hasher};

/// For names that clients choose.
#[cfg(not(tidegate_loom))]
pub(crate) type NameHash = std::hash::RandomState;

/// Under the tests' scheduler a run must be repeatable.
#[cfg(tidegate_loom)]
pub(crate) type NameHash = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

/// For ids: sixteen bytes at a time are multiplied with each other, each half mixed with a secret before; both halves
/// of the product count.
///
/// Whoever chooses ids and sees how long look-ups take could make them collide. Ids are 96 random bits of
/// the server's, so nobody chooses them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdHash([u64; 2]);

impl Default for IdHash {
    fn default() -> Self {
        let names = NameHash::default();
        Self([0_u64, 1].map(|number| names.hash_one(number)))
    }
}

impl BuildHasher for IdHash {
    type Hasher = IdHasher;

    #[inline]
    fn build_hasher(&self) -> IdHasher {
        let Self([state, secret]) = *self;
        IdHasher { state, secret }
    }
}

#[derive(Debug)]
pub(crate) struct IdHasher {
    state: u64,
    secret: u64,
}

impl Hasher for IdHasher {
    #[inline]
    fn finish(&self) -> u64 {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15; // 2^64 / golden ratio
        folded(self.state ^ self.secret, ODD)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(16) {
            let (low, high) = block.split_at(block.len().min(8));
            self.state = folded(word(low) ^ self.state, word(high) ^ self.secret);
        }
    }

    #[inline]
    fn write_usize(&mut self, _length: usize) {
        // That of the array, which is the same in all ids.
    }
}

#[inline]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Up to eight bytes as a number.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<8>(), bytes.first_chunk::<4>()) {
        (Some(whole), _) => u64::from_le_bytes(*whole),
        (None, Some(half)) if bytes.len() == 4 => u32::from_le_bytes(*half).into(),
        _ => bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_message::SessionId;

    use super::*;

    /// Ids that are anything but random, as a test or a counter would make them.
    fn orderly(number: u64) -> [[u8; 12]; 4] {
        let mut ids = [[0; 12]; 4];
        ids[0][4..].copy_from_slice(&number.to_be_bytes());
        ids[1][..8].copy_from_slice(&number.to_le_bytes());
        ids[2][..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        ids[2][8..].copy_from_slice(&(number as u32).to_be_bytes());
        ids[3] = [number as u8; 12];
        ids[3][..4].copy_from_slice(&((number >> 8) as u32).to_le_bytes());
        ids
    }

    #[test]
    fn orderly_ids_are_spread_over_parts_places_and_tags() {
        const IDS: u64 = 1 << 13;
        for hash in [(); 8].map(|()| IdHash::default()) {
            for kind in 0..4 {
                // Parts, places in a table, and the tags by which a table tells its keys apart.
                for (shift, size) in [(48, 64), (0, 1024), (57, 128)] {
                    let mut load = vec![0_u64; size];
                    for number in 0..IDS {
                        let id = SessionId::from_random(orderly(number)[kind]);
                        load[(hash.hash_one(id) >> shift) as usize % size] += 1;
                    }
                    let (mean, most) = (IDS / size as u64, load.into_iter().max().unwrap());
                    // Of a random spread six deviations are next to never exceeded.
                    let bound = mean + 6 * mean.isqrt() + 3;
                    assert!(most <= bound, "kind {kind}: {most} of {mean} in one of {size}");
                }
            }
        }
    }
}
