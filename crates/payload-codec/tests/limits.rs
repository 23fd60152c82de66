//! What is too deep, too large, damaged or not ours is refused, at the byte it names.

use tidegate_payload_codec::{
    Codec, CodecError, Compression, Dictionary, Encoding, Fault, Form, Kind, Settings,
};

const OPTIMIZED: Form = Form { encoding: Encoding::Json, optimize: true, compression: None };
const PACKED: Form = Form { encoding: Encoding::MessagePack, optimize: false, compression: None };

fn codec() -> Codec {
    Codec::new(Settings::default())
}

fn with(compression: Compression) -> Form {
    Form { compression: Some(compression), ..Form::default() }
}

fn nested(depth: usize) -> String {
    format!("{}1{}", "{\"c\":[".repeat(depth / 2), "]}".repeat(depth / 2))
}

fn inbound(offset: usize, fault: Fault) -> CodecError {
    CodecError::Inbound { offset, fault }
}

#[test]
fn depth_of_128_passes_and_129_is_refused_in_all_directions() {
    let codec = codec();
    let deepest = nested(128);
    let deeper = format!("[{deepest}]");
    let fault = Fault::TooDeep { limit: 128 };
    for form in [OPTIMIZED, PACKED] {
        let sent = codec.encode(deepest.as_bytes(), form).unwrap();
        assert_eq!(codec.decode(&sent.bytes, sent.kind, form).unwrap(), deepest);
        let refused = codec.encode(deeper.as_bytes(), form).unwrap_err();
        assert_eq!(
            refused,
            CodecError::Outbound { offset: 1 + 127 / 2 * 6 + 5, fault: fault.clone() }
        );
    }
    for form in [OPTIMIZED, Form::default()] {
        let refused = codec.decode(deeper.as_bytes(), Kind::Text, form).unwrap_err();
        assert_eq!(refused.fault(), Some(&fault));
    }
    let packed = [&[0x91; 128][..], &[0x90]].concat();
    assert_eq!(codec.decode(&packed, Kind::Binary, PACKED), Err(inbound(128, fault)));
}

#[test]
fn an_abbreviated_timestamp_never_nests_deeper_than_the_limit() {
    let codec = codec();
    let (open, close) = ("{\"metadata\":".repeat(127), "}".repeat(127));
    for stamp in ["2024-03-14T09:01:28Z", "2024-03-14T09:01:28.5Z", "2024-03-14T09:01:28.500Z"] {
        let json = format!("{open}{{\"created_at\":\"{stamp}\"}}{close}");
        for encoding in [Encoding::Json, Encoding::MessagePack] {
            let form = Form { encoding, ..OPTIMIZED };
            let sent = codec.encode(json.as_bytes(), form).unwrap();
            assert_eq!(codec.decode(&sent.bytes, sent.kind, form).unwrap(), json);
        }
    }
}

#[test]
fn a_batch_of_deepest_messages_passes() {
    let codec = codec();
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let form = Form { encoding, optimize: true, compression: None };
        let part = codec.transform(nested(128).as_bytes(), form).unwrap();
        let kind = if encoding == Encoding::Json { Kind::Text } else { Kind::Binary };
        let batch = codec.batch(&[part], encoding);
        let expected = format!("{{\"type\":\"batch\",\"messages\":[{}]}}", nested(128));
        assert_eq!(codec.decode(&batch, kind, form).unwrap(), expected);
    }
}

#[test]
fn a_million_open_brackets_are_refused_without_recursion() {
    let bytes = vec![b'['; 1 << 20];
    assert!(codec().decode(&bytes, Kind::Text, OPTIMIZED).is_err());
    assert!(codec().transform(&bytes, PACKED).is_err());
    assert!(codec().decode(&vec![0x91; 1 << 20], Kind::Binary, PACKED).is_err());
}

#[test]
fn a_bomb_costs_the_limit_and_is_too_large() {
    let big = Codec::new(Settings { max_message_bytes: 64 << 20, ..Settings::default() });
    let json = format!("\"{}\"", "a".repeat(8 << 20));
    for compression in [Compression::Gzip, Compression::Lz4] {
        let form = with(compression);
        let bomb = big.encode(json.as_bytes(), form).unwrap();
        assert!(bomb.bytes.len() < 1 << 18 && bomb.kind == Kind::Binary);
        assert_eq!(big.decode(&bomb.bytes, bomb.kind, form).unwrap(), json);
        assert!(codec().decode(&bomb.bytes, bomb.kind, form).unwrap_err().is_too_large());
    }
}

#[test]
fn a_payload_of_exactly_the_limit_passes() {
    let codec = Codec::new(Settings {
        max_message_bytes: 4096,
        lz4_threshold: 64,
        gzip_threshold: 64,
        ..Settings::default()
    });
    let json = format!("\"{}\"", "a".repeat(4094));
    for form in [Form::default(), with(Compression::Gzip), with(Compression::Lz4)] {
        let sent = codec.encode(json.as_bytes(), form).unwrap();
        assert_eq!(codec.decode(&sent.bytes, sent.kind, form).unwrap(), json);
    }
    let longer = format!("{json} ");
    assert!(
        codec.decode(longer.as_bytes(), Kind::Text, Form::default()).unwrap_err().is_too_large()
    );
}

