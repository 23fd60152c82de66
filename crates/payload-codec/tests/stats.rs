//! What is counted, and the line that is logged.

use tidegate_payload_codec::{Codec, Compression, Form, Settings, Snapshot, describe};

#[test]
fn counts_messages_and_their_bytes_before_and_after() {
    let codec = Codec::new(Settings::default());
    let form = Form { optimize: true, ..Form::default() };
    codec.encode(br#"{"message_id":"1","channel_id":"2"}"#, form).unwrap();
    codec.stats().record(65, 20);
    let counted = codec.stats().snapshot();
    assert_eq!((counted.total_messages, counted.total_bytes_original), (2, 100));
    assert_eq!(counted.total_bytes_optimized, 28 + 20);
    assert!((counted.reduction_percentage - 52.0).abs() < 1e-9);
    assert!((counted.avg_message_size - 24.0).abs() < 1e-9);
}

#[test]
fn counts_what_was_compressed_in_either_way_of_encoding() {
    let codec = Codec::new(Settings { gzip_threshold: 10, ..Settings::default() });
    let form = Form { compression: Some(Compression::Gzip), ..Form::default() };
    let json = format!("\"{}\"", "a".repeat(1000));
    codec.encode(json.as_bytes(), form).unwrap();
    let _sent = codec.compress(json.into(), form);
    assert_eq!(codec.stats().snapshot().compressed_messages, 2);
    assert_eq!(codec.stats().snapshot().total_messages, 1);
}

#[test]
fn reset_starts_anew() {
    let codec = Codec::new(Settings::default());
    codec.stats().record(10, 5);
    codec.stats().reset();
    assert_eq!(codec.stats().snapshot(), Snapshot::default());
}

#[test]
fn describes_growth_nothing_and_types_with_line_ends() {
    assert_eq!(describe("a", 0, 7).to_string(), "Payload a: 0B -> 7B (0.0% reduction)");
    assert_eq!(describe("a", 10, 12).to_string(), "Payload a: 10B -> 12B (-20.0% reduction)");
    assert_eq!(describe("a\nb", 2, 1).to_string(), "Payload a\\nb: 2B -> 1B (50.0% reduction)");
}
