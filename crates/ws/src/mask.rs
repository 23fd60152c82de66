//! Masking (RFC 6455, 5.3): XOR with a key of four bytes, in words that the compiler makes vectors of.

/// The key of one frame.
pub(crate) type Key = [u8; 4];

/// Masks or unmasks `data`, whose first byte is byte `position` of the payload (RFC 6455, 5.3).
///
/// ```
/// let mut hello = *b"Hello";
/// tidegate_ws::mask([0x37, 0xfa, 0x21, 0x3d], 0, &mut hello);
/// assert_eq!(hello, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// ```
#[inline]
pub fn mask(key: [u8; 4], position: usize, data: &mut [u8]) {
    let mut key = key;
    key.rotate_left(position % 4);
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = data.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_definition_at_every_length_and_position() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for position in 0..5 {
            for length in 0..70_usize {
                let plain: Vec<u8> = (0..length).map(|at| at as u8).collect();
                let expected: Vec<u8> = plain
                    .iter()
                    .enumerate()
                    .map(|(at, byte)| byte ^ key[(at + position) % 4])
                    .collect();
                let mut masked = plain.clone();
                mask(key, position, &mut masked);
                assert_eq!(masked, expected, "length {length} from {position}");
            }
        }
    }
}
