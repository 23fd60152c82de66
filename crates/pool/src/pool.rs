//! The registry: who is connected, by session, by user and by group. Knows no sockets: a session is
//! reached by a handle of the caller's type.
//!
//! Locks are taken in the order seat, then groups or users, then sessions. None is held while code of the
//! caller runs.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use tidegate_message::{GroupId, SessionId, UserId};

use crate::groups::Groups;
use crate::hash::{IdHash, NameHash};
use crate::seat::{Membership, Seat, weight};
use crate::sessions::Sessions;
use crate::shards::Shards;
use crate::sync::{Arc, AtomicU64, AtomicUsize, Ordering::Relaxed};
use crate::time::Moment;
use crate::users::Users;
use crate::{
    Admitted, ConnectionId, Facts, Impossible, JoinError, Limits, Member, Refusal, Removed,
    Strategy,
};

/// The live connections. `H` is the handle by which a session is reached: a sender, say.
///
/// All methods take `&self` and may be called from many threads; the pool is in 64 parts with a lock
/// each. A detached session is not in the pool and counts nowhere (protocol rule 13).
///
/// ```
/// use std::time::Instant;
/// use tidegate_message::{SessionId, UserId};
/// use tidegate_pool::{Exclude, Limits, Member, Pool, Target};
///
/// let pool = Pool::new(Limits::default()).unwrap();
/// let (session, user) = (SessionId::from_random([1; 12]), UserId::new("ann").unwrap());
/// let member = Member { session, user: user.clone(), weight: 1, now: Instant::now(), at_ms: 0 };
/// pool.insert(member, "handle").unwrap();
/// let mut reached = Vec::new();
/// pool.for_each(&Target::User(user), &Exclude::NONE, |_, handle| reached.push(*handle));
/// assert_eq!(reached, ["handle"]);
/// ```
pub struct Pool<H> {
    limits: Limits,
    pub(crate) users: Shards<Users<H>, NameHash>,
    pub(crate) sessions: Shards<Sessions<H>, IdHash>,
    pub(crate) groups: Groups<H>,
    count: AtomicUsize,
    peak: AtomicUsize,
    /// The generation of the next stay.
    generation: AtomicU64,
    /// The first moment that was heard of: notes of times are counted from it.
    since: OnceLock<Instant>,
}

impl<H> Pool<H> {
    /// An empty pool.
    ///
    /// # Errors
    /// [`Impossible`] if `max_connections` or `max_connections_per_user` is 0.
    pub fn new(limits: Limits) -> Result<Self, Impossible> {
        limits.check()?;
        Ok(Self {
            limits,
            users: Shards::new(NameHash::default(), Users::new),
            sessions: Shards::new(IdHash::default(), Sessions::new),
            groups: Groups::new(),
            count: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            since: OnceLock::new(),
        })
    }

    /// Takes a session in. Both limits hold exactly, however many insert at once.
    ///
    /// # Errors
    /// [`Refusal`], which has the close code and reason. Nothing is changed then.
    pub fn insert(&self, member: Member, handle: H) -> Result<Admitted, Refusal> {
        let second = self.moment(member.now).second();
        let generation = self.generation.fetch_add(1, Relaxed);
        // Made before and dropped after the locks: a refused handle may do anything as it is dropped.
        let seat = Arc::new(Seat::new(member, generation, handle));
        let session = seat.id.session();
        self.users.write(&seat.user, |users| {
            if users.sessions_of(&seat.user) >= self.limits.max_connections_per_user {
                return Err(Refusal::PerUser);
            }
            self.sessions.write(&session, |sessions| {
                if sessions.find(session).is_some() {
                    return Err(Refusal::InUse);
                }
                self.count_in()?;
                sessions.insert(Arc::clone(&seat), second);
                Ok(())
            })?;
            users.insert(Arc::clone(&seat));
            Ok(Admitted { id: seat.id, facts: Arc::clone(&seat.facts) })
        })
    }

    /// Removes a session everywhere, in time that depends on the number of its groups alone.
    ///
    /// Bytes counted on its facts after that are in no total.
    pub fn remove(&self, session: SessionId) -> Option<Removed> {
        self.vacate(&self.seat(session)?)
    }

    /// Removes a session if this stay has not ended: a connection that ends late does not remove the one that
    /// took its id over.
    pub fn remove_own(&self, id: ConnectionId) -> Option<Removed> {
        self.vacate(&self.own_seat(id)?)
    }

