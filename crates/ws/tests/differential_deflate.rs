//! The decoder with permessage-deflate beside flate2 and tungstenite: random messages, compressed or not, in random
//! fragments with control frames between them, random cuts, random damage.
//!
//! flate2 inflates each message as a whole, and tungstenite is given what came out as one plain frame. Both must give the
//! same events and then the same verdict. The differences that are meant:
//! - a final block that is followed by more: read on here (RFC 7692, 7.2.3.5), the end of the stream there; the
//!   messages below have none, and damage that makes one is left out;
//! - of a message that is broken in several ways either may be named.

use bytes::BytesMut;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_deflate::{Agreement, Direction};
use tidegate_ws::{Decoder, Deflate, Event, Limits, Prepared, ProtocolError, Role};
use tungstenite::protocol::{self, WebSocket, WebSocketConfig};

const MAX_BYTES: usize = 3000;
const LIMITS: Limits =
    Limits { max_frame_bytes: MAX_BYTES, max_message_bytes: MAX_BYTES, max_fragments: 1 << 20 };
const KEY: [u8; 4] = [9, 130, 77, 4];

#[derive(Clone, Debug)]
struct Message {
    text: bool,
    compressed: bool,
    level: u32,
    plain: Vec<u8>,
    /// Where its payload is cut into fragments, and whether a ping comes before each.
    cuts: Vec<(prop::sample::Index, bool)>,
    /// A byte of the payload that is changed, and how.
    damage: Option<(prop::sample::Index, u8)>,
}

impl Message {
    fn payload(&self) -> Vec<u8> {
        let mut payload = if self.compressed { self.deflated() } else { self.plain.clone() };
        if let Some((place, change)) = self.damage
            && !payload.is_empty()
        {
            let index = place.index(payload.len());
            payload[index] ^= change;
        }
        payload
    }

    /// As section 7.2.1 says: flushed, without the four bytes at its end.
    fn deflated(&self) -> Vec<u8> {
        let mut compress = Compress::new(Compression::new(self.level), false);
        let mut out = Vec::with_capacity(self.plain.len() * 2 + 100);
        compress.compress_vec(&self.plain, &mut out, FlushCompress::Sync).expect("there is room");
        assert!(out.ends_with(&[0, 0, 0xff, 0xff]), "a flush ends so");
        out.truncate(out.len() - 4);
        out
    }

    /// The frames, and the pings between them.
    fn write(&self, role: Role, out: &mut Vec<u8>, events: &mut Vec<Event>) {
        let payload = self.payload();
        let mut cuts: Vec<(usize, bool)> =
            self.cuts.iter().map(|(at, ping)| (at.index(payload.len() + 1), *ping)).collect();
        cuts.sort_unstable();
        let mut first = if self.text { 1 } else { 2 } | if self.compressed { 0x40 } else { 0 };
        let mut begin = 0;
        for (end, ping) in cuts {
            frame(role, first, &payload[begin..end], out);
            (first, begin) = (0, end);
            if ping {
                frame(role, 0x89, b"ping", out);
                events.push(Event::Ping("ping".into()));
            }
        }
        frame(role, first | 0x80, &payload[begin..], out);
    }

    /// What flate2 makes of it: `None` if it is broken or too large, or a final block makes it another matter.
    fn inflated(&self) -> Result<Vec<u8>, Broken> {
        let payload = self.payload();
        if !self.compressed {
            return if payload.len() <= MAX_BYTES { Ok(payload) } else { Err(Broken::Broken) };
        }
        let mut out = Vec::with_capacity(MAX_BYTES + 1);
        let mut decompress = Decompress::new(false);
        for part in [&payload[..], &[0, 0, 0xff, 0xff]] {
            match decompress.decompress_vec(part, &mut out, FlushDecompress::Sync) {
                Ok(Status::Ok | Status::BufError) if out.len() <= MAX_BYTES => {}
                Ok(Status::StreamEnd) => return Err(Broken::Final),
                Ok(_) | Err(_) => return Err(Broken::Broken),
            }
        }
        // Whole means: at a block's boundary. Then one more empty stored block, the last one, ends the stream.
        let mut rest = Vec::with_capacity(16);
        match decompress.decompress_vec(&[1, 0, 0, 0xff, 0xff], &mut rest, FlushDecompress::Finish)
        {
            Ok(Status::StreamEnd) if rest.is_empty() => Ok(out),
            _ => Err(Broken::Broken),
        }
    }
}

enum Broken {
    Broken,
    /// A final block: what follows is read differently.
    Final,
}

