//! permessage-deflate through decoder and encoder: RFC 7692's examples, rules, limits, sharing, waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use bytes::{Bytes, BytesMut};
use tidegate_deflate::{
    Agreement, Direction, InflaterPool, Settings, THRESHOLD_BYTES, TakeoverSlots,
};
use tidegate_ws::{
    Broadcast, Compression, Decoder, Deflate, Encoder, Event, Fragment, Limits, Prepared,
    ProtocolError, Role, Violation,
};

fn agreement(takeover: bool) -> Agreement {
    let direction = Direction { takeover, ..Direction::stateless() };
    Agreement { from_server: direction, from_client: direction }
}

fn deflate(inflaters: usize, slots: usize) -> Deflate {
    let settings = Settings::new();
    Deflate::new(settings, InflaterPool::new(inflaters), TakeoverSlots::new(slots))
}

/// Both halves of a client's end, whose frames are read by the other half of a server's.
fn ends(shared: &Deflate, takeover: bool, limits: Limits) -> (Encoder, Decoder) {
    let (_, compressing) = shared.agree(agreement(takeover), Role::Server).halves();
    let (inflating, _) = shared.agree(agreement(takeover), Role::Client).halves();
    (
        Encoder::new(Role::Server).compressing(compressing),
        Decoder::new(Role::Client, limits).inflating(inflating),
    )
}

fn client(limits: Limits) -> Decoder {
    ends(&deflate(1, 0), false, limits).1
}

