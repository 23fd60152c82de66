//! What a session tells about itself while it lives.

use std::time::{Duration, Instant};

/// Receives a session's facts. Called from the session's task: it must not block.
pub trait Observer {
    /// A message came in: its size on the wire, in bytes.
    fn received(&self, bytes: usize, now: Instant);
    /// Messages went out in one frame: how many, and the frame's size on the wire, in bytes.
    fn sent(&self, messages: usize, bytes: usize, now: Instant);
    /// A ping went out.
    fn pinged(&self, now: Instant);
    /// A ping was answered after this long.
    fn ponged(&self, latency: Duration, now: Instant);
    /// Nothing was heard within the time-out after a ping.
    fn stale(&self);
}

/// Tells nobody.
impl Observer for () {
    fn received(&self, _: usize, _: Instant) {}
    fn sent(&self, _: usize, _: usize, _: Instant) {}
    fn pinged(&self, _: Instant) {}
    fn ponged(&self, _: Duration, _: Instant) {}
    fn stale(&self) {}
}