#[test]
fn expansion_stops_at_the_limit() {
    let codec = Codec::new(Settings { max_message_bytes: 300, ..Settings::default() });
    let json = format!("{{\"_v\":2,{}\"q\":1}}", "\"sf\":1,".repeat(30));
    assert!(codec.decode(json.as_bytes(), Kind::Text, OPTIMIZED).unwrap_err().is_too_large());
    let packed = [&[0x81, 0xa1, b'a', 0xd9, 100][..], &[1; 100]].concat();
    assert!(codec.decode(&packed, Kind::Binary, PACKED).unwrap_err().is_too_large());
}

#[test]
fn an_lz4_size_that_no_block_can_reach_is_damage() {
    let lie = [2, 0, 0, 0x0f, 0, 0x10, b'a'];
    let refused = codec().decode(&lie, Kind::Binary, with(Compression::Lz4));
    assert_eq!(refused, Err(inbound(1, Fault::Compressed("lz4"))));
}

#[test]
fn bytes_behind_gzip_data_are_damage() {
    let codec = Codec::new(Settings { gzip_threshold: 0, ..Settings::default() });
    let form = with(Compression::Gzip);
    let sent = codec
        .encode("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]".as_bytes(), form)
        .unwrap();
    assert_eq!(sent.bytes.first(), Some(&1));
    let more = [&sent.bytes[..], b"x"].concat();
    let refused = codec.decode(&more, Kind::Binary, form);
    assert_eq!(refused, Err(inbound(sent.bytes.len(), Fault::Compressed("gzip"))));
}

#[test]
fn tags_that_are_unknown_or_missing_are_named() {
    let codec = codec();
    assert_eq!(codec.decode(b"\x07", Kind::Binary, OPTIMIZED), Err(inbound(0, Fault::Tag(7))));
    assert_eq!(codec.decode(b"", Kind::Binary, OPTIMIZED), Err(inbound(0, Fault::NoTag)));
    assert_eq!(codec.decode(b"\xc1\x09", Kind::Binary, PACKED), Err(inbound(1, Fault::Tag(9))));
    assert_eq!(codec.decode(b"\xc1", Kind::Binary, PACKED), Err(inbound(1, Fault::NoTag)));
}

#[test]
fn the_tag_stands_alone_on_json_and_behind_c1_on_message_pack() {
    let codec =
        Codec::new(Settings { gzip_threshold: 100, lz4_threshold: 100, ..Settings::default() });
    let json = format!("{{\"content\":\"{}\"}}", "tide ".repeat(100));
    for (compression, tag) in [(Compression::Gzip, 1), (Compression::Lz4, 2)] {
        let sent = codec.encode(json.as_bytes(), with(compression)).unwrap();
        assert_eq!((sent.bytes[0], sent.kind), (tag, Kind::Binary));
        let packed = Form { compression: Some(compression), ..PACKED };
        let sent = codec.encode(json.as_bytes(), packed).unwrap();
        assert_eq!(sent.bytes[..2], [0xc1, tag]);
        assert_eq!(codec.decode(&sent.bytes, sent.kind, packed).unwrap(), json);
    }
}

#[test]
fn compression_that_saves_too_little_is_not_kept() {
    let codec =
        Codec::new(Settings { gzip_threshold: 8, min_saving_percent: 10, ..Settings::default() });
    let sent = codec.encode(b"\"0123456789abcdefghijk\"", with(Compression::Gzip)).unwrap();
    assert_eq!((&sent.bytes[..], sent.kind), (&b"\"0123456789abcdefghijk\""[..], Kind::Text));
    assert_eq!(codec.stats().snapshot().compressed_messages, 0);
}

#[test]
fn errors_name_the_side_and_the_byte() {
    let codec = codec();
    let outbound = codec.transform(br#"{"content":tru}"#, OPTIMIZED).unwrap_err();
    assert_eq!(outbound.to_string(), "outbound message, byte 11: not JSON: expected a value");
    let inbound = codec.decode(b"{\"a\":\"\xff\"}", Kind::Text, OPTIMIZED).unwrap_err();
    assert_eq!(inbound.to_string(), "received payload, byte 6: not UTF-8");
    let stamp = codec.decode(br#"{"_v":2,"ts":"now"}"#, Kind::Text, OPTIMIZED).unwrap_err();
    assert_eq!((stamp.offset(), stamp.fault()), (Some(13), Some(&Fault::Timestamp)));
}

#[test]
fn dictionaries_that_could_not_be_reversed_are_refused() {
    let long = "k".repeat(65);
    let pairs = [
        ("", "a"),
        ("key", ""),
        (long.as_str(), "a"),
        ("key", "~a"),
        ("~key", "a"),
        ("_v", "a"),
        ("type", "t"),
        ("longer", "type"),
        ("key", "key"),
        ("key", "keys"),
        ("a\"key", "a"),
        ("a\\key", "a"),
        ("a\nkey", "a"),
    ];
    for (key, code) in pairs {
        assert!(Dictionary::new("x", [(key, code)]).is_err(), "{key:?} {code:?}");
    }
    let lists = [
        [("one", "o"), ("other", "o")],
        [("one", "o"), ("one", "n")],
        [("one", "o"), ("longer", "one")],
    ];
    for pairs in lists {
        assert!(Dictionary::new("x", pairs).is_err(), "{pairs:?}");
    }
    assert!(Dictionary::new("", [("key", "k")]).is_err());
    assert!(Dictionary::new("x", [("key", "k")]).unwrap().timestamps([("at_time", "k")]).is_err());
}
