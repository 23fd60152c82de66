//! What connections share: compressors, payloads, inflaters, slots.

use bytes::Bytes;
use tidegate_deflate::{
    Broadcast, Compressor, Direction, Inbound, InboundLimits, InflaterPool, Progress, Settings,
    TakeoverCompressor, TakeoverSlots, Verdict, WindowBits,
};

fn window(bits: u8) -> Direction {
    Direction {
        window_bits: WindowBits::new(bits).expect("as the test is written"),
        takeover: false,
    }
}

fn chat(text: &str) -> Vec<u8> {
    format!(r#"{{"type":"message","room":"harbour","text":"{text}"}}"#).repeat(4).into_bytes()
}

fn read(pool: &InflaterPool, agreed: Direction, payload: &[u8]) -> Vec<u8> {
    let (mut inbound, mut out) = (Inbound::new(agreed, InboundLimits::new()), Vec::new());
    assert_eq!(inbound.push(pool, payload, true, &mut out), Ok(Progress::Inflated));
    out
}

#[test]
fn one_compressor_serves_connections_that_agreed_on_different_windows() {
    let (mut compressor, pool) = (Compressor::new(Settings::new()), InflaterPool::new(1));
    for round in 0..3 {
        for bits in [15, 9, 12] {
            let (message, mut payload) = (chat(&format!("round {round}, {bits}")), Vec::new());
            let verdict = compressor.compress(&message, window(bits), &mut payload);
            assert_eq!(verdict, Verdict::Compressed);
            assert_eq!(read(&pool, window(bits), &payload), message);
        }
    }
}

#[test]
fn what_is_small_or_does_not_shrink_stays_raw() {
    let mut compressor = Compressor::new(Settings::new());
    let noise: Vec<u8> =
        (0..200_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let mut out = b"kept".to_vec();
    for message in [&[b'a'; 128][..], &noise, &[]] {
        assert_eq!(compressor.compress(message, window(15), &mut out), Verdict::Raw);
        assert_eq!(out, b"kept");
    }
    assert_eq!(compressor.compress(&[b'a'; 129], window(15), &mut out), Verdict::Compressed);
    assert!(out.starts_with(b"kept"));
    assert_eq!(compressor.compress(&[b'a'; 129], window(8), &mut Vec::new()), Verdict::Raw);
}

#[test]
fn a_broadcast_compresses_once_for_each_window() {
    let message = Bytes::from(chat("all hands"));
    let (mut compressor, pool) = (Compressor::new(Settings::new()), InflaterPool::new(1));
    let mut broadcast = Broadcast::new(message.clone());
    let mut addresses = Vec::new();
    for bits in [15, 15, 10, 15, 10] {
        let payload = broadcast.payload(&mut compressor, Some(window(bits)));
        assert!(payload.compressed);
        assert_eq!(read(&pool, window(bits), &payload.bytes), message);
        addresses.push(payload.bytes.as_ptr());
    }
    assert_eq!((addresses[0], addresses[2]), (addresses[3], addresses[4]));
    assert_ne!(addresses[0], addresses[2]);
    for raw in [None, Some(window(8))] {
        let payload = broadcast.payload(&mut compressor, raw);
        assert!(!payload.compressed && payload.bytes == message);
    }
}

#[test]
fn a_broadcast_may_pass_a_receiver_with_context_that_is_reset() {
    let agreed = Direction { takeover: true, ..window(15) };
    let (slots, pool) = (TakeoverSlots::new(2), InflaterPool::new(1));
    let mut own = TakeoverCompressor::new(
        Settings::new(),
        agreed,
        slots.take().expect("as the test is written"),
    );
    let mut receiver = Inbound::new(agreed, InboundLimits::new())
        .with_slot(slots.take().expect("as the test is written"));
    let mut compressor = Compressor::new(Settings::new());
    for round in 0..4 {
        let message = chat(&format!("round {round}"));
        let payload = if round % 2 == 0 {
            let mut payload = Vec::new();
            assert_eq!(own.compress(&message, &mut payload), Verdict::Compressed);
            payload
        } else {
            own.reset();
            let mut broadcast = Broadcast::new(Bytes::from(message.clone()));
            broadcast.payload(&mut compressor, Some(agreed)).bytes.to_vec()
        };
        let mut out = Vec::new();
        assert_eq!(receiver.push(&pool, &payload, true, &mut out), Ok(Progress::Inflated));
        assert_eq!(out, message);
    }
}

#[test]
fn under_takeover_what_does_not_shrink_is_sent_all_the_same() {
    let agreed = Direction { takeover: true, ..window(15) };
    let mut own = TakeoverCompressor::new(
        Settings::new(),
        agreed,
        TakeoverSlots::new(1).take().expect("as the test is written"),
    );
    let noise: Vec<u8> = (0..5000_u32)
        .map(|n| {
            n.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ n.wrapping_mul(n).to_be_bytes()[2]
        })
        .collect();
    let mut first = Vec::new();
    assert_eq!(own.compress(&noise, &mut first), Verdict::Compressed);
    let mut second = Vec::new();
    assert_eq!(own.compress(&noise, &mut second), Verdict::Compressed);
    assert!(second.len() < 200, "the context has it: {} bytes", second.len());
}

#[test]
fn an_empty_pool_makes_bytes_wait_up_to_their_limit() {
    let (pool, message) = (InflaterPool::new(1), chat("patience"));
    let mut payload = Vec::new();
    let verdict = Compressor::new(Settings::new()).compress(&message, window(15), &mut payload);
    assert_eq!(verdict, Verdict::Compressed);
    let limits = InboundLimits { max_waiting_bytes: payload.len() - 1, ..InboundLimits::new() };
    let (mut inbound, mut out) = (Inbound::new(window(15), limits), Vec::new());
    let (head, tail) = payload.split_at(10);

    let lent = pool.lend().expect("as the test is written");
    assert_eq!(inbound.push(&pool, head, false, &mut out), Ok(Progress::Waiting));
    assert_eq!(inbound.push(&pool, tail, true, &mut out), Ok(Progress::Full));
    assert_eq!(inbound.resume(&pool, &mut out), Ok(Progress::Waiting));
    assert!(inbound.is_waiting() && inbound.held_bytes() >= 10);
    drop(lent);
    assert_eq!(inbound.resume(&pool, &mut out), Ok(Progress::Inflated));
    assert_eq!(pool.free(), 0, "lent until the last fragment");
    assert_eq!(inbound.push(&pool, tail, true, &mut out), Ok(Progress::Inflated));
    assert_eq!((out, pool.free(), inbound.held_bytes()), (message, 1, 0));
}

#[test]
fn a_whole_message_may_wait_and_the_next_waits_outside() {
    let (pool, mut out) = (InflaterPool::new(1), Vec::new());
    let mut inbound = Inbound::new(window(15), InboundLimits::new());
    let lent = pool.lend().expect("as the test is written");
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(inbound.push(&pool, &hello, true, &mut out), Ok(Progress::Waiting));
    drop(lent);
    assert_eq!(inbound.resume(&pool, &mut out), Ok(Progress::Inflated));
    assert_eq!((out.as_slice(), pool.free()), (&b"Hello"[..], 1));

    let lent = pool.lend().expect("as the test is written");
    assert_eq!(inbound.push(&pool, &hello, true, &mut out), Ok(Progress::Waiting));
    assert_eq!(inbound.push(&pool, &hello, true, &mut out), Ok(Progress::Full));
    drop(lent);
    assert_eq!(
        inbound.push(&pool, &hello, true, &mut out),
        Ok(Progress::Full),
        "the first is first"
    );
    assert_eq!(inbound.resume(&pool, &mut out), Ok(Progress::Inflated));
    assert_eq!(inbound.push(&pool, &hello, true, &mut out), Ok(Progress::Inflated));
    assert_eq!(out, b"HelloHelloHello");
}

#[test]
fn a_connection_that_ends_inside_a_message_gives_its_inflater_back() {
    let pool = InflaterPool::new(2);
    let mut inbound = Inbound::new(window(15), InboundLimits::new());
    assert_eq!(inbound.push(&pool, &[0xf2], false, &mut Vec::new()), Ok(Progress::Inflated));
    assert_eq!(pool.free(), 1);
    drop(inbound);
    assert_eq!(pool.free(), 2);
}

#[test]
fn slots_come_back_with_what_held_them() {
    let slots = TakeoverSlots::new(2);
    let agreed = Direction { takeover: true, ..window(9) };
    let own = TakeoverCompressor::new(
        Settings::new(),
        agreed,
        slots.take().expect("as the test is written"),
    );
    let inbound = Inbound::new(agreed, InboundLimits::new())
        .with_slot(slots.take().expect("as the test is written"));
    assert!(slots.take().is_none());
    drop(inbound);
    drop(own.into_slot());
    assert_eq!(slots.free(), 2);
    let _stateless = Inbound::new(window(9), InboundLimits::new())
        .with_slot(slots.take().expect("as the test is written"));
    assert_eq!(slots.free(), 2, "a direction without takeover needs none");
}

#[test]
fn payloads_of_any_length_end_where_they_should() {
    // Around the size of the compressor's scratch, where a flush may end with it.
    let agreed = Direction { takeover: true, ..window(15) };
    let noise: Vec<u8> = (0..4200_u32)
        .map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0])
        .collect();
    let (slots, pool) = (TakeoverSlots::new(1), InflaterPool::new(1));
    let settings = Settings::new().threshold(0);
    let slot = slots.take().expect("as the test is written");
    let mut own = TakeoverCompressor::new(settings, agreed, slot);
    for length in 4000..4200 {
        own.reset();
        let mut payload = Vec::new();
        assert_eq!(own.compress(&noise[..length], &mut payload), Verdict::Compressed);
        assert!(read(&pool, agreed, &payload) == noise[..length], "{length} bytes");
        // A stored block's header, the flush's, and where the scratch ends within that a second flush.
        assert!(payload.len() <= length + 6 + 5, "{length} bytes in {}", payload.len());
    }
}
