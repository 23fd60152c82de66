//! The pool's plain values: its limits, who asks to be taken in, who left, who is meant. No behaviour.

use std::time::Instant;

use tidegate_message::{GroupId, SessionId, UserId};

use crate::sync::Arc;
use crate::{ConnectionId, Facts, Impossible};

/// How many a [`Pool`](crate::Pool) takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions in all, at least 1; 1 000 by default. Each costs about half a kilobyte beside its handle.
    pub max_connections: usize,
    /// Sessions of one user, at least 1; 5 by default.
    pub max_connections_per_user: usize,
    /// Groups that one session may be in; 100 by default, 0 switches groups off.
    pub max_groups_per_session: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_connections: 1_000, max_connections_per_user: 5, max_groups_per_session: 100 }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), Impossible> {
        Impossible::if_zero("max_connections", self.max_connections == 0)?;
        Impossible::if_zero("max_connections_per_user", self.max_connections_per_user == 0)
    }
}

/// A session that asks to be taken in.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its id.
    pub session: SessionId,
    /// Who it belongs to.
    pub user: UserId,
    /// Its share under [`Strategy::Weighted`](crate::Strategy::Weighted), 1 to [`MAX_WEIGHT`](crate::MAX_WEIGHT); what lies
    /// outside is cut.
    pub weight: u32,
    /// The moment of the connect.
    pub now: Instant,
    /// The same moment in Unix milliseconds.
    pub at_ms: u64,
}

/// A session that was taken in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Admitted {
    /// Which stay in the pool this is: for its end, and for whoever keeps it.
    pub id: ConnectionId,
    /// Its facts, to be written by the session.
    pub facts: Arc<Facts>,
}

/// What a session leaves behind.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Removed {
    /// Who it belonged to.
    pub user: UserId,
    /// The groups it was in.
    pub groups: Vec<GroupId>,
    /// Its facts.
    pub facts: Arc<Facts>,
}

/// Who is meant by a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// One session, whichever stay it is.
    Session(SessionId),
    /// One session, as long as it has not left since.
    Connection(ConnectionId),
    /// All sessions of one user.
    User(UserId),
    /// The members of a group, or one of them, as its [`Strategy`](crate::Strategy) says.
    Group(GroupId),
    /// Every session.
    All,
}
