//! What is known of one connection: counters and times, as atomics. Knows no clock: `now` is an argument.

use std::time::{Duration, Instant};

use crate::sync::{
    Arc, AtomicBool, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Marks a time that has not been yet.
const NEVER: u64 = u64::MAX;

/// The facts of one connection. The session writes them, anyone reads them; no lock is taken. Counters are of 64
/// bits, which no connection fills; times that run backwards count as no time.
///
/// Times are kept as distances from the connect, so that a wall clock that jumps makes nobody idle;
/// [`snapshot`](Self::snapshot) turns them into Unix milliseconds.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tidegate_pool::Facts;
/// let start = Instant::now();
/// let facts = Facts::new(start, 1_700_000_000_000);
/// facts.sent(120);
/// facts.touch(start + Duration::from_secs(2));
/// assert_eq!(facts.snapshot().bytes_sent, 120);
/// assert_eq!(facts.snapshot().last_activity, 1_700_000_002_000);
/// ```
#[derive(Debug)]
pub struct Facts {
    hot: Hot,
    connected_at_ms: u64,
    ping_us: AtomicU64,
    /// The first ping that is not answered, if any.
    unanswered_us: AtomicU64,
    latency_us: AtomicU64,
}

/// What each message touches: one cache line, on which nothing else lies, also not the reference counts.
#[derive(Debug)]
#[repr(align(64))]
struct Hot {
    connected: Instant,
    activity_ms: AtomicU64,
    requests: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    in_flight: AtomicU32,
    following: AtomicU32,
    /// A pong would tell the latency.
    awaits_pong: AtomicBool,
    /// A ping was sent, and nothing came since.
    awaits_life: AtomicBool,
    alive: AtomicBool,
}

impl Facts {
    /// The facts of a connection made `now`, which is `at_ms` in Unix milliseconds.
    #[must_use]
    pub const fn new(now: Instant, at_ms: u64) -> Self {
        let hot = Hot {
            connected: now,
            activity_ms: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            bytes_received: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            following: AtomicU32::new(0),
            awaits_pong: AtomicBool::new(false),
            awaits_life: AtomicBool::new(false),
            alive: AtomicBool::new(true),
        };
        Self {
            hot,
            connected_at_ms: at_ms,
            ping_us: AtomicU64::new(NEVER),
            unanswered_us: AtomicU64::new(NEVER),
            latency_us: AtomicU64::new(NEVER),
        }
    }

    /// An application message went either way. Heartbeats are none.
    pub fn touch(&self, now: Instant) {
        let at = millis(self.since_connect(now));
        // Many messages fall into one millisecond: only the first of them writes.
        if self.hot.activity_ms.load(Relaxed) < at {
            self.hot.activity_ms.fetch_max(at, Relaxed);
        }
    }

    /// Counts bytes written to the socket.
    pub fn sent(&self, bytes: u64) {
        self.hot.bytes_sent.fetch_add(bytes, Relaxed);
    }

    /// Counts bytes read from the socket. Any traffic is life.
    pub fn received(&self, bytes: u64) {
        self.hot.bytes_received.fetch_add(bytes, Relaxed);
        self.lives();
    }

    /// Payload bytes that came in so far.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.hot.bytes_received.load(Relaxed)
    }

    /// Counts a request; it is in flight until the guard is dropped.
    pub fn request(self: &Arc<Self>) -> InFlight {
        self.hot.requests.fetch_add(1, Relaxed);
        self.hot.in_flight.fetch_add(1, Relaxed);
        InFlight(Arc::clone(self))
    }

    /// A ping was sent. True if none before it waits for an answer.
    ///
    /// [`Pool::pinged`](crate::Pool::pinged) also notes it, so that a sweep finds who does not answer.
    pub fn pinged(&self, now: Instant) -> bool {
        let at = micros(self.since_connect(now));
        self.ping_us.store(at, Relaxed);
        self.hot.awaits_pong.store(true, Relaxed);
        let first = !self.hot.awaits_life.load(Relaxed);
        if first {
            // The time before the flag: who sees the flag sees this time, not that of an earlier silence.
            self.unanswered_us.store(at, Relaxed);
            self.hot.awaits_life.store(true, Release);
        }
        first
    }

    /// A pong came. It tells the latency if a ping was waiting for it.
    pub fn ponged(&self, now: Instant) {
        self.lives();
        if self.hot.awaits_pong.swap(false, Relaxed) {
            let sent = self.ping_us.load(Relaxed);
            self.latency_us.store(micros(self.since_connect(now)).saturating_sub(sent), Relaxed);
        }
    }

    /// How long a ping has been waiting for any sign of life; `None` if none waits.
    #[must_use]
    pub fn unanswered_for(&self, now: Instant) -> Option<Duration> {
        if !self.hot.awaits_life.load(Acquire) {
            return None;
        }
        let since = Duration::from_micros(known(&self.unanswered_us)?);
        Some(self.since_connect(now).saturating_sub(since))
    }

    /// No answer came in time: the connection is taken for dead until it says something.
    pub fn mark_stale(&self) {
        self.hot.alive.store(false, Relaxed);
    }

    /// The session follows one stream more; such a session is not idle.
    pub fn follow(&self) {
        self.hot.following.fetch_add(1, Relaxed);
    }

    /// The session follows one stream less; at zero nothing happens.
    pub fn unfollow(&self) {
        // Err means that the count was zero already.
        let _ = self.hot.following.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1));
    }

    /// How many streams the session follows.
    #[must_use]
    pub fn following(&self) -> u32 {
        self.hot.following.load(Relaxed)
    }

    /// How many requests are being worked on.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.hot.in_flight.load(Relaxed)
    }

    /// Whether the last heartbeat was answered, or none was due.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.hot.alive.load(Relaxed)
    }

    /// How long no application message went either way; zero for a `now` before the last one.
    #[must_use]
    pub fn idle_for(&self, now: Instant) -> Duration {
        let last = Duration::from_millis(self.hot.activity_ms.load(Relaxed));
        self.since_connect(now).saturating_sub(last)
    }

    /// The facts as they stand. Each is exact; together they are of about one moment.
    #[must_use]
    pub fn snapshot(&self) -> FactsSnapshot {
        let unix_ms = |since: u64| self.connected_at_ms.saturating_add(since);
        FactsSnapshot {
            connected_at: self.connected_at_ms,
            last_activity: unix_ms(self.hot.activity_ms.load(Relaxed)),
            request_count: self.hot.requests.load(Relaxed),
            bytes_sent: self.hot.bytes_sent.load(Relaxed),
            bytes_received: self.hot.bytes_received.load(Relaxed),
            last_ping: known(&self.ping_us).map(|us| unix_ms(us / 1000)),
            is_alive: self.is_alive(),
            latency_us: known(&self.latency_us),
            in_flight: self.in_flight(),
            following: self.following(),
        }
    }

    // Read before it is written: mostly nothing changes, and the line stays shared.
    fn lives(&self) {
        for (flag, calm) in [(&self.hot.awaits_life, false), (&self.hot.alive, true)] {
            if flag.load(Relaxed) != calm {
                flag.store(calm, Relaxed);
            }
        }
    }

    fn since_connect(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.hot.connected)
    }
}

