//! The examples of RFC 7692 section 7.2.3, byte for byte, and messages cut at every byte.

use tidegate_deflate::{
    Direction, Error, Inbound, InboundLimits, Inflater, InflaterPool, Progress, Settings,
    TakeoverCompressor, TakeoverSlots, Verdict,
};

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];
const HELLO_STORED: [u8; 11] = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
const HELLO_FINAL: [u8; 8] = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
const HELLO_TWO_BLOCKS: [u8; 13] =
    [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];

fn with_takeover() -> Direction {
    Direction { takeover: true, ..Direction::stateless() }
}

fn inflate(payload: &[u8]) -> Result<Vec<u8>, Error> {
    let (mut inflater, mut out) = (Inflater::new(), Vec::new());
    inflater.begin(1 << 20);
    inflater.push(payload, &mut out)?;
    inflater.finish().map(|()| out)
}

fn inbound(agreed: Direction) -> Inbound {
    let slot = TakeoverSlots::new(1).take().expect("as the test is written");
    Inbound::new(agreed, InboundLimits::new()).with_slot(slot)
}

fn receive(inbound: &mut Inbound, pool: &InflaterPool, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert_eq!(inbound.push(pool, payload, true, &mut out), Ok(Progress::Inflated));
    out
}

#[test]
fn the_compressor_makes_the_bytes_of_the_examples() {
    let slot = TakeoverSlots::new(1).take().expect("as the test is written");
    let settings = Settings::new().threshold(0);
    let mut compressor = TakeoverCompressor::new(settings, with_takeover(), slot);
    let mut send = |message: &[u8]| {
        let mut out = Vec::new();
        assert_eq!(compressor.compress(message, &mut out), Verdict::Compressed);
        out
    };
    assert_eq!(send(b"Hello"), HELLO);
    assert_eq!(send(b"Hello"), HELLO_AGAIN);
}

#[test]
fn an_empty_message_is_one_zero_byte() {
    assert_eq!(inflate(&[0x00]), Ok(vec![]));
    assert_eq!(inflate(&[]), Ok(vec![]), "some senders leave out that byte too");
}

#[test]
fn each_example_inflates_to_hello() {
    for payload in [&HELLO[..], &HELLO_STORED, &HELLO_FINAL, &HELLO_TWO_BLOCKS] {
        assert_eq!(inflate(payload).as_deref(), Ok(&b"Hello"[..]), "{payload:x?}");
    }
}

#[test]
fn a_second_hello_refers_to_the_first_under_takeover_only() {
    let pool = InflaterPool::new(1);
    let mut takeover = inbound(with_takeover());
    assert_eq!(receive(&mut takeover, &pool, &HELLO), b"Hello");
    assert_eq!(receive(&mut takeover, &pool, &HELLO_AGAIN), b"Hello");

    let mut alone = inbound(Direction::stateless());
    assert_eq!(receive(&mut alone, &pool, &HELLO), b"Hello");
    let error = alone.push(&pool, &HELLO_AGAIN, true, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }));
    assert_eq!(error.close_code(), 1007);
}

#[test]
fn the_window_outlives_a_block_with_bfinal() {
    let pool = InflaterPool::new(1);
    let mut takeover = inbound(with_takeover());
    assert_eq!(receive(&mut takeover, &pool, &HELLO_FINAL), b"Hello");
    assert_eq!(receive(&mut takeover, &pool, &HELLO_AGAIN), b"Hello");

    // In one message: the final block, then one that refers to it.
    let one = [&HELLO_FINAL[..7], &HELLO_AGAIN].concat();
    assert_eq!(inflate(&one).as_deref(), Ok(&b"HelloHello"[..]));
    assert_eq!(receive(&mut takeover, &pool, &one), b"HelloHello");
}

#[test]
fn a_message_may_end_with_its_final_block() {
    assert_eq!(inflate(&HELLO_FINAL[..7]).as_deref(), Ok(&b"Hello"[..]));
}

#[test]
fn fragments_cut_at_every_byte_inflate_as_they_come() {
    let pool = InflaterPool::new(1);
    for payload in [&HELLO[..], &HELLO_STORED, &HELLO_FINAL, &HELLO_TWO_BLOCKS] {
        for cut in 0..=payload.len() {
            for agreed in [Direction::stateless(), with_takeover()] {
                let (mut inbound, mut out) = (inbound(agreed), Vec::new());
                let (head, tail) = payload.split_at(cut);
                assert_eq!(inbound.push(&pool, head, false, &mut out), Ok(Progress::Inflated));
                let borrowed = usize::from(!agreed.takeover);
                assert_eq!(pool.free(), 1 - borrowed, "borrowed until the last fragment");
                assert_eq!(inbound.push(&pool, tail, true, &mut out), Ok(Progress::Inflated));
                assert_eq!((out.as_slice(), pool.free()), (&b"Hello"[..], 1), "cut at {cut}");
            }
        }
    }
}

#[test]
fn a_message_that_ends_at_any_earlier_byte_is_truncated() {
    // One byte of the stored example is a whole empty message.
    for (payload, first) in [(&HELLO[..], 1), (&HELLO_STORED, 2)] {
        for length in first..payload.len() {
            let error = inflate(&payload[..length]).unwrap_err();
            assert_eq!(error, Error::Truncated { offset: length as u64 });
            assert_eq!((error.close_code(), error.offset()), (1007, Some(length as u64)));
        }
    }
}
