//! Inflating: bombs cost their limit, damage is an error, and any cut gives the same message.

use proptest::prelude::*;
use tidegate_deflate::{
    Compressor, Direction, Error, Inbound, InboundLimits, Inflater, InflaterPool, MAX_FINAL_BLOCKS,
    Progress, Settings, TakeoverCompressor, TakeoverSlots, Verdict, WindowBits,
};

const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// An empty block with BFINAL, Huffman codes fixed.
const EMPTY_FINAL: [u8; 2] = [0x03, 0x00];

fn compressed(message: &[u8]) -> Vec<u8> {
    let (mut compressor, mut out) = (Compressor::new(Settings::new()), Vec::new());
    assert_eq!(compressor.compress(message, Direction::stateless(), &mut out), Verdict::Compressed);
    out
}

/// `megabytes` MiB of zeros in about as many KiB.
fn bomb(megabytes: usize) -> Vec<u8> {
    let mut block = compressed(&vec![0; 1 << 20]);
    block.extend(TAIL);
    block.repeat(megabytes)
}

fn inflate(payload: &[u8], max_bytes: usize) -> Result<Vec<u8>, Error> {
    let (mut inflater, mut out) = (Inflater::new(), Vec::new());
    inflater.begin(max_bytes);
    inflater.push(payload, &mut out)?;
    inflater.finish().map(|()| out)
}

#[test]
fn a_bomb_costs_the_limit_and_not_its_size() {
    let bomb = bomb(1024);
    assert!(bomb.len() < 2 << 20, "1 GiB in {} bytes", bomb.len());
    let (limit, mut inflater) = (1 << 20, Inflater::new());
    let mut out = Vec::new();
    let info = allocation_counter::measure(|| {
        inflater.begin(limit);
        let error = inflater.push(&bomb, &mut out).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 1_048_576, .. }));
        assert_eq!(error.close_code(), 1009);
        assert!(
            error.offset().expect("as the test is written") < 4096,
            "stops within the limit: {error}"
        );
    });
    assert!(out.len() <= limit);
    // A vector that doubles, its copy while it grows, and the history.
    assert!(info.bytes_max <= 4 * limit as u64, "{} bytes", info.bytes_max);
}

#[test]
fn the_limit_itself_is_allowed_and_one_byte_more_is_not() {
    let message = b"0123456789".repeat(1000);
    let payload = compressed(&message);
    assert_eq!(inflate(&payload, 10_000), Ok(message));
    assert!(matches!(inflate(&payload, 9_999), Err(Error::TooLarge { limit: 9_999, .. })));
    assert!(matches!(inflate(&payload, 0), Err(Error::TooLarge { limit: 0, .. })));
    assert_eq!(inflate(&[0], 0), Ok(vec![]));
}

#[test]
fn a_message_beyond_its_limit_is_that_however_it_is_cut_and_whatever_follows() {
    // Found by fuzzing: damage comes after the limit, in the same call or in a later one.
    let payload = [0xf3, 0x11, 0x01, 0xff, 0xff, 0x80, 0x01, 0xff, 0xff];
    for size in [1, 3, payload.len()] {
        let (mut inflater, mut out) = (Inflater::new(), Vec::new());
        inflater.begin(1);
        let pushed = payload.chunks(size).try_for_each(|part| inflater.push(part, &mut out));
        assert!(matches!(pushed, Err(Error::TooLarge { limit: 1, .. })), "{size}: {pushed:?}");
    }
}

