//! Whatever JSON goes in comes back: byte for byte as JSON, value for value as MessagePack. Damaged
//! input is refused and never panics.
#![expect(clippy::unwrap_used, reason = "in a test, a failing unwrap is the failure")]

use proptest::prelude::*;
use tidegate_payload_codec::{Codec, Compression, Dictionary, Encoding, Form, Kind, Settings};

const OPTIMIZED: Form = Form { encoding: Encoding::Json, optimize: true, compression: None };
const PACKED: Form = Form { encoding: Encoding::MessagePack, optimize: false, compression: None };
const BOTH: Form = Form { encoding: Encoding::MessagePack, optimize: true, compression: None };

fn codec() -> Codec {
    Codec::new(Settings { gzip_threshold: 16, lz4_threshold: 16, ..Settings::default() })
}

/// The text between the quotes of a key: words of the dictionary, their codes, the mark, all of them
/// escaped once and twice and with `\u` in front, and anything at all.
fn key() -> impl Strategy<Value = String> {
    let dictionary = Dictionary::chat();
    let mut words = vec!["_v".to_owned(), "type".into(), "messages".into(), String::new()];
    for entry in dictionary.entries() {
        words.extend([entry.key.clone(), entry.code.clone()]);
    }
    (prop::sample::select(words), 0..12_u8).prop_flat_map(|(word, variant)| match variant {
        0 => Just(format!("~{word}")).boxed(),
        1 => Just(format!("~~{word}")).boxed(),
        2 => Just(format!("\\u007e{word}")).boxed(),
        3 => Just(format!("\\u007E~{word}")).boxed(),
        4 => Just(format!("\\ud800{word}")).boxed(),
        5 => Just(first_as_escape(&word)).boxed(),
        6 => any::<String>().prop_map(|text| inside(&text)).boxed(),
        _ => Just(word).boxed(),
    })
}

fn first_as_escape(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|c| format!("\\u{:04x}", u32::from(c)));
    first.unwrap_or_default() + characters.as_str()
}

fn inside(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn timestamp() -> impl Strategy<Value = String> {
    let parts = (0..10_001_u32, 0..14_u32, 0..33_u32, 0..26_u32, 0..62_u32, 0..62_u32);
    let endings = ["Z", ".123Z", ".000Z", ".123456Z", ".1Z", "+00:00", ".1234567Z", "z", ""];
    (parts, prop::sample::select(endings.to_vec())).prop_map(|((y, mo, d, h, mi, s), end)| {
        format!("\"{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}{end}\"")
    })
}

fn number() -> impl Strategy<Value = String> {
    let odd = [
        "2",
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e5",
        "1E+05",
        "1.814e-05",
        "1e400",
        "-1e-400",
        "0.10",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "0e0",
        "-9223372036854775809",
        "0.1000000000000000055511151231257827",
        "1710406888500",
    ];
    prop_oneof![
        prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<i16>().prop_map(|n| n.to_string()),
        (any::<i32>(), any::<u32>(), any::<i16>()).prop_map(|(a, b, e)| format!("{a}.{b}e{e}")),
        any::<f64>()
            .prop_filter("JSON has no NaN", |float| float.is_finite())
            .prop_map(|float| format!("{float:?}")),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "true",
            "false",
            "null",
            "\"batch\"",
            "\"\\u0062atch\"",
            "\"\\ud83d\""
        ])
        .prop_map(str::to_owned),
        number(),
        timestamp(),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ]
}

