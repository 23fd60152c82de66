//! Why the pool says no, and what a client is told then. Knows no HTTP and no frames.

/// Close reason of a connection beyond the capacity (protocol rule 6): come back after a wait.
pub const AT_CAPACITY: &str = "Server at capacity";
/// Close reason of a connection beyond its user's limit (protocol rule 6): come back after a wait.
pub const USER_LIMIT_REACHED: &str = "Connection limit reached";

/// Settings that cannot work; nothing is built of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {why}")]
pub struct Impossible {
    /// The field that is wrong.
    pub field: &'static str,
    /// What is wrong with it, as the rest of a sentence.
    pub why: &'static str,
}

impl Impossible {
    /// Refuses zero.
    pub(crate) fn if_zero(field: &'static str, is_zero: bool) -> Result<(), Self> {
        if is_zero { Err(Self { field, why: "must be at least 1" }) } else { Ok(()) }
    }
}

/// Why a session was not taken into the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The pool holds `max_connections` already.
    #[error("the pool holds as many connections as it may")]
    Capacity,
    /// The user has `max_connections_per_user` already.
    #[error("the user has as many connections as they may")]
    PerUser,
    /// A session of this id is in the pool; it has to be removed first.
    #[error("a session of this id is connected already")]
    InUse,
}

impl Refusal {
    /// The close reason: two of them are fixed strings of the protocol.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Capacity => AT_CAPACITY,
            Self::PerUser => USER_LIMIT_REACHED,
            Self::InUse => "Session already connected",
        }
    }

    /// The close code: 1008, a policy violation (RFC 6455, section 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Capacity | Self::PerUser | Self::InUse => 1008,
        }
    }
}

/// Why a session did not join a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// No session of this id is in the pool (it may have left a moment ago).
    #[error("there is no such session")]
    UnknownSession,
    /// The session is in as many groups as it may be.
    #[error("a session may be in at most {max} groups")]
    TooManyGroups {
        /// `Limits::max_groups_per_session`.
        max: usize,
    },
}

/// The gate is full, its margin included: the upgrade is refused with HTTP 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server is at capacity")]
pub struct Full;

/// A text that names no strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a strategy is broadcast, round_robin, least_connections or weighted")]
pub struct UnknownStrategy;
