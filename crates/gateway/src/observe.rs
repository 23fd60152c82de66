//! What the gateway counts, beside what its parts count themselves.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tidegate_pool::Facts;
use tidegate_queue::Counters;
use tidegate_session::Observer;

/// Counts since the start, or since the last reset where that is said.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) http_requests: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) rejected_commands: AtomicU64,
    pub(crate) refused_origins: AtomicU64,
    pub(crate) refused_tokens: AtomicU64,
    pub(crate) refused_capacity: AtomicU64,
    pub(crate) refused_user_limit: AtomicU64,
    pub(crate) refused_address: AtomicU64,
    pub(crate) refused_handshakes: AtomicU64,
    pub(crate) streams_started: AtomicU64,
    pub(crate) streams_completed: AtomicU64,
    pub(crate) streams_cancelled: AtomicU64,
    pub(crate) streams_failed: AtomicU64,
    pub(crate) messages_published: AtomicU64,
    pub(crate) upstream_retries: AtomicU64,
    /// Messages that went past an outbox, to a session at rest.
    pub(crate) written_directly: AtomicU64,
    /// Of outboxes that are gone: those of living sessions are read where they are.
    ended_queues: Mutex<Counters>,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counts {
    /// Adds what a session's outbox counted in its life.
    pub(crate) fn add_queue(&self, counters: Counters) {
        *self.ended_queues.lock().unwrap_or_else(PoisonError::into_inner) += counters;
    }

    /// What the outboxes of ended sessions counted.
    pub(crate) fn ended_queues(&self) -> Counters {
        *self.ended_queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a session's facts into the registry.
#[derive(Clone, Debug)]
pub(crate) struct Registered(pub(crate) Arc<Facts>);

impl Observer for Registered {
    fn received(&self, bytes: usize, now: Instant) {
        self.0.received(bytes as u64);
        self.0.touch(now);
    }

    fn sent(&self, _messages: usize, bytes: usize, now: Instant) {
        self.0.sent(bytes as u64);
        self.0.touch(now);
    }

    fn pinged(&self, now: Instant) {
        self.0.pinged(now);
    }

    fn ponged(&self, _latency: Duration, now: Instant) {
        self.0.ponged(now);
    }

    fn stale(&self) {
        self.0.mark_stale();
    }
}
