//! What the gateway counts, beside what its parts count themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
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
    pub(crate) streams_started: AtomicU64,
    pub(crate) streams_completed: AtomicU64,
    pub(crate) streams_cancelled: AtomicU64,
    pub(crate) streams_failed: AtomicU64,
    pub(crate) messages_published: AtomicU64,
    queue: Queued,
}

/// The counters of outboxes that are gone: those of living sessions are read where they are.
#[derive(Debug, Default)]
struct Queued {
    pushed: AtomicU64,
    popped: AtomicU64,
    coalesced: AtomicU64,
    critical_messages_preserved: AtomicU64,
    non_critical_messages_dropped: AtomicU64,
    overflow_events: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counts {
    /// Adds what a session's outbox counted in its life.
    pub(crate) fn add_queue(&self, counters: &Counters) {
        let queue = &self.queue;
        queue.pushed.fetch_add(counters.pushed, Relaxed);
        queue.popped.fetch_add(counters.popped, Relaxed);
        queue.coalesced.fetch_add(counters.coalesced, Relaxed);
        queue.critical_messages_preserved.fetch_add(counters.critical_messages_preserved, Relaxed);
        queue
            .non_critical_messages_dropped
            .fetch_add(counters.non_critical_messages_dropped, Relaxed);
        queue.overflow_events.fetch_add(counters.overflow_events, Relaxed);
    }

    /// What the outboxes of ended sessions counted.
    pub(crate) fn ended_queues(&self) -> Counters {
        let queue = &self.queue;
        Counters {
            pushed: queue.pushed.load(Relaxed),
            popped: queue.popped.load(Relaxed),
            coalesced: queue.coalesced.load(Relaxed),
            critical_messages_preserved: queue.critical_messages_preserved.load(Relaxed),
            non_critical_messages_dropped: queue.non_critical_messages_dropped.load(Relaxed),
            overflow_events: queue.overflow_events.load(Relaxed),
            ..Counters::default()
        }
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