#[test]
fn what_came_before_a_fault_is_given_however_it_is_cut() {
    let stored = b"\x00\x02\x00\xfd\xffab";
    let reserved_kind = [&stored[..], b"\x06"].concat();
    let long = [&stored[..], &compressed(&[b'c'; 200])].concat();
    let finals = [&stored[..], &EMPTY_FINAL.repeat(MAX_FINAL_BLOCKS as usize + 2)].concat();
    let limits = InboundLimits { max_message_bytes: 20, ..InboundLimits::new() };
    let pool = InflaterPool::new(1);
    for (payload, before) in
        [(&reserved_kind, &b"ab"[..]), (&finals, b"ab"), (&long, b"abcccccccccccccccccc")]
    {
        for cut in 1..=payload.len() + 1 {
            let mut inbound = Inbound::new(Direction::stateless(), limits);
            let (mut out, mut read) = (Vec::new(), 0);
            let failed = payload.chunks(cut).any(|piece| {
                read += piece.len();
                let last = cut > 1 && read == payload.len();
                inbound.push(&pool, piece, last, &mut out).is_err()
            });
            assert!(failed && out == before, "{payload:x?} in pieces of {cut}: {out:x?}");
        }
    }
}

#[test]
fn another_limit_holds_from_the_next_message_on() {
    let agreed = Direction { takeover: true, ..Direction::stateless() };
    let (pool, slots) = (InflaterPool::new(1), TakeoverSlots::new(1));
    let of = |max_message_bytes| InboundLimits { max_message_bytes, ..InboundLimits::new() };
    let (small, big) = (compressed(&[7; 300]), compressed(&[7; 900]));
    let whole = |inbound: &mut Inbound, payload: &[u8]| {
        let mut out = Vec::new();
        inbound.push(&pool, payload, true, &mut out).map(|_| out.len())
    };
    for slot in [None, slots.take()] {
        let mut inbound = Inbound::new(agreed, of(300));
        if let Some(slot) = slot {
            inbound = inbound.with_slot(slot);
        }
        assert_eq!(whole(&mut inbound, &small), Ok(300));
        inbound.limit(of(900));
        assert_eq!(whole(&mut inbound, &big), Ok(900));
        let mut out = Vec::new();
        assert_eq!(inbound.push(&pool, &big[..1], false, &mut out), Ok(Progress::Inflated));
        inbound.limit(of(300));
        assert_eq!(whole(&mut inbound, &big[1..]), Ok(900), "it began under the old limit");
        assert!(matches!(whole(&mut inbound, &big), Err(Error::TooLarge { limit: 300, .. })));
    }
}

#[test]
fn an_inflater_serves_again_after_each_kind_of_failure() {
    let pool = InflaterPool::new(1);
    let limits = InboundLimits { max_message_bytes: 1000, max_waiting_bytes: 0 };
    let (good, big) = (compressed(&[7; 900]), compressed(&[7; 1001]));
    for bad in [&big[..], &[0xff; 9], &good[..good.len() - 2]] {
        let mut inbound = Inbound::new(Direction::stateless(), limits);
        inbound.push(&pool, bad, true, &mut Vec::new()).unwrap_err();
        assert_eq!(pool.free(), 1);
        assert_eq!(inbound.push(&pool, &good, true, &mut Vec::new()), Err(Error::AfterFailure));
        let (mut next, mut out) = (Inbound::new(Direction::stateless(), limits), Vec::new());
        assert_eq!(next.push(&pool, &good, true, &mut out), Ok(Progress::Inflated));
        assert_eq!(out, [7; 900]);
    }
}

#[test]
fn final_blocks_without_end_are_refused() {
    let allowed = EMPTY_FINAL.repeat(MAX_FINAL_BLOCKS as usize);
    assert_eq!(inflate(&allowed, 10), Ok(vec![]));
    let error = inflate(&EMPTY_FINAL.repeat(MAX_FINAL_BLOCKS as usize + 2), 10).unwrap_err();
    assert!(matches!(error, Error::ManyFinalBlocks { .. }));
    assert_eq!(error.close_code(), 1002);
}

