//! The plain values of reuse: limits, counters, and the refusal. No behaviour.

use std::time::Duration;

use crate::Impossible;

/// How many connections there may be, and how long they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReuseLimits {
    /// Connections to one target, lent and idle, at least 1; 500 by default.
    pub max_connections: usize,
    /// Idle connections to all targets together; 500 by default, 0 keeps none.
    pub max_idle: usize,
    /// Those who wait for a connection to one target; 1 000 by default, 0 lets nobody wait.
    pub max_waiting: usize,
    /// How long a connection is kept idle; 180 s by default.
    pub idle_timeout: Duration,
}

impl Default for ReuseLimits {
    fn default() -> Self {
        Self {
            max_connections: 500,
            max_idle: 500,
            max_waiting: 1_000,
            idle_timeout: Duration::from_secs(180),
        }
    }
}

impl ReuseLimits {
    pub(super) fn check(&self) -> Result<(), Impossible> {
        Impossible::if_zero("max_connections", self.max_connections == 0)?;
        Impossible::if_zero("idle_timeout", self.idle_timeout.is_zero())
    }
}

/// No connection is free, no more may be made, and as many wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wait for a connection already")]
pub struct Exhausted;

/// Reuse in figures: counts since the begin, and how things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReuseStats {
    /// Pools of connections to one target that were begun; one ends with its last connection.
    pub pools_created: u64,
    /// Checkouts that were given a connection that was there.
    pub pool_hits: u64,
    /// Checkouts that had to make one.
    pub pool_misses: u64,
    /// Connections that served more than once.
    pub connections_reused: u64,
    /// Connections that were closed because nobody wanted them for [`ReuseLimits::idle_timeout`].
    pub connections_expired: u64,
    /// Connections that were found broken before they were given.
    pub connections_broken: u64,
    /// Connections now, lent, idle or being made.
    pub open: usize,
    /// Of these, the idle ones.
    pub idle: usize,
    /// Those who wait now.
    pub waiting: usize,
}
