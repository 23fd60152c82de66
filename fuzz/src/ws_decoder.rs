//! The frame decoder over any bytes: the same events and the same verdict however they are cut, and everything within
//! its limits.

use bytes::BytesMut;
use tidegate_deflate::{Agreement, Direction, InflaterPool, Settings, TakeoverSlots, WindowBits};
use tidegate_ws::{Decoder, Deflate, Event, Limits, ProtocolError, Role, Violation};

const LIMITS: Limits = Limits { max_frame_bytes: 2000, max_message_bytes: 4000, max_fragments: 20 };

/// The first byte chooses role, compression and mode, the second where the rest is cut.
pub fn run(data: &[u8]) {
    let [mode, cut, bytes @ ..] = data else { return };
    let whole = decode(*mode, bytes, bytes.len());
    let parts = decode(*mode, bytes, usize::from(*cut).max(1));
    assert!(alike(whole.1, parts.1), "cut every {cut} bytes: {:?}, {:?}", whole.1, parts.1);
    if mode & 8 == 0 {
        assert_eq!(whole.0, parts.0, "cut every {cut} bytes");
    } else {
        assert_eq!(joined(&whole.0), joined(&parts.0));
    }
    for event in &whole.0 {
        assert!(payload(event).len() <= LIMITS.max_message_bytes);
    }
    if let Some(error) = whole.1 {
        assert!(error.offset() <= bytes.len() as u64 + u64::from(u16::MAX), "{error}");
        assert!(matches!(error.close_code(), 1002 | 1007 | 1009), "{error}");
        assert!(error.to_string().len() <= 123, "{error}");
    }
}

/// A compressed text that is no UTF-8 and also ends too early may be named either.
fn alike(one: Option<ProtocolError>, other: Option<ProtocolError>) -> bool {
    let either = |error: ProtocolError| {
        matches!(error.violation(), Violation::NotUtf8 | Violation::TruncatedDeflate)
    };
    match (one, other) {
        (Some(one), Some(other)) if one.violation() != other.violation() => {
            either(one) && either(other)
        }
        (one, other) => one == other,
    }
}

fn decode(mode: u8, bytes: &[u8], cut: usize) -> (Vec<Event>, Option<ProtocolError>) {
    let mut decoder = decoder(mode);
    let (mut input, mut events) = (BytesMut::new(), Vec::new());
    for part in bytes.chunks(cut.max(1)) {
        input.extend_from_slice(part);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut input), Err(error), "a verdict is repeated");
                    return (events, Some(error));
                }
            }
        }
        assert!(!decoder.is_blocked(), "there is an inflater");
    }
    (events, None)
}

fn decoder(mode: u8) -> Decoder {
    let role = if mode & 1 == 0 { Role::Server } else { Role::Client };
    let mut decoder = Decoder::new(role, LIMITS);
    if mode & 2 != 0 {
        let takeover = mode & 4 != 0;
        let direction = Direction { takeover, window_bits: WindowBits::MAX };
        let agreement = Agreement { from_server: direction, from_client: direction };
        let shared = Deflate::new(Settings::new(), InflaterPool::new(1), TakeoverSlots::new(2));
        let (inflating, _) = shared.agree(agreement, role).halves();
        decoder = decoder.inflating(inflating);
    }
    if mode & 8 != 0 { decoder.by_fragment() } else { decoder }
}

fn payload(event: &Event) -> &[u8] {
    match event {
        Event::Text(text) => text.as_bytes(),
        Event::Binary(bytes) | Event::Ping(bytes) | Event::Pong(bytes) => bytes,
        Event::Fragment(fragment) => &fragment.payload,
        Event::Close(_) => &[],
    }
}

/// What the messages hold, whichever fragments they came in.
fn joined(events: &[Event]) -> Vec<u8> {
    let data = |event: &&Event| !matches!(event, Event::Ping(_) | Event::Pong(_));
    events.iter().filter(data).flat_map(payload).copied().collect()
}