fn known(value: &AtomicU64) -> Option<u64> {
    Some(value.load(Relaxed)).filter(|&value| value != NEVER)
}

// 584 million years of milliseconds, 584 thousand of microseconds: the cut is never met.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NEVER - 1)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(NEVER - 1)
}

/// A request in flight; dropped when it is answered or given up.
#[derive(Debug)]
#[must_use = "the request is in flight as long as this lives"]
pub struct InFlight(Arc<Facts>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.hot.in_flight.fetch_sub(1, Relaxed);
    }
}

/// [`Facts`] as plain values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FactsSnapshot {
    /// When the connection was made; Unix milliseconds.
    pub connected_at: u64,
    /// When the last application message went either way; Unix milliseconds, `connected_at` before any.
    pub last_activity: u64,
    /// Requests so far.
    pub request_count: u64,
    /// Bytes written to the socket.
    pub bytes_sent: u64,
    /// Bytes read from the socket.
    pub bytes_received: u64,
    /// When the last ping was sent; Unix milliseconds.
    pub last_ping: Option<u64>,
    /// Whether the last heartbeat was answered, or none was due.
    pub is_alive: bool,
    /// The last round trip of ping and pong; microseconds.
    pub latency_us: Option<u64>,
    /// Requests being worked on.
    pub in_flight: u32,
    /// Streams being followed.
    pub following: u32,
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_messages_touch_is_one_cache_line() {
        assert_eq!((size_of::<Hot>(), align_of::<Facts>()), (64, 64));
        assert_eq!(std::mem::offset_of!(Facts, hot) % 64, 0);
        assert!(size_of::<Facts>() <= 128);
    }
}
