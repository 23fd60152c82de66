//! SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012), under one fixed key: a digest that is the same
//! in every process, so that it can be kept on disk. Knows bytes alone.

/// The digest of a few parts; each part's length goes in, so that `("a", "bc")` and `("ab", "c")` differ.
pub(crate) fn of(parts: &[&[u8]]) -> u128 {
    let mut state = State::new();
    for part in parts {
        let (words, rest) = part.as_chunks::<8>();
        words.iter().for_each(|word| state.take(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        state.take(u64::from_le_bytes(last));
        state.take(part.len() as u64);
    }
    state.end()
}

struct State([u64; 4]);

/// "tidegate-journal", as two little-endian words.
const KEY: [u64; 2] = [u64::from_le_bytes(*b"tidegate"), u64::from_le_bytes(*b"-journal")];

impl State {
    fn new() -> Self {
        Self::keyed(KEY)
    }

    fn keyed([k0, k1]: [u64; 2]) -> Self {
        let v1 = k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee;
        Self([
            k0 ^ 0x736f_6d65_7073_6575,
            v1,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ])
    }

    #[inline]
    fn take(&mut self, word: u64) {
        self.0[3] ^= word;
        self.rounds(2);
        self.0[0] ^= word;
    }

    #[inline]
    fn rounds(&mut self, count: u32) {
        let [mut v0, mut v1, mut v2, mut v3] = self.0;
        for _ in 0..count {
            v0 = v0.wrapping_add(v1);
            v1 = v1.rotate_left(13) ^ v0;
            v0 = v0.rotate_left(32);
            v2 = v2.wrapping_add(v3);
            v3 = v3.rotate_left(16) ^ v2;
            v0 = v0.wrapping_add(v3);
            v3 = v3.rotate_left(21) ^ v0;
            v2 = v2.wrapping_add(v1);
            v1 = v1.rotate_left(17) ^ v2;
            v2 = v2.rotate_left(32);
        }
        self.0 = [v0, v1, v2, v3];
    }

    fn end(mut self) -> u128 {
        self.0[2] ^= 0xee;
        self.rounds(4);
        let low = self.0.iter().fold(0, |sum, word| sum ^ word);
        self.0[1] ^= 0xdd;
        self.rounds(4);
        let high = self.0.iter().fold(0, |sum, word| sum ^ word);
        u128::from(high) << 64 | u128::from(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the reference implementation: key 00…0f; message empty, and 00…07 (whose words are taken as
    /// SipHash itself pads them).
    #[test]
    fn agrees_with_the_reference() {
        let key = || State::keyed([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]);
        let mut empty = key();
        empty.take(0);
        assert_eq!(
            empty.end().to_le_bytes(),
            *b"\xa3\x81\x7f\x04\xba\x25\xa8\xe6\x6d\xf6\x72\x14\xc7\x55\x02\x93"
        );
        let mut eight = key();
        eight.take(0x0706_0504_0302_0100);
        eight.take(8 << 56);
        assert_eq!(
            eight.end().to_le_bytes(),
            *b"\x3b\x62\xa9\xba\x62\x58\xf5\x61\x0f\x83\xe2\x64\xf3\x14\x97\xb4"
        );
    }

    #[test]
    fn parts_are_told_apart() {
        let digests =
            [of(&[b"a", b"bc"]), of(&[b"ab", b"c"]), of(&[b"abc"]), of(&[b"abc", b""]), of(&[])];
        for (place, digest) in digests.iter().enumerate() {
            assert!(!digests[..place].contains(digest));
        }
        assert_ne!(of(&[b"a\0"]), of(&[b"a"]));
        assert_ne!(of(&[b"12345678"]), of(&[b"12345678\0"]));
    }
}