    /// Lets a session join a group, or changes its weight there: `weight`, else the member's own.
    /// True if it was not in the group.
    ///
    /// # Errors
    /// [`JoinError`] if there is no such session or it is in too many groups.
    pub fn join(
        &self,
        session: SessionId,
        group: &GroupId,
        asked: Option<u32>,
    ) -> Result<bool, JoinError> {
        let seat = self.seat(session).ok_or(JoinError::UnknownSession)?;
        let weight = weight(asked.unwrap_or(seat.weight));
        let max = self.limits.max_groups_per_session;
        let joining = seat.change_groups(|joined| {
            if let Some(membership) = joined.iter().find(|one| one.group == *group) {
                self.groups.reweigh(group, membership.stamp, weight);
                return Ok(false);
            }
            if joined.len() >= max {
                return Err(JoinError::TooManyGroups { max });
            }
            let stamp = self.groups.add(group, Arc::clone(&seat), weight);
            joined.push(Membership { group: group.clone(), stamp });
            Ok(true)
        });
        joining.unwrap_or(Err(JoinError::UnknownSession))
    }

    /// Lets a session leave a group. False if it was not in it.
    pub fn leave(&self, session: SessionId, group: &GroupId) -> bool {
        let Some(seat) = self.seat(session) else { return false };
        let leaving = seat.change_groups(|joined| {
            let Some(place) = joined.iter().position(|one| one.group == *group) else {
                return false;
            };
            let Membership { group, stamp } = joined.swap_remove(place);
            self.groups.remove(&group, stamp);
            true
        });
        leaving.unwrap_or(false)
    }

    /// The groups that a session is in, in no particular order.
    #[must_use]
    pub fn groups_of(&self, session: SessionId) -> Vec<GroupId> {
        self.seat(session).map(|seat| seat.groups()).unwrap_or_default()
    }

    /// The groups with members, and how many each has, in no particular order.
    #[must_use]
    pub fn groups(&self) -> Vec<(GroupId, usize)> {
        self.groups.list()
    }

    /// Sets how a group's messages are handed out. It holds until it is set again, with or without members.
    ///
    /// False, and nothing is set, if the group has no members and
    /// [`MAX_REMEMBERED_STRATEGIES`](crate::MAX_REMEMBERED_STRATEGIES) such groups have a strategy already.
    #[must_use = "false says that nothing was set"]
    pub fn set_strategy(&self, group: &GroupId, strategy: Strategy) -> bool {
        self.groups.set_strategy(group, strategy)
    }

    /// How a group's messages are handed out.
    #[must_use]
    pub fn strategy(&self, group: &GroupId) -> Strategy {
        self.groups.strategy(group)
    }

    /// The facts of a session.
    #[must_use]
    pub fn facts(&self, session: SessionId) -> Option<Arc<Facts>> {
        self.sessions.read(&session, |sessions| sessions.facts(session).cloned())
    }

    /// How many sessions a user has.
    #[must_use]
    pub fn sessions_of(&self, user: &UserId) -> usize {
        self.users.read(user, |users| users.sessions_of(user))
    }

    /// The most sessions that there were at once.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak.load(Relaxed)
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    fn count_in(&self) -> Result<(), Refusal> {
        let more = |count| (count < self.limits.max_connections).then_some(count + 1);
        let before =
            self.count.fetch_update(Relaxed, Relaxed, more).map_err(|_| Refusal::Capacity)?;
        self.peak.fetch_max(before + 1, Relaxed);
        Ok(())
    }

    /// Removes a seat everywhere. Its own lock is held all the while: of two that remove it one waits and
    /// gets `None`, and its id is free for another only when every trace of it is gone.
    fn vacate(&self, seat: &Arc<Seat<H>>) -> Option<Removed> {
        let (groups, ()) = seat.leave(|joined| {
            joined.iter().for_each(|one| self.groups.remove(&one.group, one.stamp));
            self.users.write(&seat.user, |users| {
                self.sessions.write(&seat.id.session(), |sessions| sessions.remove(seat));
                users.remove(seat);
            });
            self.count.fetch_sub(1, Relaxed);
        })?;
        Some(Removed { user: seat.user.clone(), groups, facts: Arc::clone(&seat.facts) })
    }

    pub(crate) fn seat(&self, session: SessionId) -> Option<Arc<Seat<H>>> {
        self.sessions.read(&session, |sessions| sessions.find(session).cloned())
    }

    pub(crate) fn own_seat(&self, id: ConnectionId) -> Option<Arc<Seat<H>>> {
        self.seat(id.session()).filter(|seat| seat.id == id)
    }

    pub(crate) fn moment(&self, now: Instant) -> Moment {
        Moment { now, since: *self.since.get_or_init(|| now) }
    }
}

impl<H> fmt::Debug for Pool<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, .. } = self;
        f.debug_struct("Pool")
            .field("limits", limits)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
