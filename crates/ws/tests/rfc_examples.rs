//! The examples of RFC 6455, byte for byte: frames (5.7), handshake (1.3).

use bytes::{Bytes, BytesMut};
use tidegate_ws::{Decoder, Event, Limits, Prepared, ProtocolError, Role};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const MASKED_HELLO: &[u8] = &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

fn decode_all(role: Role, bytes: &[u8]) -> Result<Vec<Event>, ProtocolError> {
    let mut decoder = Decoder::new(role, Limits::default());
    let mut input = BytesMut::from(bytes);
    let mut events = Vec::new();
    while let Some(event) = decoder.decode(&mut input)? {
        events.push(event);
    }
    assert!(decoder.is_between_messages(&input));
    Ok(events)
}

#[test]
fn a_single_unmasked_text() {
    let frame = b"\x81\x05Hello";
    assert_eq!(decode_all(Role::Client, frame), Ok(vec![Event::Text("Hello".into())]));
    assert_eq!(&Prepared::text("Hello").to_bytes()[..], frame);
}

#[test]
fn a_single_masked_text() {
    assert_eq!(decode_all(Role::Server, MASKED_HELLO), Ok(vec![Event::Text("Hello".into())]));
    assert_eq!(&Prepared::text("Hello").masked(KEY)[..], MASKED_HELLO);
}

#[test]
fn a_fragmented_unmasked_text() {
    let frames = [&b"\x01\x03Hel"[..], b"\x80\x02lo"].concat();
    assert_eq!(decode_all(Role::Client, &frames), Ok(vec![Event::Text("Hello".into())]));
}

#[test]
fn a_ping_and_its_masked_pong() {
    assert_eq!(
        decode_all(Role::Client, b"\x89\x05Hello"),
        Ok(vec![Event::Ping(Bytes::from_static(b"Hello"))])
    );
    assert_eq!(&Prepared::ping(b"Hello").to_bytes()[..], b"\x89\x05Hello");
    let pong = [&[0x8a], &MASKED_HELLO[1..]].concat();
    assert_eq!(
        decode_all(Role::Server, &pong),
        Ok(vec![Event::Pong(Bytes::from_static(b"Hello"))])
    );
    assert_eq!(&Prepared::pong(b"Hello").masked(KEY)[..], &pong[..]);
}

#[test]
fn binary_of_256_bytes_and_of_64_kib() {
    for (length, header) in
        [(256, &b"\x82\x7e\x01\x00"[..]), (65_536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00")]
    {
        let payload = Bytes::from(vec![0xa5; length]);
        let frame = [header, &payload].concat();
        assert_eq!(Prepared::binary(payload.clone()).header(), header);
        assert_eq!(&Prepared::binary(payload.clone()).to_bytes()[..], &frame[..]);
        assert_eq!(decode_all(Role::Client, &frame), Ok(vec![Event::Binary(payload)]));
    }
}

#[test]
fn lengths_are_written_in_their_shortest_form() {
    for (length, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        let prepared = Prepared::binary(vec![0; length]);
        assert_eq!(prepared.header().len(), header, "for {length} bytes");
        assert_eq!(prepared.len(), header + length);
    }
}

#[test]
fn a_close_is_cut_to_what_a_frame_can_carry() {
    let close = Prepared::close(1001, &"ü".repeat(100));
    assert_eq!(close.payload().len(), 2 + 122);
    assert!(std::str::from_utf8(&close.payload()[2..]).is_ok());
    assert_eq!(&Prepared::close(1005, "unsent").to_bytes()[..], b"\x88\x00");
    assert_eq!(Prepared::ping(&[0; 200]).payload().len(), 125);
}
