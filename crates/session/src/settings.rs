//! A session's bounds and intervals.

use std::time::Duration;

use tidegate_queue::BatchPolicy;

/// What one session may cost and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Between two pings to a client from which nothing was heard.
    pub ping_interval: Duration,
    /// From a ping to the verdict that nobody is there; any traffic counts as life.
    pub ping_timeout: Duration,
    /// Commands in work at a time, at least 1; then reading stops.
    pub max_inflight_commands: usize,
    /// Malformed messages in one minute that end the session.
    pub max_malformed: usize,
    /// Nesting of an inbound message.
    pub max_depth: usize,
    /// When waiting messages become one `batch`.
    pub batch: BatchPolicy,
    /// A client that takes no byte for this long is a slow consumer.
    pub write_timeout: Duration,
    /// For the end of a session: what still waits, and the close handshake.
    pub close_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(10),
            max_inflight_commands: 8,
            max_malformed: 10,
            max_depth: 128,
            batch: BatchPolicy::default(),
            write_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
        }
    }
}