#[test]
fn the_steps_of_tiny_inputs_lose_nothing() {
    let message: Vec<u8> = b"ebb and flow, ".repeat(5000);
    let payload = compressed(&message);
    for size in [1, 3, payload.len()] {
        let (mut inflater, mut out) = (Inflater::new(), Vec::new());
        inflater.begin(message.len());
        for piece in payload.chunks(size) {
            let mut rest = piece;
            loop {
                let step = inflater.step(rest).expect("as the test is written");
                out.extend_from_slice(step.inflated);
                rest = &rest[step.read..];
                if !step.more {
                    break;
                }
            }
            assert!(rest.is_empty(), "no more to come means that all was taken");
        }
        assert_eq!((inflater.finish(), inflater.produced()), (Ok(()), message.len()));
        assert_eq!(out, message);
    }
}

#[test]
fn an_inflater_wants_a_beginning_before_each_message() {
    let mut inflater = Inflater::new();
    assert_eq!(inflater.step(&[0]), Err(Error::AfterFailure));
    assert_eq!(inflater.finish(), Err(Error::AfterFailure));
    inflater.begin(10);
    assert_eq!(inflater.finish(), Ok(()));
    assert_eq!(inflater.push(&[0], &mut Vec::new()), Err(Error::AfterFailure));
}

