//! Each rule that a peer can break: which one is named, at which byte, with which close code, however the
//! stream is cut.

use bytes::BytesMut;
use tidegate_ws::{CloseFrame, Decoder, Event, Limits, ProtocolError, Role, Violation};

type Outcome = (Vec<Event>, Option<ProtocolError>);

/// Feeds the parts one after another.
fn decode(role: Role, limits: Limits, parts: &[&[u8]]) -> Outcome {
    let mut decoder = Decoder::new(role, limits);
    let mut input = BytesMut::new();
    let mut events = Vec::new();
    for part in parts {
        input.extend_from_slice(part);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}

/// What a client role says of a stream, the same whole, cut in two anywhere, and byte by byte.
fn verdict(limits: Limits, bytes: &[u8]) -> Outcome {
    let whole = decode(Role::Client, limits, &[bytes]);
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(decode(Role::Client, limits, &[head, tail]), whole, "cut at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(decode(Role::Client, limits, &single), whole, "byte by byte");
    whole
}

#[track_caller]
fn refused(bytes: &[u8], violation: Violation, offset: u64, code: u16) {
    refused_within(Limits::default(), bytes, violation, offset, code);
}

#[track_caller]
fn refused_within(limits: Limits, bytes: &[u8], violation: Violation, offset: u64, code: u16) {
    let error = verdict(limits, bytes).1.expect("the stream is refused");
    assert_eq!((error.violation(), error.offset()), (violation, offset));
    assert_eq!(error.close_code(), code);
}

#[test]
fn refuses_each_reserved_bit() {
    for first in [0xc1, 0xa1, 0x91, 0xf1, 0xc9, 0xc8, 0xc0] {
        refused(&[first], Violation::ReservedBits, 0, 1002);
    }
}

#[test]
fn refuses_reserved_op_codes() {
    for opcode in (3..8).chain(11..16) {
        refused(&[0x80 | opcode, 0], Violation::ReservedOpcode, 0, 1002);
    }
}

#[test]
fn refuses_unmasked_client_frame() {
    let (_, error) = decode(Role::Server, Limits::default(), &[b"\x81\x05Hello"]);
    let error = error.expect("an unmasked frame is refused");
    assert_eq!((error.violation(), error.offset()), (Violation::Unmasked, 1));
    assert_eq!(error.to_string(), "client frame is not masked (at byte 1)");
}

#[test]
fn refuses_masked_server_frame() {
    refused(b"\x81\x80\0\0\0\0", Violation::Masked, 1, 1002);
}

#[test]
fn refuses_control_frames_that_are_fragmented_or_long() {
    refused(b"\x09\x00", Violation::FragmentedControl, 0, 1002);
    refused(b"\x89\x7e\x00\x7e", Violation::LongControl, 1, 1002);
    refused(b"\x88\x7f", Violation::LongControl, 1, 1002);
}

#[test]
fn refuses_lengths_that_are_not_shortest_or_too_high() {
    refused(b"\x82\x7e\x00\x7d", Violation::LongLength, 2, 1002);
    refused(b"\x82\x7f\0\0\0\0\0\0\xff\xff", Violation::LongLength, 2, 1002);
    refused(b"\x82\x7f\x80\0\0\0\0\0\0\0", Violation::HugeLength, 2, 1002);
}

#[test]
fn refuses_fragments_out_of_order() {
    refused(b"\x80\x00", Violation::StrayContinuation, 0, 1002);
    refused(b"\x81\x01a\x00\x00", Violation::StrayContinuation, 3, 1002);
    refused(b"\x01\x01a\x81\x01b", Violation::Interleaved, 3, 1002);
    refused(b"\x02\x01a\x02\x01b", Violation::Interleaved, 3, 1002);
}

#[test]
fn gives_control_frames_between_fragments() {
    let (events, error) =
        verdict(Limits::default(), b"\x01\x01a\x89\x01p\x00\x00\x8a\x00\x80\x01b");
    let ping = Event::Ping("p".into());
    assert_eq!(events, [ping, Event::Pong("".into()), Event::Text("ab".into())]);
    assert_eq!(error, None);
}

#[test]
fn refuses_text_at_the_first_byte_that_cannot_continue_it() {
    // The frame announces 100 bytes, of which five have come.
    let (_, error) = decode(Role::Client, Limits::default(), &[b"\x81\x64ab\xe2", b"\x28"]);
    let error = error.expect("the text is refused before it is complete");
    assert_eq!((error.violation(), error.offset()), (Violation::NotUtf8, 4));
    assert_eq!(error.close_code(), 1007);
}

#[test]
fn refuses_text_across_fragments() {
    refused(b"\x81\x03a\xff!", Violation::NotUtf8, 3, 1007);
    refused(b"\x01\x03ab\xf4\x00\x01\x90", Violation::NotUtf8, 4, 1007);
    refused(b"\x01\x02\xce\xba\x80\x02x\xce", Violation::NotUtf8, 7, 1007);
    refused(b"\x81\x01\xce", Violation::NotUtf8, 2, 1007);
}

#[test]
fn accepts_a_character_cut_by_fragments() {
    let (events, _) =
        verdict(Limits::default(), b"\x01\x01\xf0\x00\x02\x9f\x8c\x00\x00\x80\x01\x8a");
    assert_eq!(events, [Event::Text("🌊".into())]);
}

#[test]
fn binary_is_not_looked_into() {
    let (events, _) = verdict(Limits::default(), b"\x02\x01\xff\x80\x01\xc0\x81\x01a");
    assert_eq!(events, [Event::Binary(b"\xff\xc0"[..].into()), Event::Text("a".into())]);
}

#[test]
fn accepts_only_close_codes_that_may_be_sent() {
    for code in (0..5100).chain([65_535]) {
        let [high, low] = u16::to_be_bytes(code);
        let frame = [0x88, 2, high, low];
        let (events, error) = decode(Role::Client, Limits::default(), &[&frame]);
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => {
                let close = CloseFrame { code, reason: "".into() };
                assert_eq!(events, [Event::Close(Some(close))]);
            }
            _ => {
                let error = error.expect("the code is refused");
                assert_eq!((error.violation(), error.offset()), (Violation::CloseCode, 2));
            }
        }
    }
}

#[test]
fn refuses_broken_close_bodies() {
    refused(b"\x88\x01\x03", Violation::CloseBody, 2, 1002);
    refused(b"\x88\x04\x03\xe8a\xff", Violation::CloseReason, 5, 1007);
    assert_eq!(verdict(Limits::default(), b"\x88\x00").0, [Event::Close(None)]);
}

#[test]
fn forgets_what_follows_a_close() {
    let (events, error) = verdict(Limits::default(), b"\x01\x01a\x88\x00\xff\xff\xff");
    assert_eq!((events, error), (vec![Event::Close(None)], None));
}

#[test]
fn repeats_its_verdict() {
    let mut decoder = Decoder::new(Role::Client, Limits::default());
    let first = decoder.decode(&mut BytesMut::from(&b"\xf1"[..]));
    assert!(first.is_err());
    assert_eq!(decoder.decode(&mut BytesMut::from(&b"\x81\x00"[..])), first);
}

#[test]
fn refuses_what_is_larger_than_its_limits_before_it_comes() {
    let limits = Limits { max_frame_bytes: 4, max_message_bytes: 6, max_fragments: 3 };
    refused_within(limits, b"\x82\x05", Violation::LargeFrame, 1, 1009);
    refused_within(limits, b"\x02\x04abcd\x80\x03", Violation::LargeMessage, 7, 1009);
    refused_within(limits, b"\x02\0\0\0\0\0\0", Violation::ManyFragments, 6, 1009);
    refused_within(
        limits,
        b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
        Violation::LargeFrame,
        1,
        1009,
    );
}

#[test]
fn other_limits_hold_from_the_next_frame_on() {
    let narrow = Limits { max_frame_bytes: 4, max_message_bytes: 4, max_fragments: 3 };
    let mut decoder = Decoder::new(Role::Client, narrow);
    let mut input = BytesMut::from(&b"\x82\x04abcd\x82\x06abcdef\x82\x05abcde"[..]);
    assert_eq!(decoder.decode(&mut input), Ok(Some(Event::Binary("abcd".into()))));
    decoder.limit(Limits::default());
    assert_eq!(decoder.decode(&mut input), Ok(Some(Event::Binary("abcdef".into()))));
    decoder.limit(narrow);
    assert_eq!(decoder.decode(&mut input).unwrap_err().close_code(), 1009);
}

#[test]
fn accepts_what_is_exactly_at_its_limits() {
    let limits = Limits { max_frame_bytes: 4, max_message_bytes: 6, max_fragments: 3 };
    let (events, error) = verdict(limits, b"\x02\x04abcd\x00\x02ef\x89\x05hello\x80\x00");
    assert_eq!(events, [Event::Ping("hello".into()), Event::Binary("abcdef".into())]);
    assert_eq!(error, None);
}

#[test]
fn a_complete_frame_is_not_copied() {
    let mut input = BytesMut::from(&b"\x82\x04abcd\x82\x02ef"[..]);
    let place = input[2..].as_ptr();
    let mut decoder = Decoder::new(Role::Client, Limits::default());
    let Ok(Some(Event::Binary(first))) = decoder.decode(&mut input) else { panic!("no event") };
    assert_eq!((&first[..], first.as_ptr()), (&b"abcd"[..], place));
}
