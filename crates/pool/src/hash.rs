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

    /// How many deviations a spread is worse than a random one is on average: Pearson's chi-squared statistic, whose
    /// mean is about the number of places and whose variance about twice that.
    fn unevenness(load: &[u32]) -> f64 {
        let places = load.len() as f64;
        let mean = load.iter().map(|count| f64::from(*count)).sum::<f64>() / places;
        let squares: f64 = load.iter().map(|count| (f64::from(*count) - mean).powi(2)).sum();
        (squares / mean - places) / (2.0 * places).sqrt()
    }

    #[test]
    fn orderly_ids_are_spread_over_parts_places_and_tags() {
        const IDS: u64 = 1 << 13;
        for hash in [(); 8].map(|()| IdHash::default()) {
            for kind in 0..4 {
                // Parts, places in a table, and the tags by which a table tells its keys apart.
                for (shift, size) in [(48, 64), (0, 1024), (57, 128)] {
                    let mut load = vec![0; size];
                    for number in 0..IDS {
                        let id = SessionId::from_random(orderly(number)[kind]);
                        load[(hash.hash_one(id) >> shift) as usize % size] += 1;
                    }
                    // Of random spreads fewer than one in 10^11 is worse by ten: the keys are new in each run, and no run may fail
                    // by chance.
                    let worse = unevenness(&load);
                    assert!(
                        worse < 10.0,
                        "kind {kind} in {size} places: {worse:.1} deviations, {hash:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_spread_that_leaves_one_bit_alone_is_told_from_a_random_one() {
        let names = NameHash::default();
        let mut load = [0; 1024];
        (0..1_u64 << 13).for_each(|number| load[names.hash_one(number) as usize & 0x3fe] += 1);
        assert!(unevenness(&load) > 100.0);
    }
}
