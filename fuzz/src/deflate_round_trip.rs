//! Messages through a compressor and an inflater of any settings come back whole, and get smaller or stay raw.

use bytes::Bytes;
use tidegate_deflate::{
    Broadcast, Compressor, Direction, Inbound, InboundLimits, InflaterPool, Progress, Settings,
    TakeoverCompressor, TakeoverSlots, Verdict, WindowBits,
};

/// Bytes 0 to 2 choose the settings. Then messages: two bytes say how long, how often repeated and by whom compressed.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let Some((&[first, second, third], mut rest)) = data.split_first_chunk() else { return };
    let agreed = Direction {
        takeover: first & 1 != 0,
        window_bits: WindowBits::new(8 + (first >> 1) % 8).expect("8 to 15"),
    };
    let settings = Settings::new()
        .level(second % 10)
        .memory_level(second / 10 % 10)
        .window_bits(WindowBits::new(8 + (first >> 4) % 8).expect("8 to 15"))
        .threshold(usize::from(third));
    let mut connection = Connection::new(settings, agreed);
    while let Some((&[length, how], tail)) = rest.split_first_chunk() {
        let (message, tail) = tail.split_at(tail.len().min(usize::from(length)));
        connection.send(&message.repeat(1 + usize::from(how >> 2)), how % 4 == 3);
        rest = tail;
    }
}

struct Connection {
    agreed: Direction,
    own: TakeoverCompressor,
    shared: Compressor,
    pool: InflaterPool,
    inbound: Inbound,
}

impl Connection {
    fn new(settings: Settings, agreed: Direction) -> Self {
        let slots = TakeoverSlots::new(2);
        let slot = || slots.take().expect("two slots");
        Self {
            agreed,
            own: TakeoverCompressor::new(settings, agreed, slot()),
            shared: Compressor::new(settings),
            pool: InflaterPool::new(1),
            inbound: Inbound::new(agreed, InboundLimits::new()).with_slot(slot()),
        }
    }

    fn send(&mut self, message: &[u8], broadcast: bool) {
        let payload = if broadcast { self.broadcast(message) } else { self.compress(message) };
        let Some(payload) = payload else { return };
        let mut out = Vec::new();
        for fragment in payload.chunks(1000) {
            let progress = self.inbound.push(&self.pool, fragment, false, &mut out);
            assert_eq!(progress, Ok(Progress::Inflated));
        }
        let progress = self.inbound.push(&self.pool, &[], true, &mut out);
        assert_eq!(progress, Ok(Progress::Inflated));
        assert!(out == message, "{} bytes came back as {}", message.len(), out.len());
    }

    fn compress(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let mut payload = Vec::new();
        let verdict = if self.agreed.takeover {
            self.own.compress(message, &mut payload)
        } else {
            self.shared.compress(message, self.agreed, &mut payload)
        };
        assert!(verdict == Verdict::Compressed || payload.is_empty());
        assert!(verdict == Verdict::Raw || self.agreed.takeover || payload.len() < message.len());
        (verdict == Verdict::Compressed).then_some(payload)
    }

    fn broadcast(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let mut broadcast = Broadcast::new(Bytes::copy_from_slice(message));
        let payload = broadcast.payload(&mut self.shared, Some(self.agreed));
        self.own.reset();
        assert!(payload.compressed || payload.bytes == message);
        assert!(!payload.compressed || payload.bytes.len() < message.len());
        payload.compressed.then(|| payload.bytes.to_vec())
    }
}
