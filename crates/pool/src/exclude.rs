//! Who is left out of a delivery. Knows sessions and users by id only.

use std::collections::HashSet;

use tidegate_message::{SessionId, UserId};

use crate::seat::Seat;

/// Who is left out of a delivery: single sessions, and all sessions of users.
///
/// ```
/// use tidegate_message::SessionId;
/// use tidegate_pool::Exclude;
/// let sender = SessionId::from_random([1; 12]);
/// let others = Exclude { sessions: &[sender], ..Exclude::NONE };
/// assert_eq!(others.users.len(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Exclude<'a> {
    /// These sessions.
    pub sessions: &'a [SessionId],
    /// All sessions of these users.
    pub users: &'a [UserId],
}

impl Exclude<'_> {
    /// Nobody is left out.
    pub const NONE: Self = Self { sessions: &[], users: &[] };
}

/// [`Exclude`] made ready for many questions: long lists come from clients, and walking one for each of
/// 20 000 sessions would take the server's time.
pub(crate) struct Excluded<'a> {
    sessions: Ids<'a, SessionId>,
    users: Ids<'a, UserId>,
}

impl<'a> Excluded<'a> {
    pub(crate) fn new(exclude: &Exclude<'a>) -> Self {
        Self { sessions: Ids::new(exclude.sessions), users: Ids::new(exclude.users) }
    }

    pub(crate) fn admits<H>(&self, seat: &Seat<H>) -> bool {
        !self.sessions.contains(&seat.id.session()) && !self.users.contains(&seat.user)
    }
}

enum Ids<'a, T> {
    Few(&'a [T]),
    Many(HashSet<&'a T>),
}

impl<'a, T: std::hash::Hash + Eq> Ids<'a, T> {
    fn new(ids: &'a [T]) -> Self {
        if ids.len() <= 8 { Self::Few(ids) } else { Self::Many(ids.iter().collect()) }
    }

    fn contains(&self, id: &T) -> bool {
        match self {
            Self::Few(ids) => ids.contains(id),
            Self::Many(ids) => ids.contains(id),
        }
    }
}