fn frame(role: Role, first: u8, payload: &[u8], out: &mut Vec<u8>) {
    let mask = if role == Role::Server { 0x80 } else { 0 };
    out.push(first);
    match payload.len() {
        short @ 0..126 => out.push(mask | short as u8),
        long => {
            out.push(mask | 126);
            out.extend_from_slice(&(long as u16).to_be_bytes());
        }
    }
    if mask == 0 {
        out.extend_from_slice(payload);
    } else {
        out.extend_from_slice(&KEY);
        out.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}

fn ours(role: Role, bytes: &[u8], cut: usize) -> (Vec<Event>, Option<ProtocolError>) {
    let direction = Direction::stateless();
    let agreement = Agreement { from_server: direction, from_client: direction };
    let (inflating, _) = Deflate::default().agree(agreement, role).halves();
    let mut decoder = Decoder::new(role, LIMITS).inflating(inflating);
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

/// What tungstenite says of a message that came plain: nothing if it refuses it.
fn theirs(text: bool, plain: &[u8]) -> Option<Event> {
    let mut bytes = Vec::new();
    frame(Role::Client, if text { 0x81 } else { 0x82 }, plain, &mut bytes);
    let config = WebSocketConfig::default().max_message_size(Some(MAX_BYTES));
    let input = std::io::Cursor::new(bytes);
    let mut socket = WebSocket::from_raw_socket(input, protocol::Role::Client, Some(config));
    match socket.read() {
        Ok(tungstenite::Message::Text(text)) => Some(Event::Text(text.as_str().into())),
        Ok(tungstenite::Message::Binary(bytes)) => Some(Event::Binary(bytes)),
        _ => None,
    }
}

fn compare(role: Role, messages: &[Message], cut: usize) {
    let (mut bytes, mut expected, mut refused) = (Vec::new(), Vec::new(), false);
    for message in messages {
        message.write(role, &mut bytes, &mut expected);
        match message.inflated() {
            Ok(plain) => match theirs(message.text, &plain) {
                Some(event) => expected.push(event),
                None => refused = true,
            },
            Err(Broken::Broken) => refused = true,
            Err(Broken::Final) => return,
        }
        if refused {
            break;
        }
    }
    let (events, error) = ours(role, &bytes, cut);
    assert_eq!(error.is_some(), refused, "{error:?}");
    if !refused {
        assert_eq!(events, expected);
        return;
    }
    // Pings behind the byte at fault are not given any more.
    assert_eq!(events, expected[..events.len()]);
    let whole = expected.iter().filter(|event| !matches!(event, Event::Ping(_))).count();
    let given = events.iter().filter(|event| !matches!(event, Event::Ping(_))).count();
    assert_eq!(given, whole, "messages before the broken one are given");
}

fn plain() -> impl Strategy<Value = (bool, Vec<u8>)> {
    prop_oneof![
        3 => ".{0,60}".prop_map(|text| (true, text.into_bytes())),
        2 => ("[a-z ]{1,30}", 1..90_usize).prop_map(|(text, n)| (true, text.repeat(n).into_bytes())),
        2 => vec(any::<u8>(), 0..300).prop_map(|bytes| (false, bytes)),
        1 => (2900..3100_usize).prop_map(|length| (false, vec![b'y'; length])),
        1 => vec(any::<u8>(), 0..40).prop_map(|bytes| (true, bytes)),
    ]
}

fn message(damaged: bool) -> impl Strategy<Value = Message> {
    let cuts = vec((any::<prop::sample::Index>(), any::<bool>()), 0..5);
    let damage = (any::<prop::sample::Index>(), 1..=255_u8);
    let damage = if damaged { prop::option::of(damage).boxed() } else { Just(None).boxed() };
    (plain(), prop::bool::weighted(0.7), 0..10_u32, cuts, damage).prop_map(
        |((text, plain), compressed, level, cuts, damage)| Message {
            text,
            compressed,
            level,
            plain,
            cuts,
            damage,
        },
    )
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn compressed_messages_are_read_alike(
        role in role(),
        messages in vec(message(false), 1..6),
        cut in 1..200_usize,
    ) {
        compare(role, &messages, cut);
    }

    #[test]
    fn damaged_messages_are_judged_alike(
        role in role(),
        messages in vec(message(true), 1..4),
        cut in 1..200_usize,
    ) {
        compare(role, &messages, cut);
    }

    #[test]
    fn what_is_compressed_is_read_by_flate2(text in "[a-z ]{129,200}", times in 1..20_usize) {
        let text = text.repeat(times);
        let frame = Prepared::text(text.clone()).deflated(Deflate::default().settings(), Direction::stateless());
        prop_assume!(frame.is_compressed());
        let payload = [&frame.payload()[..], &[0, 0, 0xff, 0xff]].concat();
        let mut out = Vec::with_capacity(text.len() + 1);
        Decompress::new(false).decompress_vec(&payload, &mut out, FlushDecompress::Sync).expect("it is whole");
        prop_assert_eq!(out, text.into_bytes());
    }
}
