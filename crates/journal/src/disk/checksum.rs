//! The checksum of everything that is written: 64 bits of XXH3. Finds damage, not deceit.

use xxhash_rust::xxh3::Xxh3Default;

/// The checksum of several parts, as if they were one.
pub(crate) fn checksum(parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3Default::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.digest()
}