fn decode(decoder: &mut Decoder, bytes: &[u8], cut: usize) -> (Vec<Event>, Option<ProtocolError>) {
    let (mut input, mut events) = (BytesMut::new(), Vec::new());
    for part in bytes.chunks(cut) {
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

/// What comes of a stream, the same in pieces of any size.
#[track_caller]
fn verdict(limits: Limits, bytes: &[u8]) -> (Vec<Event>, Option<ProtocolError>) {
    let whole = decode(&mut client(limits), bytes, bytes.len());
    for cut in 1..bytes.len().min(400) {
        assert_eq!(decode(&mut client(limits), bytes, cut), whole, "in pieces of {cut}");
    }
    whole
}

#[track_caller]
fn refused(bytes: &[u8], violation: Violation, offset: u64, code: u16) {
    let error = verdict(Limits::default(), bytes).1.expect("the stream is refused");
    assert_eq!((error.violation(), error.offset()), (violation, offset));
    assert_eq!(error.close_code(), code);
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = match length {
        0..126 => vec![first, length as u8],
        _ => [&[first, 126][..], &(length as u16).to_be_bytes()].concat(),
    };
    frame.extend_from_slice(payload);
    frame
}

fn compressed(message: &[u8]) -> Bytes {
    let settings = Settings::new().threshold(0);
    let mut payload = Vec::new();
    let mut compressor = tidegate_deflate::Compressor::new(settings);
    let verdict = compressor.compress(message, Direction::stateless(), &mut payload);
    assert_eq!(verdict, tidegate_deflate::Verdict::Compressed);
    payload.into()
}

#[test]
fn reads_the_examples_of_rfc_7692() {
    let hello = [Event::Text("Hello".into())];
    let one = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    let two = b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00";
    let stored = b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
    let last = b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let blocks = b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    for bytes in [&one[..], two, stored, last, blocks] {
        assert_eq!(verdict(Limits::default(), bytes), (hello.to_vec(), None), "{bytes:x?}");
    }
    let shared = deflate(1, 2);
    let (_, mut decoder) = ends(&shared, true, Limits::default());
    let twice = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
    let (events, error) = decode(&mut decoder, twice, 1);
    assert_eq!((events, error), ([hello.clone(), hello].concat(), None));
}

#[test]
fn refuses_rsv1_where_it_has_no_meaning() {
    for first in [0xc9, 0xc8, 0xca, 0xc0, 0xe1, 0xd1] {
        refused(&[first], Violation::ReservedBits, 0, 1002);
    }
    refused(b"\x41\x03\xf2\x48\xcd\xc0", Violation::ReservedBits, 5, 1002);
    let mut plain = Decoder::new(Role::Client, Limits::default());
    let (_, error) = decode(&mut plain, b"\xc1", 1);
    assert_eq!(error.unwrap().violation(), Violation::ReservedBits);
}

#[test]
fn reads_messages_that_are_not_compressed_as_well() {
    let bytes = b"\x81\x05Hello\x01\x03Hel\x89\x00\x80\x02lo\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    let hello = Event::Text("Hello".into());
    let (events, error) = verdict(Limits::default(), bytes);
    assert_eq!(events, [hello.clone(), Event::Ping("".into()), hello.clone(), hello]);
    assert_eq!(error, None);
}

#[test]
fn refuses_broken_deflate_data() {
    refused(b"\x89\x01p\xc2\x02\xff\xff", Violation::CorruptDeflate, 6, 1007);
    refused(b"\xc2\x03\xf2\x48\xcd", Violation::TruncatedDeflate, 5, 1007);
    refused(b"\x42\x03\xf2\x48\xcd\x80\x00", Violation::TruncatedDeflate, 7, 1007);
}

#[test]
fn refuses_text_as_its_bytes_are_inflated() {
    let mut text = "tide ".repeat(50).into_bytes();
    text.push(0xff);
    text.extend_from_slice(&b"never looked at".repeat(9));
    let bytes = frame(0xc1, &compressed(&text));
    refused(&bytes, Violation::NotUtf8, 4.min(bytes.len() as u64 - 1) - 2, 1007);

    // A stored block whose first byte is wrong: the frame is refused before it is complete.
    let early = b"\xc1\x0b\x00\x05\x00\xfa\xff\xff";
    let (events, error) = decode(&mut client(Limits::default()), early, 1);
    let error = error.expect("it is refused before the rest comes");
    assert_eq!((events, error.violation()), (vec![], Violation::NotUtf8));
}

#[test]
fn refuses_a_character_that_the_end_cuts() {
    let stored = |bytes: &[u8]| {
        let length = bytes.len() as u16;
        [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes, &[0]].concat()
    };
    refused(&frame(0xc1, &stored(b"ab\xce")), Violation::NotUtf8, 2, 1007);
    let (head, tail) = ("κ".as_bytes()[0], "κ".as_bytes()[1]);
    let parts = [frame(0x41, &stored(&[head])[..6]), frame(0x80, &stored(&[tail]))].concat();
    let (events, error) = verdict(Limits::default(), &parts);
    assert_eq!((events, error), (vec![Event::Text("κ".into())], None));
}

#[test]
fn a_bomb_stops_at_the_message_limit() {
    let limits = Limits { max_message_bytes: 10_000, ..Limits::default() };
    let bomb = frame(0xc2, &compressed(&vec![0; 10_001]));
    let error = verdict(limits, &bomb).1.unwrap();
    assert_eq!((error.violation(), error.close_code()), (Violation::LargeMessage, 1009));
    let most = frame(0xc2, &compressed(&vec![0; 10_000]));
    assert_eq!(verdict(limits, &most).0, [Event::Binary(vec![0; 10_000].into())]);
}

#[test]
fn what_inflates_to_nothing_is_bounded_as_well() {
    let limits = Limits { max_message_bytes: 1000, max_frame_bytes: 1000, max_fragments: 1000 };
    let nothing = [0, 0, 0, 0xff, 0xff].repeat(100);
    let bytes = [frame(0x42, &nothing), frame(0, &nothing), frame(0, &nothing)].concat();
    let error = verdict(limits, &bytes).1.unwrap();
    assert_eq!(error.violation(), Violation::LargeMessage);
}

#[test]
fn a_limit_holds_from_the_next_frame_on() {
    let narrow = Limits { max_message_bytes: 300, ..Limits::default() };
    let mut decoder = client(narrow);
    let message = frame(0xc2, &compressed(&[7; 301]));
    assert!(decode(&mut client(narrow), &message, 99).1.is_some());
    decoder.limit(Limits::default());
    assert_eq!(decode(&mut decoder, &message, 99).0, [Event::Binary(vec![7; 301].into())]);
}

#[test]
fn a_wider_limit_holds_under_takeover_too() {
    let narrow = Limits { max_message_bytes: 300, ..Limits::default() };
    let shared = deflate(1, 2);
    let (mut encoder, mut decoder) = ends(&shared, true, narrow);
    let mut send = |length: usize| encoder.encode(Prepared::text("tide ".repeat(length / 5)));
    assert!(decode(&mut decoder, &send(300).to_bytes(), 9).1.is_none());
    decoder.limit(Limits { max_message_bytes: 5000, ..narrow });
    for cut in [1, 9, 5000] {
        assert_eq!(decode(&mut decoder, &send(5000).to_bytes(), cut).1, None);
    }
    decoder.limit(narrow);
    let error = decode(&mut decoder, &send(305).to_bytes(), 9).1.unwrap();
    assert_eq!(error.violation(), Violation::LargeMessage);
}

#[test]
fn what_is_no_utf8_is_refused_for_that_also_before_another_fault() {
    // A stored block, of which the second byte is at fault, and what is not allowed behind it.
    let stored = b"\x00\x02\x00\xfd\xffa\xff";
    let reserved_kind = [&stored[..], b"\x06"].concat();
    let finals = [&stored[..], &b"\x03\x00".repeat(70)].concat();
    let long = [&stored[..], &compressed(&[b'a'; 200])].concat();
    let narrow = Limits { max_message_bytes: 100, ..Limits::default() };
    for (payload, broken) in [
        (reserved_kind, Violation::CorruptDeflate),
        (finals, Violation::ManyFinalBlocks),
        (long, Violation::LargeMessage),
    ] {
        let (text, binary) = (frame(0xc1, &payload), frame(0xc2, &payload));
        let error = verdict(narrow, &text).1.unwrap();
        let begin = (text.len() - payload.len()) as u64;
        assert_eq!((error.violation(), error.offset()), (Violation::NotUtf8, begin));
        assert_eq!(verdict(narrow, &binary).1.unwrap().violation(), broken);
    }
}

#[test]
fn a_message_that_does_not_get_smaller_may_be_as_large_as_the_limit() {
    let limits = Limits { max_frame_bytes: 1000, max_message_bytes: 1000, max_fragments: 2 };
    let block = |bytes: &[u8]| {
        let length = bytes.len() as u16;
        [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes].concat()
    };
    let payload = [block(&[1; 500]), block(&[2; 500]), vec![0]].concat();
    let (events, error) = verdict(limits, &frame(0xc2, &payload));
    assert_eq!((events.len(), error), (1, None));
}

#[test]
fn compresses_what_gets_smaller_and_nothing_else() {
    let shared = deflate(1, 0);
    let (mut encoder, mut decoder) = ends(&shared, false, Limits::default());
    let noise = noise(400, 0xff);
    let long = "tide in, tide out. ".repeat(20);
    let cases = [
        (Prepared::text("x".repeat(THRESHOLD_BYTES)), false),
        (Prepared::text(long.clone()), true),
        (Prepared::binary(noise), false),
        (Prepared::text(long.clone()).uncompressed(), false),
        (Prepared::ping(&[b'x'; 125]), false),
    ];
    for (frame, expected) in cases {
        let sent = encoder.encode(frame.clone());
        assert_eq!(sent.is_compressed(), expected, "{frame:?}");
        let (events, error) = decode(&mut decoder, &sent.to_bytes(), 7);
        let payload = match &events[..] {
            [Event::Text(text)] => Bytes::from(text.clone()),
            [Event::Binary(bytes) | Event::Ping(bytes)] => bytes.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!((&payload, error), (frame.payload(), None));
    }
}

#[test]
fn a_masked_frame_is_compressed_first() {
    let shared = deflate(1, 0);
    let (_, compressing) = shared.agree(agreement(false), Role::Client).halves();
    let (inflating, _) = shared.agree(agreement(false), Role::Server).halves();
    let mut encoder =
        Encoder::new(Role::Client).compressing(compressing).mask_keys(|| [1, 2, 3, 4]);
    let mut decoder = Decoder::new(Role::Server, Limits::default()).inflating(inflating);
    let long = "tide in, tide out. ".repeat(20);
    let sent = encoder.encode(Prepared::text(long.clone())).to_bytes();
    assert!(sent.len() < 50 && sent[0] == 0xc1 && sent[1] & 0x80 != 0);
    assert_eq!(decode(&mut decoder, &sent, 3).0, [Event::Text(long.into())]);
}

#[test]
fn one_payload_serves_all_who_agreed_on_the_same() {
    let to = |direction| Compression { settings: Settings::new(), direction };
    let narrow =
        Direction { window_bits: tidegate_deflate::WindowBits::new(9).unwrap(), takeover: false };
    let all = Broadcast::new(Prepared::text("all hands on deck. ".repeat(100)));
    let wide = all.frame(Some(to(Direction::stateless())));
    let again = all.frame(Some(to(Direction { takeover: true, ..Direction::stateless() })));
    assert_eq!(wide.payload().as_ptr(), again.payload().as_ptr());
    assert_ne!(all.frame(Some(to(narrow))).payload().as_ptr(), wide.payload().as_ptr());
    let plain = all.frame(None);
    assert_eq!(plain.payload().as_ptr(), all.plain().payload().as_ptr());

    let shared = deflate(1, 0);
    let (mut encoder, mut decoder) = ends(&shared, false, Limits::default());
    assert_eq!(encoder.encode(plain.clone()).payload().as_ptr(), plain.payload().as_ptr());
    let sent = encoder.encode(wide.clone());
    assert_eq!(sent.payload().as_ptr(), wide.payload().as_ptr());
    let (events, _) = decode(&mut decoder, &sent.to_bytes(), 5);
    assert_eq!(events, [Event::Text("all hands on deck. ".repeat(100).into())]);
}

#[test]
fn takeover_survives_frames_that_were_made_for_many() {
    let shared = deflate(1, 2);
    let (mut encoder, mut decoder) = ends(&shared, true, Limits::default());
    let mut sizes = Vec::new();
    for number in 0..6 {
        let text = format!("{number}: {}", "the tide rises, the tide falls. ".repeat(8));
        let mut message = Prepared::text(text.clone());
        if number == 3 {
            let agreed = encoder.compression().unwrap();
            message = message.deflated(agreed.settings, agreed.direction);
        }
        let sent = encoder.encode(message);
        sizes.push(sent.payload().len());
        let (events, error) = decode(&mut decoder, &sent.to_bytes(), 11);
        assert_eq!((events, error), (vec![Event::Text(text.into())], None));
    }
    assert!(sizes[1] * 2 < sizes[0], "the context is used: {sizes:?}");
    assert!(sizes[4] > sizes[2] * 2, "after a foreign frame it is not: {sizes:?}");
}

#[test]
fn fragments_are_given_as_they_come_where_asked_for() {
    let (inflating, _) = deflate(1, 0).agree(agreement(false), Role::Client).halves();
    let mut decoder =
        Decoder::new(Role::Client, Limits::default()).inflating(inflating).by_fragment();
    let bytes = b"\x41\x03\xf2\x48\xcd\x89\x00\x80\x04\xc9\xc9\x07\x00\x01\x01a\x80\x01b\x81\x01c";
    let fragment = |payload: &'static str, is_first, is_last| {
        Event::Fragment(Fragment { is_text: true, is_first, is_last, payload: payload.into() })
    };
    let (events, error) = decode(&mut decoder, bytes, 1);
    let expected = [
        fragment("He", true, false),
        Event::Ping("".into()),
        fragment("llo", false, true),
        fragment("a", true, false),
        fragment("b", false, true),
        Event::Text("c".into()),
    ];
    assert_eq!(error, None);
    let joined = |events: &[Event]| -> String {
        let payloads = events.iter().filter_map(|event| match event {
            Event::Fragment(fragment) => Some(&fragment.payload[..]),
            _ => None,
        });
        String::from_utf8(payloads.collect::<Vec<_>>().concat()).unwrap()
    };
    assert_eq!(joined(&events), joined(&expected));
    assert_eq!(events.len(), expected.len());
    assert_eq!(events[3..], expected[3..]);
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Bytes without a pattern, each below the mask.
fn noise(length: usize, mask: u8) -> Vec<u8> {
    let mut state = 1_u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 & mask
    });
    bytes.take(length).collect()
}

/// A message of noise in two frames, the first larger than what may wait.
fn large() -> (Vec<u8>, Vec<u8>, Bytes) {
    let message = noise(100_000, 0x7f);
    let payload = compressed(&message);
    let (head, tail) = payload.split_at(70_000);
    let first = [&[0x42, 127][..], &70_000_u64.to_be_bytes(), head].concat();
    (first, frame(0x80, tail), message.into())
}

#[test]
fn a_message_waits_for_an_inflater_and_is_woken() {
    let shared = deflate(1, 0);
    let (_, mut slow) = ends(&shared, false, Limits::default());
    let (_, mut other) = ends(&shared, false, Limits::default());
    assert_eq!(decode(&mut slow, b"\x41\x03\xf2\x48\xcd", 5).1, None);

    // Whole messages wait for no one, and neither do small parts of one.
    let hello = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    for cut in [1, 9] {
        assert_eq!(decode(&mut other, hello, cut).0, [Event::Text("Hello".into())]);
    }

    let (first, second, message) = large();
    let mut input = BytesMut::from(&first[..]);
    assert_eq!(other.decode(&mut input), Ok(None));
    assert!(other.is_blocked() && input.len() == 70_000);
    let count = Arc::new(Count(AtomicUsize::new(0)));
    other.wake_when_free(&Waker::from(Arc::clone(&count)));
    assert_eq!(other.decode(&mut input), Ok(None));
    assert!(other.is_blocked());

    assert_eq!(decode(&mut slow, b"\x80\x04\xc9\xc9\x07\x00", 6).0, [Event::Text("Hello".into())]);
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    input.extend_from_slice(&second);
    assert_eq!(other.decode(&mut input), Ok(Some(Event::Binary(message))));
    assert!(!other.is_blocked());
}

#[test]
fn an_inflater_comes_back_from_connections_that_break_or_vanish() {
    let pool = InflaterPool::new(1);
    let shared = Deflate::new(Settings::new(), pool.clone(), TakeoverSlots::new(0));
    for after in [&b"\xc1"[..], b""] {
        let (_, mut decoder) = ends(&shared, false, Limits::default());
        decode(&mut decoder, b"\x41\x03\xf2\x48\xcd", 5);
        assert_eq!(pool.free(), 0);
        if after.is_empty() {
            drop(decoder);
        } else {
            assert!(decode(&mut decoder, after, 1).1.is_some());
        }
        assert_eq!(pool.free(), 1);
    }
}
