//! What the pool says of itself: totals, and one line per connection. Knows no wire format; the fields
//! have the names under which they are published.

use std::collections::HashMap;

use tidegate_message::{GroupId, SessionId, UserId};

use crate::{ConnectionId, FactsSnapshot};

/// The pool in figures.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions in the pool.
    pub total_connections: usize,
    /// The capacity.
    pub max_connections: usize,
    /// `total_connections` of `max_connections`; 0 to 100.
    pub capacity_used_percent: f64,
    /// Users with a session in the pool; also published as `total_users`.
    pub unique_users: usize,
    /// Bytes written to sockets, those of closed connections included.
    pub total_bytes_sent: u64,
    /// Bytes read from sockets, those of closed connections included.
    pub total_bytes_received: u64,
    /// Bytes of both directions, divided by all connections so far.
    pub avg_bytes_per_connection: f64,
    /// The most sessions that were in the pool at once.
    pub peak_connections: usize,
    /// All connections so far.
    pub connections_opened: u64,
    /// Sessions of each user.
    pub connections_by_user: HashMap<UserId, usize>,
}

/// Bytes and connections, summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: u64,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Tally {
    /// Adds one connection.
    pub(crate) fn add(&mut self, facts: &FactsSnapshot) {
        self.merge(Self { connections: 1, sent: facts.bytes_sent, received: facts.bytes_received });
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.connections = self.connections.saturating_add(other.connections);
        self.sent = self.sent.saturating_add(other.sent);
        self.received = self.received.saturating_add(other.received);
    }

    pub(crate) fn avg_bytes(&self) -> f64 {
        (self.sent as f64 + self.received as f64) / self.connections.max(1) as f64
    }
}

/// `part` of `whole`, 0 to 100; all of nothing is 100.
pub(crate) fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// One connection, for a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The session.
    pub session: SessionId,
    /// Which stay in the pool this is.
    pub id: ConnectionId,
    /// Who it belongs to.
    pub user: UserId,
    /// The groups it is in.
    pub groups: Vec<GroupId>,
    /// Its facts at this moment.
    pub facts: FactsSnapshot,
}
