//! Ways to cut bytes into chunks, as networks do. All chunks together are always the bytes.

use crate::random::Random;

/// Each way to cut the bytes in two, from (nothing, all) to (all, nothing).
///
/// ```
/// use tidegate_testkit::split;
/// assert_eq!(split::in_two(b"ab").collect::<Vec<_>>(), [
///     (&b""[..], &b"ab"[..]),
///     (b"a", b"b"),
///     (b"ab", b""),
/// ]);
/// ```
pub fn in_two(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    (0..=bytes.len()).map(|at| bytes.split_at(at))
}

/// Chunks of one byte.
pub fn byte_by_byte(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(1)
}

/// Chunks of 1 to `max_chunk_bytes`, as the seed has it. A limit of 0 counts as 1.
///
/// ```
/// use tidegate_testkit::split;
/// let chunks = split::at_random(b"some bytes", 42, 4);
/// assert!(chunks.iter().all(|chunk| (1..=4).contains(&chunk.len())));
/// assert_eq!(chunks.concat(), b"some bytes");
/// ```
#[must_use]
pub fn at_random(bytes: &[u8], seed: u64, max_chunk_bytes: usize) -> Vec<&[u8]> {
    let mut random = Random::new(seed);
    let mut rest = bytes;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = random.between(1, max_chunk_bytes.max(1)).min(rest.len());
        let (chunk, tail) = rest.split_at(length);
        chunks.push(chunk);
        rest = tail;
    }
    chunks
}

/// Chunks that end at these positions. Positions beyond the end, out of order or doubled cut nothing.
///
/// ```
/// use tidegate_testkit::split;
/// assert_eq!(split::at(b"abcdef", &[1, 4, 4, 99]), [&b"a"[..], b"bcd", b"ef"]);
/// ```
#[must_use]
pub fn at<'a>(bytes: &'a [u8], positions: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut start = 0;
    for &end in positions.iter().chain([&bytes.len()]) {
        if end > start && end <= bytes.len() {
            chunks.push(&bytes[start..end]);
            start = end;
        }
    }
    chunks
}