#[test]
fn blocks_after_a_final_one_refer_to_all_of_the_window() {
    // A window's length of text, ended by a final block, then text that is found only there.
    let far: Vec<u8> =
        (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let agreed = Direction { takeover: true, ..Direction::stateless() };
    let slots = TakeoverSlots::new(2);
    let mut sender = TakeoverCompressor::new(Settings::new(), agreed, slots.take().unwrap());
    let (mut first, mut again) = (Vec::new(), Vec::new());
    assert_eq!(sender.compress(&far, &mut first), Verdict::Compressed);
    assert_eq!(sender.compress(&far[8000..], &mut again), Verdict::Compressed);
    assert!(again.len() < 1000, "it refers to the first: {} bytes", again.len());
    let whole = [&first[..], &TAIL, &EMPTY_FINAL, &again].concat();
    assert_eq!(inflate(&whole, 100_000), Ok([&far[..], &far[8000..]].concat()));

    // The same, the reference going back over a message's end too.
    let pool = InflaterPool::new(1);
    let mut inbound = Inbound::new(agreed, InboundLimits::new()).with_slot(slots.take().unwrap());
    let mut out = Vec::new();
    let first = [&first[..], &TAIL, &EMPTY_FINAL, &[0]].concat();
    assert_eq!(inbound.push(&pool, &first, true, &mut out), Ok(Progress::Inflated));
    let again = [&EMPTY_FINAL[..], &again].concat();
    assert_eq!(inbound.push(&pool, &again, true, &mut out), Ok(Progress::Inflated));
    assert_eq!(out, [&far[..], &far[8000..]].concat());
}

#[test]
fn a_steady_state_allocates_nothing() {
    let message =
        br#"{"type":"message","room":"harbour","text":"the tide turns at nine"}"#.repeat(4);
    let (mut compressor, mut inflater) = (Compressor::new(Settings::new()), Inflater::new());
    let (mut payload, mut out) = (Vec::new(), Vec::new());
    let mut round = || {
        payload.clear();
        out.clear();
        let verdict = compressor.compress(&message, Direction::stateless(), &mut payload);
        assert_eq!(verdict, Verdict::Compressed);
        inflater.begin(1 << 16);
        inflater.push(&payload, &mut out).expect("as the test is written");
        inflater.finish().expect("as the test is written");
    };
    round();
    let info = allocation_counter::measure(|| (0..10).for_each(|_| round()));
    assert_eq!(info.count_total, 0);
    assert_eq!(out, message);
}

#[test]
fn a_connection_in_its_steady_state_allocates_nothing() {
    let message = b"ebb and flow, and slack water between. ".repeat(20);
    for takeover in [false, true] {
        let agreed = Direction { takeover, ..Direction::stateless() };
        let slots = TakeoverSlots::new(2);
        let slot = || slots.take().expect("as the test is written");
        let mut sender = TakeoverCompressor::new(Settings::new(), agreed, slot());
        let pool = InflaterPool::new(1);
        let mut receiver = Inbound::new(agreed, InboundLimits::new()).with_slot(slot());
        let (mut payload, mut out) = (Vec::new(), Vec::new());
        let mut round = || {
            payload.clear();
            out.clear();
            assert_eq!(sender.compress(&message, &mut payload), Verdict::Compressed);
            let progress = receiver.push(&pool, &payload, true, &mut out);
            assert_eq!((progress, &out), (Ok(Progress::Inflated), &message));
        };
        // Until the window is full it grows.
        (0..100).for_each(|_| round());
        let info = allocation_counter::measure(|| (0..100).for_each(|_| round()));
        assert_eq!(info.count_total, 0, "takeover: {takeover}");
    }
}

#[test]
fn a_connection_holds_nothing_without_takeover_and_what_is_documented_with_it() {
    let (pool, payload) = (InflaterPool::new(1), compressed(&[1; 50_000]));
    let (few, bits) = (compressed(&[1; 300]), |bits| WindowBits::new(bits).unwrap());
    let cases = [
        (false, 15, &payload, 0),
        (true, 15, &payload, 80 << 10),
        (true, 15, &few, 52 << 10),
        (true, 9, &payload, 52 << 10),
    ];
    for (takeover, window, payload, held) in cases {
        let agreed = Direction { window_bits: bits(window), takeover };
        let slot = TakeoverSlots::new(1).take().expect("as the test is written");
        let mut out = Vec::with_capacity(100_000);
        pool.lend().expect("made before allocations are counted");
        let mut inbound = Inbound::new(agreed, InboundLimits::new()).with_slot(slot);
        assert_eq!(inbound.held_bytes(), 0, "before the first message");
        let info = allocation_counter::measure(|| {
            assert_eq!(inbound.push(&pool, payload, true, &mut out), Ok(Progress::Inflated));
        });
        assert_eq!(inbound.held_bytes(), held);
        let allocated = usize::try_from(info.bytes_current).unwrap();
        assert!(allocated <= held && held <= allocated + 1024, "{allocated} bytes");
        assert_eq!(inbound.push(&pool, payload, false, &mut out), Ok(Progress::Inflated));
        assert_eq!(inbound.held_bytes(), held, "also while a message is open");
        assert_eq!(pool.free(), usize::from(takeover), "lent only without takeover");
    }
}

#[test]
fn an_inflater_of_its_own_asks_no_pool_and_is_freed_by_an_error() {
    let agreed = Direction { takeover: true, ..Direction::stateless() };
    let (empty, slots) = (InflaterPool::new(0), TakeoverSlots::new(1));
    let slot = slots.take().expect("as the test is written");
    let mut inbound = Inbound::new(agreed, InboundLimits::new()).with_slot(slot);
    let mut out = Vec::new();
    let payload = compressed(&[7; 900]);
    for cut in [1, 5, payload.len()] {
        out.clear();
        for fragment in payload.chunks(cut) {
            assert_eq!(inbound.push(&empty, fragment, false, &mut out), Ok(Progress::Inflated));
        }
        assert_eq!(inbound.push(&empty, &[], true, &mut out), Ok(Progress::Inflated));
        assert_eq!((&out[..], inbound.is_waiting()), (&[7; 900][..], false));
    }
    let truncated = inbound.push(&empty, &payload[..payload.len() - 2], true, &mut out);
    assert!(matches!(truncated, Err(Error::Truncated { .. })), "{truncated:?}");
    assert_eq!(inbound.held_bytes(), 0);
    assert_eq!(inbound.push(&empty, &payload, true, &mut out), Err(Error::AfterFailure));
}

#[test]
fn without_a_slot_no_window_is_held_whatever_was_agreed() {
    let agreed = Direction { takeover: true, ..Direction::stateless() };
    let slots = TakeoverSlots::new(1);
    let mut sender = TakeoverCompressor::new(
        Settings::new(),
        agreed,
        slots.take().expect("as the test is written"),
    );
    let (pool, message) = (InflaterPool::new(1), b"no room at the quay. ".repeat(20));
    let mut inbound = Inbound::new(agreed, InboundLimits::new());
    let mut send = || {
        let mut payload = Vec::new();
        assert_eq!(sender.compress(&message, &mut payload), Verdict::Compressed);
        payload
    };
    let mut out = Vec::new();
    assert_eq!(inbound.push(&pool, &send(), true, &mut out), Ok(Progress::Inflated));
    assert_eq!((inbound.held_bytes(), &out), (0, &message));
    let error = inbound.push(&pool, &send(), true, &mut out).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "a reference to what is not held: {error}");
}

