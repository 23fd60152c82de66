//! One session in the pool, shared by all maps that name it. Knows its groups by name only.

use std::sync::{Arc, Mutex, PoisonError};

use tidegate_message::{GroupId, SessionId, UserId};

use crate::{Facts, Member};

/// The largest weight; larger ones are cut to it, and 0 is taken as 1.
pub const MAX_WEIGHT: u32 = 1_000;

#[derive(Debug)]
pub(crate) struct Seat<H> {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) weight: u32,
    pub(crate) handle: H,
    pub(crate) facts: Arc<Facts>,
    /// The groups it is in; `None` once it has left the pool. Held over changes of a group, so that a
    /// join and the leaving of the pool cannot cross.
    groups: Mutex<Option<Vec<GroupId>>>,
}

impl<H> Seat<H> {
    pub(crate) fn new(member: Member, handle: H) -> Self {
        Self {
            session: member.session,
            user: member.user,
            weight: weight(member.weight),
            handle,
            facts: Arc::new(Facts::new(member.now, member.at_ms)),
            groups: Mutex::new(Some(Vec::new())),
        }
    }

    /// Access to the groups it is in; `None` once it has left the pool.
    pub(crate) fn groups<R>(&self, f: impl FnOnce(&mut Option<Vec<GroupId>>) -> R) -> R {
        f(&mut self.groups.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn is_in_a_group(&self) -> bool {
        self.groups(|groups| groups.as_ref().is_some_and(|groups| !groups.is_empty()))
    }
}

/// A weight within its range.
pub(crate) fn weight(asked: u32) -> u32 {
    asked.clamp(1, MAX_WEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one connection of one user costs beside its handle, heap blocks included.
    #[test]
    fn costs_at_most_500_bytes_a_connection() {
        let counts = 2 * size_of::<usize>(); // of each Arc
        let shared = size_of::<Facts>() + size_of::<Seat<()>>() + 2 * counts;
        let slot = size_of::<crate::roster::Slot<()>>();
        // A table of std is at least 7/16 full after it grew, and has one byte more for each place.
        let place = |key: usize, value: usize| (key + value + 1) * 16 / 7;
        let sessions = place(size_of::<SessionId>(), size_of::<Arc<Seat<()>>>());
        let users = place(size_of::<UserId>(), size_of::<crate::roster::Roster<()>>());
        let all = shared + slot + sessions + users;
        assert!(all <= 500, "{all} bytes");
        assert!(size_of::<Facts>() <= 128, "{} bytes", size_of::<Facts>());
    }
}
