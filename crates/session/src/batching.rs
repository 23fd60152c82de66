//! What a session keeps of its batches: only one that agreed to them has this. Knows no socket.

use std::time::Instant;

use tidegate_queue::{BatchPolicy, Batcher};

/// When the last batch went and until when the next is held back.
#[derive(Debug)]
pub(crate) struct Batching {
    pub(crate) batcher: Batcher,
    /// Until when the outbox is held back to make a fuller batch.
    pub(crate) held_until: Option<Instant>,
}

impl Batching {
    pub(crate) const fn new(policy: BatchPolicy) -> Self {
        Self { batcher: Batcher::new(policy), held_until: None }
    }
}
