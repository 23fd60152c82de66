//! MessagePack against the `rmp` crate, and what it cannot hold or JSON cannot.
#![expect(clippy::unwrap_used, reason = "in a test, a failing unwrap is the failure")]

use rmp::encode::{self, ByteBuf};
use tidegate_payload_codec::{Codec, CodecError, Encoding, Fault, Form, Kind, Settings};

const PACKED: Form = Form { encoding: Encoding::MessagePack, optimize: false, compression: None };

fn pack(json: &str) -> Vec<u8> {
    Codec::new(Settings::default()).transform(json.as_bytes(), PACKED).unwrap().to_vec()
}

fn unpack(bytes: &[u8]) -> Result<String, CodecError> {
    let json = Codec::new(Settings::default()).decode(bytes, Kind::Binary, PACKED)?;
    Ok(String::from_utf8(json.to_vec()).unwrap())
}

#[test]
fn integers_strings_and_headers_are_written_as_rmp_writes_them() {
    for shift in 0..64 {
        for value in [(1_u64 << shift) - 1, 1 << shift, (1 << shift) | 1] {
            let mut expected = ByteBuf::new();
            encode::write_uint(&mut expected, value).unwrap();
            assert_eq!(pack(&value.to_string()), expected.as_slice());
            let negative = 0_i64.wrapping_sub_unsigned(value);
            if negative < 0 {
                let mut expected = ByteBuf::new();
                encode::write_sint(&mut expected, negative).unwrap();
                assert_eq!(pack(&negative.to_string()), expected.as_slice());
            }
        }
    }
    for length in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let text = "x".repeat(length);
        let mut expected = ByteBuf::new();
        encode::write_str(&mut expected, &text).unwrap();
        assert_eq!(pack(&format!("\"{text}\"")), expected.as_slice());

        let mut expected = ByteBuf::new();
        encode::write_array_len(&mut expected, u32::try_from(length).unwrap()).unwrap();
        let packed = pack(&format!("[{}]", vec!["1"; length].join(",")));
        assert_eq!(packed, [expected.as_slice(), &vec![1; length]].concat());

        let mut expected = ByteBuf::new();
        encode::write_map_len(&mut expected, u32::try_from(length).unwrap()).unwrap();
        let packed = pack(&format!("{{{}}}", vec!["\"\":1"; length].join(",")));
        assert_eq!(packed, [expected.as_slice(), &[0xa0, 1].repeat(length)].concat());
        assert_eq!(pack(&unpack(&packed).unwrap()), packed);
    }
}

#[test]
fn numbers_keep_their_value_and_say_so_in_their_text() {
    let cases = [
        ("0.5", "0.5"),
        ("1.0", "1.0"),
        ("1.10", "1.1"),
        ("1e5", "100000.0"),
        ("1.814e-05", "1.814e-5"),
        ("-0", "-0.0"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "18446744073709551616"),
        ("1e400", "1e400"),
        ("1e-400", "1e-400"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
    ];
    for (json, back) in cases {
        assert_eq!(unpack(&pack(json)).unwrap(), back);
    }
}

#[test]
fn floats_take_32_bits_where_those_are_exact() {
    assert_eq!(pack("0.5"), [&[0xca][..], &0.5_f32.to_be_bytes()].concat());
    assert_eq!(pack("0.1"), [&[0xcb][..], &0.1_f64.to_be_bytes()].concat());
}

#[test]
fn what_message_pack_cannot_hold_travels_as_its_json_text() {
    assert_eq!(pack("1e400"), b"\xc7\x05J1e400");
    assert_eq!(pack(r#""\ud83d""#), b"\xd7J\"\\ud83d\"");
    assert_eq!(unpack(b"\xd7J\"\\ud83d\"").unwrap(), r#""\ud83d""#);
}

#[test]
fn escapes_are_resolved_and_only_needed_ones_written() {
    assert_eq!(
        unpack(&pack(r#""\u0041\/\u00e9\n\u0001\ud83d\ude00""#)).unwrap(),
        "\"A/é\\n\\u0001😀\""
    );
}

#[test]
fn duplicate_keys_and_their_order_are_kept() {
    assert_eq!(unpack(&pack(r#"{"b":1,"a":2,"b":3}"#)).unwrap(), r#"{"b":1,"a":2,"b":3}"#);
}

#[test]
fn half_a_surrogate_in_a_key_is_refused_at_its_byte() {
    let codec = Codec::new(Settings::default());
    for optimize in [false, true] {
        let form = Form { optimize, ..PACKED };
        let refused = codec.transform(br#"{"message_id":1,"~a\ud800":2}"#, form).unwrap_err();
        assert_eq!(refused, CodecError::Outbound { offset: 19, fault: Fault::UnpairedSurrogate });
    }
}

#[test]
fn what_json_cannot_hold_is_refused_at_its_byte() {
    let cases: [(&[u8], usize); 16] = [
        (b"", 0),
        (b"\x81\x01\x02", 1),
        (b"\x81\xc0\x02", 1),
        (b"\x91\xc4\x01a", 1),
        (b"\xd4\x01a", 0),
        (b"\xd4Jx", 0),
        (b"\xd5J[]", 0),
        (b"\x91\xcb\x7f\xf8\0\0\0\0\0\0", 1),
        (b"\xca\x7f\x80\0\0", 0),
        (b"\x91\xca\xff\x80\0\0", 1),
        (b"\x92\x01\xa2a", 2),
        (b"\x01\x02", 1),
        (b"\x91\xc1", 1),
        (b"\xdf\xff\xff\xff\xff", 0),
        (b"\x91\xdb\xff\xff\xff\xff", 1),
        (b"\xcd\x01", 1),
    ];
    for (bytes, offset) in cases {
        let refused = unpack(bytes).unwrap_err();
        assert!(matches!(refused.fault(), Some(Fault::MessagePack(_))), "{bytes:?} {refused}");
        assert_eq!(refused.offset(), Some(offset), "{bytes:?} {refused}");
    }
    assert_eq!(
        unpack(b"\xa3a\xffb").unwrap_err(),
        CodecError::Inbound { offset: 2, fault: Fault::Utf8 }
    );
}
