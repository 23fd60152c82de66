//! The name of one stay in the pool. Knows nothing of the registry.

use tidegate_message::SessionId;

/// One stay of a session in the pool: its id and a number that no other stay has.
///
/// A session that comes back under its old id has another generation, so whoever kept this from before
/// neither reaches nor removes its successor.
///
/// ```
/// use std::time::Instant;
/// use tidegate_message::{SessionId, UserId};
/// use tidegate_pool::{Limits, Member, Pool};
/// let pool = Pool::new(Limits::default()).unwrap();
/// let (session, user) = (SessionId::from_random([1; 12]), UserId::new("ann").unwrap());
/// let member = Member { session, user, weight: 1, now: Instant::now(), at_ms: 0 };
/// let first = pool.insert(member.clone(), ()).unwrap().id;
/// pool.remove(session).unwrap();
/// let second = pool.insert(member, ()).unwrap().id;
/// assert_eq!(first.session(), second.session());
/// assert!(pool.remove_own(first).is_none() && pool.remove_own(second).is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    generation: u64,
    session: SessionId,
}

impl ConnectionId {
    pub(crate) const fn new(session: SessionId, generation: u64) -> Self {
        Self { generation, session }
    }

    /// The session's id.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Which stay it is; later ones have larger numbers. 2⁶⁴ of them are not used up.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }
}
