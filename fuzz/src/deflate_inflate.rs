//! Inflating anything: however the bytes are cut, the same comes out, within the limit, and the inflater is back
//! in its pool. It does not know what the bytes mean.

use tidegate_deflate::{
    Direction, Error, Inbound, InboundLimits, Inflater, InflaterPool, Progress, TakeoverSlots,
    WindowBits,
};

/// Byte 0: takeover, window, how a message is cut; byte 1: the limit and the number of messages. The rest is compressed.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let Some((&[first, second], payload)) = data.split_first_chunk() else { return };
    let limit = 1 << (second % 20);
    check_inflater(payload, limit);
    let agreed = Direction {
        takeover: first & 1 != 0,
        window_bits: WindowBits::new(8 + (first >> 1) % 8).expect("8 to 15"),
    };
    let cut = usize::from(first >> 4) + 1;
    let messages: Vec<&[u8]> =
        payload.chunks(payload.len() / usize::from(second >> 6 | 1) + 1).collect();
    assert_eq!(
        conversation(agreed, limit, &messages, usize::MAX),
        conversation(agreed, limit, &messages, cut)
    );
}

/// What came of each message until the first error, of which only the kind counts: its place may be a few bytes off; and
/// what came before it, unless the message ends too early, where the tail may make bytes.
fn conversation(
    agreed: Direction,
    limit: usize,
    messages: &[&[u8]],
    cut: usize,
) -> (Vec<Vec<u8>>, Option<u16>) {
    let (pool, slots) = (InflaterPool::new(1), TakeoverSlots::new(1));
    let limits = InboundLimits { max_message_bytes: limit, max_waiting_bytes: 0 };
    let slot = slots.take().expect("a slot of one");
    let mut inbound = Inbound::new(agreed, limits).with_slot(slot);
    let mut whole = Vec::new();
    for message in messages {
        let mut out = Vec::new();
        match receive(&mut inbound, &pool, message, cut, &mut out) {
            Ok(()) => whole.push(out),
            Err(error) => {
                check_error(error, message.len());
                assert_eq!(pool.free(), 1, "an error gives the inflater back");
                if !matches!(error, Error::Truncated { .. }) {
                    whole.push(out);
                }
                return (whole, Some(error.close_code()));
            }
        }
        assert_eq!(pool.free(), 1, "so does a message's end");
        let most = if agreed.takeover { 80 << 10 } else { 0 };
        assert!(inbound.held_bytes() <= most);
    }
    (whole, None)
}

fn receive(
    inbound: &mut Inbound,
    pool: &InflaterPool,
    message: &[u8],
    cut: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    for fragment in message.chunks(cut) {
        assert_eq!(inbound.push(pool, fragment, false, out)?, Progress::Inflated);
    }
    assert_eq!(inbound.push(pool, &[], true, out)?, Progress::Inflated);
    Ok(())
}

fn check_inflater(payload: &[u8], limit: usize) {
    let (mut inflater, mut out) = (Inflater::new(), Vec::new());
    inflater.begin(limit);
    let outcome = inflater.push(payload, &mut out).and_then(|()| inflater.finish());
    assert!(out.len() <= limit, "{} bytes with a limit of {limit}", out.len());
    if let Err(error) = outcome {
        check_error(error, payload.len());
    }
}

fn check_error(error: Error, length: usize) {
    assert!([1002, 1007, 1009].contains(&error.close_code()));
    let offset = error.offset().expect("an error of inflating says where");
    assert!(offset <= length as u64, "{error} in {length} bytes");
}
