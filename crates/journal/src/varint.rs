//! Numbers in as few bytes as they need: seven bits a byte, the lowest first, the highest bit says that more
//! follow (LEB128). Knows numbers alone.

/// Appends a number: 1 byte below 128, 2 below 16 384, ten at most.
pub(crate) fn write(mut number: u64, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Takes a number off the front; `None` when it is cut short, too long, or not in its shortest form.
pub(crate) fn take(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (place, byte) in from.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if place == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * place);
        if byte & 0x80 == 0 {
            let shortest = place == 0 || bits != 0;
            *from = from.get(place + 1..)?;
            return shortest.then_some(number);
        }
    }
    None
}

/// Takes a number off the back.
pub(crate) fn take_last(from: &mut &[u8]) -> Option<u64> {
    let (last, front) = from.split_last()?;
    let ends = front.iter().rposition(|byte| byte & 0x80 == 0).map_or(0, |end| end + 1);
    let mut number = from.get(ends..).filter(|_| last & 0x80 == 0)?;
    *from = from.get(..ends)?;
    take(&mut number).filter(|_| number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_back_from_either_end() {
        for shift in 0..64 {
            for number in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                write(number, &mut bytes);
                let mut rest = &bytes[..];
                assert_eq!((take(&mut rest), rest), (Some(number), &[][..]));
                assert_eq!(take(&mut &bytes[..bytes.len() - 1]), None);
                let both = [&[0xff, 0x01], &bytes[..]].concat();
                let mut rest = &both[..];
                assert_eq!((take_last(&mut rest), rest), (Some(number), &[0xff, 1][..]));
            }
        }
    }

    #[test]
    fn longer_forms_and_numbers_over_64_bits_are_refused() {
        assert_eq!(take(&mut &[0x80, 0][..]), None);
        assert_eq!(take(&mut &[0xff; 11][..]), None);
        assert_eq!(take(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2][..]), None);
    }
}
