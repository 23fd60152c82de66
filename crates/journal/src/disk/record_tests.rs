//! Rows are read back as they were written, and nothing else is taken for one.

use proptest::prelude::*;

use super::*;

fn entries() -> impl Strategy<Value = Entry> {
    let bodies = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..8);
    (1..u64::MAX / 2, any::<u64>(), 0..3_u8, bodies, any::<bool>()).prop_map(
        |(first, at_ms, class, bodies, latest)| {
            let last = first + bodies.len() as u64 - 1;
            let lengths = Lengths::of(bodies.iter().map(|body| body.len() as u64));
            let cuts = match (bodies.len(), latest) {
                (1, _) => Cuts::Whole,
                (_, true) => Cuts::Latest,
                (_, false) => Cuts::Text(lengths),
            };
            let class = class_of(class).unwrap_or_default();
            Entry { first, last, at_ms, class, body: bodies.concat().into(), cuts }
        },
    )
}

proptest! {
    #[test]
    fn an_entry_is_read_back_as_it_was_written(number: u64, entry in entries(), join in 0..3_u8) {
        let join = join_of(join).unwrap_or_default();
        let (key, value) = encode(LogNumber(number), &entry, join);
        prop_assert_eq!(last_seq(&key, &value), Some(entry.last));
        prop_assert_eq!(decode(&key, &value), Ok((entry, join)));
    }

    #[test]
    fn a_key_is_read_back_as_it_was_written(name: [u8; 16], body: u64, seq: u64, at_ms: u64) {
        let keyed = Keyed { key: IdempotencyKey::from_bytes(name), body };
        let known = KnownKey { keyed, seq, at_ms };
        let (key, value) = encode_key(LogNumber(7), &known);
        prop_assert_eq!(decode_key(&key, &value), Ok(known));
    }

    #[test]
    fn any_flipped_bit_of_a_row_is_found(entry in entries(), place: prop::sample::Index, bit in 0..8_u32) {
        let (mut key, mut value) = encode(LogNumber(3), &entry, Join::No);
        let at = place.index(key.len() + value.len());
        match at.checked_sub(key.len()) {
            None => key[at] ^= 1_u8 << bit,
            Some(at) => value[at] ^= 1_u8 << bit,
        }
        prop_assert_eq!(decode(&key, &value), Err(Fault::Checksum));
    }

    #[test]
    fn any_shorter_row_is_found(entry in entries(), place: prop::sample::Index) {
        let (key, value) = encode(LogNumber(3), &entry, Join::No);
        let shorter = &value[..place.index(value.len())];
        prop_assert_eq!(decode(&key, shorter), Err(Fault::Checksum));
    }

    #[test]
    fn hostile_bytes_under_a_right_checksum_are_no_entry_or_a_sound_one(
        seq: u64, bytes in proptest::collection::vec(any::<u8>(), 0..64), begin: bool,
    ) {
        let key = row_key(LogNumber(1), seq);
        let mut value = vec![0; 8];
        if begin {
            value.push(FORMAT);
        }
        value.extend_from_slice(&bytes);
        seal(&key, &mut value);
        match decode(&key, &value) {
            Ok((entry, _)) => prop_assert!(entry.is_sound() && entry.first == seq),
            Err(fault) => prop_assert_eq!(fault, Fault::Form),
        }
        let _ = decode_key(&key, &value);
    }
}

#[test]
fn a_row_of_one_place_is_not_taken_at_another() {
    let entry = Entry::whole(5, 1, Class::Critical, Bytes::from_static(b"here"));
    let (_, value) = encode(LogNumber(1), &entry, Join::No);
    assert_eq!(decode(&row_key(LogNumber(2), 5), &value), Err(Fault::Checksum));
    assert_eq!(decode(&row_key(LogNumber(1), 6), &value), Err(Fault::Checksum));
    assert_eq!(decode(b"short", &value), Err(Fault::Key));
}
