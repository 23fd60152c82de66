//! The end of a message: whole ones are taken and cut ones refused, whatever came before and however they are cut.

use proptest::prelude::*;
use tidegate_deflate::{
    Direction, Error, Inbound, InboundLimits, InflaterPool, Progress, Settings, TakeoverCompressor,
    TakeoverSlots, Verdict,
};

fn agreed(takeover: bool) -> Direction {
    Direction { takeover, ..Direction::stateless() }
}

fn sender(settings: Settings) -> TakeoverCompressor {
    let slot = TakeoverSlots::new(1).take().expect("a slot of one");
    TakeoverCompressor::new(settings.threshold(0), agreed(true), slot)
}

fn receiver(takeover: bool, max_message_bytes: usize) -> Inbound {
    let slot = TakeoverSlots::new(1).take().expect("a slot of one");
    let limits = InboundLimits { max_message_bytes, ..InboundLimits::new() };
    Inbound::new(agreed(takeover), limits).with_slot(slot)
}

fn compressed(sender: &mut TakeoverCompressor, message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    assert_eq!(sender.compress(message, &mut payload), Verdict::Compressed);
    payload
}

fn noise(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(n | 1).wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Words in an order that repeats late: blocks with codes of their own.
fn prose(words: u32) -> Vec<u8> {
    let word = |n: u32| ["tide ", "harbour, ", "ebb ", "quay; ", "flood "][n as usize % 5];
    (0..words).flat_map(|n| word(n.wrapping_mul(n) >> 3).bytes().chain([n as u8])).collect()
}

#[test]
fn a_message_cut_short_at_any_byte_is_refused_after_any_other() {
    let pool = InflaterPool::new(1);
    for message in [&b"Hello, hello"[..], &noise(40), &noise(700), &prose(30), &prose(600)] {
        for takeover in [false, true] {
            let mut sender = sender(Settings::takeover());
            let first = compressed(&mut sender, b"the one before");
            if !takeover {
                sender.reset();
            }
            let payload = compressed(&mut sender, message);
            // The first byte of a stored block is that of an empty message too.
            let first_byte = 1 + usize::from(payload[0] == 0);
            for length in first_byte..payload.len() {
                let (mut inbound, mut out) = (receiver(takeover, 1 << 20), Vec::new());
                assert_eq!(inbound.push(&pool, &first, true, &mut out), Ok(Progress::Inflated));
                let error = inbound.push(&pool, &payload[..length], true, &mut out).unwrap_err();
                assert_eq!(error, Error::Truncated { offset: length as u64 });
                assert_eq!((inbound.held_bytes(), pool.free()), (0, 1));
            }
        }
    }
}

#[test]
fn messages_of_any_length_follow_one_another() {
    // Payloads around what goes in together with its tail, and windows that are full and wrap.
    let (pool, mut sender) = (InflaterPool::new(0), sender(Settings::takeover()));
    let (mut inbound, noise) = (receiver(true, 600), noise(1000));
    for length in (1..600).chain(480..560) {
        let message = &noise[length / 3..][..length];
        sender.reset();
        let (payload, mut out) = (compressed(&mut sender, message), Vec::new());
        assert_eq!(inbound.push(&pool, &payload, true, &mut out), Ok(Progress::Inflated));
        assert!(out == message, "{length} bytes");
    }
}

#[test]
fn a_limit_is_kept_by_messages_that_go_in_with_their_tail() {
    let (pool, message) = (InflaterPool::new(1), vec![b'a'; 5000]);
    let payload = compressed(&mut sender(Settings::takeover()), &message);
    for takeover in [false, true] {
        let mut out = Vec::new();
        let pushed = receiver(takeover, 5000).push(&pool, &payload, true, &mut out);
        assert_eq!((pushed, out.len()), (Ok(Progress::Inflated), 5000));
        let mut out = Vec::new();
        let pushed = receiver(takeover, 4999).push(&pool, &payload, true, &mut out);
        assert!(matches!(pushed, Err(Error::TooLarge { limit: 4999, .. })), "{pushed:?}");
        assert!(out.len() < 5000);
    }
}

/// What comes of two messages, or the close code.
fn outcome(takeover: bool, messages: [&[u8]; 2], limit: usize, cut: usize) -> Result<Vec<u8>, u16> {
    let (pool, mut inbound, mut out) =
        (InflaterPool::new(1), receiver(takeover, limit), Vec::new());
    for message in messages {
        let mut rest = message;
        while rest.len() > cut {
            let (head, tail) = rest.split_at(cut);
            let pushed = inbound.push(&pool, head, false, &mut out);
            assert_eq!(pushed.map_err(|error| error.close_code())?, Progress::Inflated);
            rest = tail;
        }
        let pushed = inbound.push(&pool, rest, true, &mut out);
        if let Err(error) = pushed {
            assert!(error.offset().expect("inflating says where") <= message.len() as u64);
            assert!(out.len() <= 2 * limit);
            return Err(error.close_code());
        }
    }
    Ok(out)
}

proptest! {
    #[test]
    fn damage_ends_the_same_however_it_is_cut(
        words in 1..80_u32, level in 1..=9_u8, takeover in any::<bool>(), limit in 0..2000_usize,
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..3),
        end in any::<usize>(), cut in 1..600_usize, final_block in any::<bool>(),
    ) {
        let mut sender = sender(Settings::new().level(level));
        let first = compressed(&mut sender, &prose(words));
        let mut second = compressed(&mut sender, &prose(words / 2 + 3));
        if final_block {
            second.splice(..0, [0x03, 0x00]);
        }
        for (at, byte) in damage {
            let at = at % second.len();
            second[at] ^= byte;
        }
        second.truncate(second.len() - end % second.len() / 4);
        let whole = outcome(takeover, [&first, &second], limit, usize::MAX);
        prop_assert_eq!(outcome(takeover, [&first, &second], limit, cut), whole);
    }
}