#[test]
fn an_inflater_takes_what_the_documentation_says() {
    let payload = compressed(&vec![0; 100_000]);
    let mut out = Vec::with_capacity(200_000);
    let mut kept = None;
    let info = allocation_counter::measure(|| {
        let inflater = kept.insert(Inflater::new());
        inflater.begin(1 << 20);
        inflater.push(&payload, &mut out).unwrap();
    });
    assert!((72 << 10..=80 << 10).contains(&info.bytes_current), "{} bytes", info.bytes_current);
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"the tide ".to_vec()),
        Just(vec![0; 300]),
        proptest::collection::vec(any::<u8>(), 0..50),
        "[a-z]{0,20}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_conversation_comes_back_whole_whatever_the_settings_and_the_cuts(
        messages in proptest::collection::vec(message(), 1..12),
        level in 1..=9_u8, memory in 1..=9_u8, bits in 9..=15_u8, takeover in any::<bool>(),
        threshold in prop_oneof![Just(0_usize), Just(128)], cut in 1..200_usize,
    ) {
        let agreed = Direction { window_bits: WindowBits::new(bits).unwrap(), takeover };
        let settings = Settings::new().level(level).memory_level(memory).threshold(threshold);
        let slot = TakeoverSlots::new(1).take().unwrap();
        let mut sender = TakeoverCompressor::new(settings, agreed, slot);
        let mut alone = Compressor::new(settings);
        let pool = InflaterPool::new(1);
        let slot = TakeoverSlots::new(1).take().unwrap();
        let mut receiver = Inbound::new(agreed, InboundLimits::new()).with_slot(slot);
        for message in messages {
            let mut payload = Vec::new();
            let verdict = match takeover {
                true => sender.compress(&message, &mut payload),
                false => alone.compress(&message, agreed, &mut payload),
            };
            if verdict == Verdict::Raw {
                prop_assert!(payload.is_empty());
                continue;
            }
            prop_assert!(takeover || payload.len() < message.len());
            let mut out = Vec::new();
            for fragment in payload.chunks(cut) {
                prop_assert_eq!(receiver.push(&pool, fragment, false, &mut out), Ok(Progress::Inflated));
            }
            prop_assert_eq!(receiver.push(&pool, &[], true, &mut out), Ok(Progress::Inflated));
            prop_assert_eq!(out, message);
        }
    }

    #[test]
    fn damage_never_panics_and_never_passes_the_limit(
        message in message(), damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..5),
        cut in any::<usize>(), noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let agreed = Direction { takeover: true, ..Direction::stateless() };
        let slot = TakeoverSlots::new(1).take().unwrap();
        let mut payload = Vec::new();
        let (settings, message) = (Settings::new().threshold(0), [&message[..], b"!"].concat());
        let verdict = TakeoverCompressor::new(settings, agreed, slot).compress(&message, &mut payload);
        prop_assert_eq!(verdict, Verdict::Compressed);
        for (at, byte) in damage {
            let at = at % payload.len();
            payload[at] ^= byte;
        }
        payload.truncate(cut % (payload.len() + 1));
        for bytes in [payload, noise] {
            match inflate(&bytes, 20_000) {
                Ok(out) => prop_assert!(out.len() <= 20_000),
                Err(error) => {
                    prop_assert!([1002, 1007, 1009].contains(&error.close_code()));
                    prop_assert!(error.offset().unwrap() <= bytes.len() as u64);
                }
            }
        }
    }
}
