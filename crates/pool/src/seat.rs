//! One session in the pool, shared by all maps that name it. Knows its groups by name only.

use tidegate_message::{GroupId, UserId};

use crate::sync::{Arc, AtomicBool, AtomicU32, Mutex, MutexGuard, Ordering::Relaxed, PoisonError};
use crate::{ConnectionId, Facts, Member};

/// The largest weight; larger ones are cut to it, and 0 is taken as 1.
pub const MAX_WEIGHT: u32 = 1_000;

#[derive(Debug)]
pub(crate) struct Seat<H> {
    pub(crate) id: ConnectionId,
    pub(crate) user: UserId,
    pub(crate) weight: u32,
    /// Under which second it waits to be looked at, whether it is idle; changed under its part's lock.
    pub(crate) looked_at: AtomicU32,
    /// Under which second its first ping without an answer is noted; as above.
    pub(crate) pinged_at: AtomicU32,
    /// How many groups it is in, to be asked without its lock.
    memberships: AtomicU32,
    has_left: AtomicBool,
    pub(crate) facts: Arc<Facts>,
    /// The groups it is in; `None` once it has left the pool. Held over changes of a group, so that a
    /// join and the leaving of the pool cannot cross.
    groups: Mutex<Option<Vec<Membership>>>,
    pub(crate) handle: H,
}

/// A group that a session is in, and the stamp of its place there.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) group: GroupId,
    pub(crate) stamp: u64,
}

impl<H> Seat<H> {
    pub(crate) fn new(member: Member, generation: u64, handle: H) -> Self {
        Self {
            id: ConnectionId::new(member.session, generation),
            user: member.user,
            weight: weight(member.weight),
            looked_at: AtomicU32::new(0),
            pinged_at: AtomicU32::new(0),
            memberships: AtomicU32::new(0),
            has_left: AtomicBool::new(false),
            facts: Arc::new(Facts::new(member.now, member.at_ms)),
            groups: Mutex::new(Some(Vec::new())),
            handle,
        }
    }

    /// Changes the groups it is in; `None` if it has left the pool.
    pub(crate) fn change_groups<R>(&self, f: impl FnOnce(&mut Vec<Membership>) -> R) -> Option<R> {
        let mut groups = self.lock();
        let joined = groups.as_mut()?;
        let answer = f(joined);
        self.memberships.store(u32::try_from(joined.len()).unwrap_or(u32::MAX), Relaxed);
        Some(answer)
    }

    /// Leaves all groups for good. `f` is called with them, once ever, and its lock is held meanwhile.
    pub(crate) fn leave<R>(&self, f: impl FnOnce(&[Membership]) -> R) -> Option<(Vec<GroupId>, R)> {
        let mut groups = self.lock();
        let joined = groups.take()?;
        self.has_left.store(true, Relaxed);
        let answer = f(&joined);
        Some((joined.into_iter().map(|membership| membership.group).collect(), answer))
    }

    /// The groups it is in, none once it has left.
    pub(crate) fn groups(&self) -> Vec<GroupId> {
        let groups = self.lock();
        groups.iter().flatten().map(|membership| membership.group.clone()).collect()
    }

    pub(crate) fn is_in_a_group(&self) -> bool {
        self.memberships.load(Relaxed) > 0
    }

    /// Whether it has left the pool, or is about to.
    pub(crate) fn has_left(&self) -> bool {
        self.has_left.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Membership>>> {
        // No code of a caller runs under it, so none can have panicked there.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A weight within its range.
pub(crate) fn weight(asked: u32) -> u32 {
    asked.clamp(1, MAX_WEIGHT)
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    /// What one connection of one user costs beside its handle, heap blocks included, where the tables have
    /// just grown.
    #[test]
    fn costs_at_most_500_bytes_a_connection() {
        let shared =
            |size: usize, align: usize| size + (2 * size_of::<usize>()).next_multiple_of(align);
        let facts = shared(size_of::<Facts>(), align_of::<Facts>());
        let seat = shared(size_of::<Seat<()>>(), align_of::<Seat<()>>());
        // A table of std is at least 7/16 full after it grew, and has one byte more for each place.
        let place = |key: usize, value: usize| (key + value + 1) * 16 / 7;
        let sessions = place(size_of::<tidegate_message::SessionId>().next_multiple_of(8), 16);
        let users = place(size_of::<UserId>(), 16);
        let note = 2 * 16; // of its last activity, in a list that has just grown
        let all = facts + seat + sessions + users + note;
        assert!(all <= 500, "{all} bytes");
    }

    #[test]
    fn a_place_in_a_group_takes_forty_bytes() {
        let place = size_of::<crate::roster::Slot<()>>() + size_of::<Membership>();
        assert_eq!(place, 40);
    }
}
