//! The decoder beside tungstenite's own reader: random frames, random cuts, random damage.
//!
//! Both must give the same events and then the same verdict. The differences that are meant:
//! - a length that is not in its shortest form: refused here, read there (RFC 6455, 5.2: "the minimal number
//!   of bytes MUST be used"); for a control frame by the rule that its length has seven bits;
//! - a close code that may not stand in a frame: refused here, an event there, whose code is replaced by 1002;
//! - 1014, registered with IANA after the RFC: an event here, replaced by 1002 there;
//! - when: here at the first byte at fault, there when the frame is complete. The streams below go on with
//!   zeros, so that both get to their verdict.

use std::io::{self, Read, Write};

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_ws::{CloseFrame, Decoder, Event, Limits, Prepared, ProtocolError, Role, Violation};
use tungstenite::protocol::{self, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

const LIMITS: Limits =
    Limits { max_frame_bytes: 2000, max_message_bytes: 3000, max_fragments: 1 << 20 };

/// Reads from memory, writes to nowhere.
struct Memory<'a>(&'a [u8]);

impl Read for Memory<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Events, and whether the peer was refused after them.
fn theirs(role: Role, bytes: &[u8]) -> (Vec<Event>, bool) {
    let role = match role {
        Role::Server => protocol::Role::Server,
        Role::Client => protocol::Role::Client,
    };
    let config = WebSocketConfig::default()
        .max_frame_size(Some(LIMITS.max_frame_bytes))
        .max_message_size(Some(LIMITS.max_message_bytes));
    let mut socket = WebSocket::from_raw_socket(Memory(bytes), role, Some(config));
    let mut events = Vec::new();
    loop {
        match socket.read() {
            Ok(message) => events.push(event(message)),
            Err(Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => {
                return (events, false);
            }
            Err(Error::ConnectionClosed | Error::Io(_)) => return (events, false),
            Err(_) => {
                let closed = matches!(events.last(), Some(Event::Close(_)));
                return (events, !closed);
            }
        }
    }
}

fn event(message: Message) -> Event {
    match message {
        Message::Text(text) => Event::Text(text.as_str().into()),
        Message::Binary(bytes) => Event::Binary(bytes),
        Message::Ping(bytes) => Event::Ping(bytes),
        Message::Pong(bytes) => Event::Pong(bytes),
        Message::Close(close) => Event::Close(
            close.map(|c| CloseFrame { code: c.code.into(), reason: c.reason.as_str().into() }),
        ),
        Message::Frame(_) => panic!("a frame is never read"),
    }
}

fn ours(role: Role, bytes: &[u8], cuts: &[usize]) -> (Vec<Event>, Option<ProtocolError>) {
    let mut decoder = Decoder::new(role, LIMITS);
    let (mut input, mut events, mut rest) = (BytesMut::new(), Vec::new(), bytes);
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let length = cuts.next().map_or(rest.len(), |cut| *cut).min(rest.len());
        let (head, tail) = rest.split_at(length);
        input.extend_from_slice(head);
        rest = tail;
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

fn compare(role: Role, bytes: &[u8], cuts: &[usize]) {
    let (events, error) = ours(role, bytes, cuts);
    assert_eq!((&events, &error), (&ours(role, bytes, &[]).0, &ours(role, bytes, &[]).1));
    let (expected, refused) = theirs(role, bytes);
    match error.map(|error| error.violation()) {
        Some(Violation::LongLength | Violation::LongControl | Violation::CloseCode) => {
            assert_eq!(events, expected[..events.len()]);
        }
        _ if matches!(&events[..], [.., Event::Close(Some(close))] if close.code == 1014) => {
            assert_eq!(events[..events.len() - 1], expected[..expected.len() - 1]);
        }
        verdict => assert_eq!((events, verdict.is_some()), (expected, refused), "{verdict:?}"),
    }
}

/// A frame as a test writes it: any op code, any payload, header bits as they come.
#[derive(Clone, Debug)]
struct Frame {
    first: u8,
    mask: Option<[u8; 4]>,
    payload: Vec<u8>,
}

impl Frame {
    fn write(&self, out: &mut Vec<u8>) {
        let mask = if self.mask.is_some() { 0x80 } else { 0 };
        out.push(self.first);
        match self.payload.len() {
            short @ 0..126 => out.push(mask | short as u8),
            long => {
                out.push(mask | 126);
                out.extend_from_slice(&(long as u16).to_be_bytes());
            }
        }
        let key = self.mask.unwrap_or_default();
        out.extend_from_slice(&key[..if self.mask.is_some() { 4 } else { 0 }]);
        out.extend(self.payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => ".{0,40}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..20),
        1 => (120..140_usize).prop_map(|length| vec![b'x'; length]),
        1 => (1900..2010_usize).prop_map(|length| vec![b'y'; length]),
        1 => (990..1020_u16, "[a-z]{0,9}").prop_map(|(code, reason)| {
            [&code.to_be_bytes()[..], reason.as_bytes()].concat()
        }),
    ]
}

fn frame(role: Role) -> impl Strategy<Value = Frame> {
    let first = prop_oneof![
        4 => Just(0x81), 2 => Just(0x82), 2 => Just(0x01), 1 => Just(0x02), 3 => Just(0x00), 3 => Just(0x80),
        1 => Just(0x89), 1 => Just(0x8a), 1 => Just(0x88),
    ];
    (first, any::<[u8; 4]>(), payload()).prop_map(move |(first, key, payload)| Frame {
        first,
        mask: (role == Role::Server).then_some(key),
        payload,
    })
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn stream() -> impl Strategy<Value = (Role, Vec<u8>)> {
    role().prop_flat_map(|role| {
        let frames = vec(frame(role), 1..12);
        (
            Just(role),
            frames.prop_map(|frames| {
                let mut bytes = Vec::new();
                frames.iter().for_each(|frame| frame.write(&mut bytes));
                bytes
            }),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn random_frames_are_read_alike((role, bytes) in stream(), cuts in vec(1..60_usize, 1..8)) {
        compare(role, &bytes, &cuts);
    }

    #[test]
    fn random_damage_is_judged_alike(
        (role, mut bytes) in stream(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cuts in vec(1..60_usize, 1..8),
    ) {
        for (place, change) in damage {
            let index = place.index(bytes.len());
            bytes[index] ^= change;
        }
        bytes.resize(bytes.len() + 5000, 0);
        compare(role, &bytes, &cuts);
    }

    #[test]
    fn random_bytes_are_judged_alike(role in role(), mut bytes in vec(any::<u8>(), 1..200)) {
        bytes.resize(bytes.len() + 5000, 0);
        compare(role, &bytes, &[7]);
    }

    #[test]
    fn what_is_prepared_is_read_by_tungstenite(payloads in vec(payload(), 0..9), key in any::<[u8; 4]>()) {
        let payloads = || payloads.iter().map(|payload| Bytes::copy_from_slice(payload));
        let (mut plain, mut masked) = (Vec::new(), Vec::new());
        for payload in payloads() {
            let frame = Prepared::binary(payload);
            plain.extend_from_slice(&frame.to_bytes());
            masked.extend_from_slice(&frame.masked(key));
        }
        let expected = |max: usize| payloads().take_while(|p| p.len() <= max).map(Event::Binary).collect::<Vec<_>>();
        prop_assert_eq!(theirs(Role::Client, &plain).0, expected(LIMITS.max_frame_bytes));
        prop_assert_eq!(theirs(Role::Server, &masked).0, expected(LIMITS.max_frame_bytes));
    }
}

#[test]
fn the_meant_differences_are_as_stated() {
    let long = b"\x82\x7e\x00\x01a";
    assert_eq!(theirs(Role::Client, long).0, [Event::Binary("a".into())]);
    assert_eq!(ours(Role::Client, long, &[]).1.map(|e| e.violation()), Some(Violation::LongLength));

    let close =
        |code: u16, reason: &str| Event::Close(Some(CloseFrame { code, reason: reason.into() }));
    let replaced = close(1002, "Protocol violation");
    assert_eq!(theirs(Role::Client, b"\x88\x02\x03\xed").0, std::slice::from_ref(&replaced));
    assert_eq!(
        ours(Role::Client, b"\x88\x02\x03\xed", &[]).1.map(|e| e.violation()),
        Some(Violation::CloseCode)
    );

    assert_eq!(theirs(Role::Client, b"\x88\x02\x03\xf6").0, [replaced]);
    assert_eq!(ours(Role::Client, b"\x88\x02\x03\xf6", &[]).0, [close(1014, "")]);
}
