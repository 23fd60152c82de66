//! How keys are hashed. Names come from clients and get std's keyed hash; ids are made by the server, at
//! random, and get two multiplications. Knows nothing of maps.

use std::hash::{BuildHasher, Hasher};

/// For names that clients choose.
#[cfg(not(tidegate_loom))]
pub(crate) type NameHash = std::hash::RandomState;

/// Under the tests' scheduler a run must be repeatable.
#[cfg(tidegate_loom)]
pub(crate) type NameHash = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

/// For ids: each word of them is folded by a multiplication, starting from a secret.
///
/// Whoever chooses ids and sees how long look-ups take could make them collide. Ids are 96 random bits of
/// the server's, so nobody chooses them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdHash(u64);

impl Default for IdHash {
    fn default() -> Self {
        Self(NameHash::default().hash_one(0_u64))
    }
}

impl BuildHasher for IdHash {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher(self.0)
    }
}

#[derive(Debug)]
pub(crate) struct IdHasher(u64);

impl IdHasher {
    fn fold(&mut self, word: u64) {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15; // 2^64 / golden ratio
        let product = u128::from(self.0 ^ word) * u128::from(ODD);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.fold(u64::from_le_bytes(last));
    }

    fn write_usize(&mut self, _length: usize) {
        // That of the array, which is the same in all ids.
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tidegate_message::SessionId;

    use super::*;

    #[test]
    fn ids_that_differ_in_one_bit_fall_into_all_parts() {
        let hash = IdHash::default();
        let one_bit = (0..96).map(|bit: usize| {
            let mut bytes = [0_u8; 12];
            bytes[bit / 8] = 1 << (bit % 8);
            hash.hash_one(SessionId::from_random(bytes)) >> 48 & 63
        });
        let parts: HashSet<_> = one_bit.collect();
        assert!(parts.len() > 32, "{} of 64 parts", parts.len());
    }
}
