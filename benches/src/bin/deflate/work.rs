//! The work that all sides do, and this project's way to do it. It does not know where messages come from.

use std::rc::Rc;

use tidegate_deflate::{
    Compressor, Direction, Inbound, InboundLimits, InflaterPool, Settings, THRESHOLD_BYTES,
    TakeoverCompressor, TakeoverSlots, Verdict,
};

/// The largest message that any side takes.
pub const MAX_BYTES: usize = 1 << 20;

/// Messages and the payloads of those that are sent compressed, all with 15 bits.
#[derive(Clone, Debug)]
pub struct Work {
    pub takeover: bool,
    pub level: u8,
    pub memory_level: u8,
    /// Messages up to so many bytes are sent as they are: 128 without takeover, none with it.
    pub threshold: usize,
    pub messages: Rc<[Vec<u8>]>,
    pub payloads: Rc<[Vec<u8>]>,
}

impl Work {
    pub fn new(messages: &[Vec<u8>], takeover: bool) -> Self {
        // What `Settings::new` and `Settings::takeover` are, for those who cannot ask them.
        let (level, memory_level, threshold) =
            if takeover { (7, 5, 0) } else { (6, 8, THRESHOLD_BYTES) };
        let (messages, payloads) = (Rc::from(messages), Rc::new([]));
        let mut work = Self { takeover, level, memory_level, threshold, messages, payloads };
        let mut ours = Ours::new(work.clone());
        let messages = Rc::clone(&work.messages);
        let payloads = messages.iter().filter_map(|message| match ours.compress(message) {
            Verdict::Compressed => Some(ours.out.clone()),
            _ => None,
        });
        work.payloads = payloads.collect();
        work
    }

    /// Whether the message is left alone.
    pub fn is_small(&self, message: &[u8]) -> bool {
        message.len() <= self.threshold
    }

    /// What goes out: the payload, or the message if that is no larger and may be sent as it is.
    pub fn sent(&self, message: &[u8], payload: usize) -> usize {
        if self.takeover { payload } else { payload.min(message.len()) }
    }
}

/// One connection of this project's, both directions.
pub struct Ours {
    work: Work,
    compressor: Compressor,
    own: TakeoverCompressor,
    pool: InflaterPool,
    inbound: Inbound,
    out: Vec<u8>,
}

impl Ours {
    pub fn new(work: Work) -> Self {
        let settings = if work.takeover { Settings::takeover() } else { Settings::new() };
        Self {
            compressor: Compressor::new(settings),
            own: own(&work),
            pool: InflaterPool::new(1),
            inbound: inbound(&work),
            out: Vec::with_capacity(MAX_BYTES),
            work,
        }
    }

    fn compress(&mut self, message: &[u8]) -> Verdict {
        self.out.clear();
        if self.work.takeover {
            self.own.compress(message, &mut self.out)
        } else {
            self.compressor.compress(message, Direction::stateless(), &mut self.out)
        }
    }

    /// Bytes that go out.
    pub fn deflate(&mut self) -> usize {
        self.own.reset();
        let messages = Rc::clone(&self.work.messages);
        let sent = messages.iter().map(|message| match self.compress(message) {
            Verdict::Compressed => self.out.len(),
            Verdict::Raw => message.len(),
        });
        sent.sum()
    }

    /// Bytes that come out.
    pub fn inflate(&mut self) -> usize {
        let payloads = Rc::clone(&self.work.payloads);
        let inflated = payloads.iter().map(|payload| {
            self.out.clear();
            let progress = self.inbound.push(&self.pool, payload, true, &mut self.out);
            assert!(progress.is_ok());
            self.out.len()
        });
        inflated.sum()
    }

    /// What one more connection has of its own, after it has read the same messages; what is shared is there already.
    pub fn another_connection(&mut self) -> (Option<TakeoverCompressor>, Inbound) {
        let mut another = inbound(&self.work);
        for payload in self.work.payloads.iter() {
            self.out.clear();
            let progress = another.push(&self.pool, payload, true, &mut self.out);
            assert!(progress.is_ok());
        }
        (self.work.takeover.then(|| own(&self.work)), another)
    }
}

fn agreed(work: &Work) -> Direction {
    Direction { takeover: work.takeover, ..Direction::stateless() }
}

fn own(work: &Work) -> TakeoverCompressor {
    let slot = TakeoverSlots::new(1).take().expect("a slot of one");
    TakeoverCompressor::new(Settings::takeover(), agreed(work), slot)
}

fn inbound(work: &Work) -> Inbound {
    let slot = TakeoverSlots::new(1).take().expect("a slot of one");
    Inbound::new(agreed(work), InboundLimits { max_message_bytes: MAX_BYTES, max_waiting_bytes: 0 })
        .with_slot(slot)
}
