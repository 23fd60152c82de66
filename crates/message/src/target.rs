//! Whom a message is for.

use serde::{Deserialize, Serialize};

use crate::{GroupId, SessionId, UserId};

/// The receivers of a directed message: `{"user": "42"}`, `{"group": "room"}` or `{"session": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// All sessions of one user.
    User(UserId),
    /// The sessions that joined a group, or one of them, as the group's strategy says.
    Group(GroupId),
    /// One session.
    Session(SessionId),
}

/// Who is left out of a fan-out: `{"user": …}` or `{"session": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Excluded {
    /// All sessions of one user.
    User(UserId),
    /// One session.
    Session(SessionId),
}