fn json() -> impl Strategy<Value = String> {
    scalar().prop_recursive(6, 60, 8, |value| {
        let pair = (key(), value.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        prop_oneof![
            1 => prop::collection::vec(value, 0..20).prop_map(|all| format!("[{}]", all.join(","))),
            4 => object(pair),
        ]
    })
}

fn object(pair: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let starts = [
        "",
        "",
        "",
        "\"_v\":2",
        "\"\\u005fv\":2.0",
        "\"type\":\"batch\",\"messages\":[{\"_v\":2,\"c\":1}]",
        "\"created_at\":\"2024-03-14T09:01:28.500Z\"",
        "\"c\":1,\"content\":2,\"c\":3",
    ];
    (prop::sample::select(starts.to_vec()), prop::collection::vec(pair, 0..20)).prop_map(
        |(start, mut pairs)| {
            if !start.is_empty() {
                pairs.insert(0, start.to_owned());
            }
            format!("{{{}}}", pairs.join(","))
        },
    )
}

/// The same text with whitespace around some of its punctuation.
fn spaced(json: &str, seed: u64) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for (index, c) in json.chars().enumerate() {
        let space = [" ", "\n", "\t\r", "", "", ""][(seed as usize).wrapping_add(index * 7) % 6];
        if !in_string && "{}[],:".contains(c) {
            out.extend([space, c.encode_utf8(&mut [0; 4]), space]);
        } else {
            out.push(c);
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn optimized_json_comes_back_byte_for_byte(json in json(), seed in any::<u64>()) {
        let codec = codec();
        for json in [spaced(&json, seed), json] {
            for compression in [None, Some(Compression::Gzip), Some(Compression::Lz4)] {
                let form = Form { compression, ..OPTIMIZED };
                let sent = codec.encode(json.as_bytes(), form).unwrap();
                prop_assert!(sent.kind == Kind::Binary || serde_json::from_slice::<&serde_json::value::RawValue>(&sent.bytes).is_ok());
                let back = codec.decode(&sent.bytes, sent.kind, form).unwrap();
                prop_assert_eq!(std::str::from_utf8(&back).unwrap(), &json);
            }
        }
    }

    #[test]
    fn the_parts_of_a_batch_come_back_byte_for_byte(parts in prop::collection::vec(json(), 0..6)) {
        let codec = codec();
        let sent: Vec<_> =
            parts.iter().map(|part| codec.transform(part.as_bytes(), OPTIMIZED).unwrap()).collect();
        let back = codec.decode(&codec.batch(&sent, Encoding::Json), Kind::Text, OPTIMIZED).unwrap();
        let expected = format!("{{\"type\":\"batch\",\"messages\":[{}]}}", parts.join(","));
        prop_assert_eq!(std::str::from_utf8(&back).unwrap(), expected);
    }

    #[test]
    fn message_pack_settles_after_one_trip_whether_optimized_or_not(json in json()) {
        let codec = codec();
        let trip = |json: &[u8], form| {
            let sent = codec.transform(json, form)?;
            codec.decode(&sent, Kind::Binary, form)
        };
        // A half surrogate in a key is the one thing that is refused.
        if let Ok(once) = trip(json.as_bytes(), PACKED) {
            prop_assert_eq!(&trip(&once, PACKED).unwrap(), &once);
            prop_assert_eq!(&trip(&once, BOTH).unwrap(), &once);
            prop_assert_eq!(&trip(json.as_bytes(), BOTH).unwrap(), &once);
        } else {
            prop_assert!(json.contains("\\ud800"));
            prop_assert!(trip(json.as_bytes(), BOTH).is_err());
        }
    }

    #[test]
    fn scanner_and_serde_json_agree_on_what_is_json(json in json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut damaged = json.into_bytes();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let ours = codec().decode(&damaged, Kind::Text, Form::default()).is_ok();
        let theirs = serde_json::from_slice::<&serde_json::value::RawValue>(&damaged).is_ok();
        prop_assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(&damaged));
    }

    #[test]
    fn damaged_payloads_never_panic(json in json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let codec = codec();
        for form in [OPTIMIZED, PACKED, BOTH] {
            for compression in [None, Some(Compression::Gzip), Some(Compression::Lz4)] {
                let form = Form { compression, ..form };
                let Ok(sent) = codec.encode(json.as_bytes(), form) else { continue };
                let mut bytes = sent.bytes.to_vec();
                let at = at.index(bytes.len());
                let _ = codec.decode(&bytes[..at], sent.kind, form);
                bytes[at] = byte;
                if let Ok(json) = codec.decode(&bytes, sent.kind, form) {
                    prop_assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&json).is_ok());
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let codec = codec();
        for kind in [Kind::Text, Kind::Binary] {
            for form in [OPTIMIZED, PACKED, BOTH] {
                if let Ok(json) = codec.decode(&bytes, kind, form) {
                    prop_assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&json).is_ok());
                }
                let _ = codec.transform(&bytes, form);
            }
        }
    }
}
