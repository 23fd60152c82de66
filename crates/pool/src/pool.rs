//! The registry: who is connected, by session, by user and by group. Knows no sockets: a session is
//! reached by a handle of the caller's type.
//!
//! Locks are taken in the order seat, then groups or users, then sessions. None is held while code of the
//! caller runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tidegate_message::{GroupId, SessionId, UserId};

use crate::exclude::Excluded;
use crate::groups::Groups;
use crate::roster::Roster;
use crate::seat::{Seat, weight};
use crate::shards::{SHARDS, Shards};
use crate::stats::{Tally, percent};
use crate::{
    Connection, Exclude, Facts, JoinError, Limits, Member, Refusal, Removed, Stats, Strategy,
    Target,
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
/// let pool = Pool::new(Limits::default());
/// let (session, user) = (SessionId::from_random([1; 12]), UserId::new("ann").unwrap());
/// let member = Member { session, user: user.clone(), weight: 1, now: Instant::now(), at_ms: 0 };
/// pool.insert(member, "handle").unwrap();
/// let mut reached = Vec::new();
/// pool.for_each(&Target::User(user), &Exclude::NONE, |_, handle| reached.push(*handle));
/// assert_eq!(reached, ["handle"]);
/// ```
pub struct Pool<H> {
    limits: Limits,
    users: Shards<HashMap<UserId, Roster<H>>>,
    sessions: Shards<Sessions<H>>,
    groups: Groups<H>,
    count: AtomicUsize,
    peak: AtomicUsize,
}

/// The sessions of one shard, and what those that left it have sent and received.
struct Sessions<H> {
    seats: HashMap<SessionId, Arc<Seat<H>>>,
    closed: Tally,
}

impl<H> Default for Sessions<H> {
    fn default() -> Self {
        Self { seats: HashMap::new(), closed: Tally::default() }
    }
}

impl<H> Pool<H> {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            users: Shards::new(),
            sessions: Shards::new(),
            groups: Groups::new(),
            count: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        }
    }

    /// Takes a session in. Both limits hold exactly, however many insert at once.
    ///
    /// # Errors
    /// [`Refusal`], which has the close code and reason. Nothing is changed then.
    pub fn insert(&self, member: Member, handle: H) -> Result<Arc<Facts>, Refusal> {
        // Made before and dropped after the locks: a refused handle may do anything as it is dropped.
        let seat = Arc::new(Seat::new(member, handle));
        self.users.write(&seat.user, |users| {
            if users.get(&seat.user).map_or(0, Roster::len) >= self.limits.max_connections_per_user
            {
                return Err(Refusal::PerUser);
            }
            self.sessions.write(&seat.session, |sessions| {
                if sessions.seats.contains_key(&seat.session) {
                    return Err(Refusal::InUse);
                }
                self.count_in()?;
                sessions.seats.insert(seat.session, Arc::clone(&seat));
                Ok(())
            })?;
            users.entry(seat.user.clone()).or_default().push(Arc::clone(&seat), seat.weight);
            Ok(Arc::clone(&seat.facts))
        })
    }

    /// Removes a session everywhere, in time that depends on the number of its groups alone.
    ///
    /// Bytes counted on its facts after that are in no total.
    pub fn remove(&self, session: SessionId) -> Option<Removed> {
        self.vacate(&self.seat(session)?)
    }

    /// Removes a session if it is still the one that these facts were given to. A connection that ends
    /// late does not remove the one that took its id over by a resume.
    pub fn remove_own(&self, session: SessionId, facts: &Arc<Facts>) -> Option<Removed> {
        self.vacate(&self.seat(session).filter(|seat| Arc::ptr_eq(&seat.facts, facts))?)
    }

    /// Calls `f` for each session that is meant, and says for how many.
    ///
    /// No lock is held then: `f` may use the pool. So a session may have left a moment ago, and one that
    /// comes meanwhile may be passed over. A group's strategy picks among those that are not excluded.
    pub fn for_each(
        &self,
        target: &Target,
        exclude: &Exclude<'_>,
        mut f: impl FnMut(SessionId, &H),
    ) -> usize {
        let excluded = Excluded::new(exclude);
        let mut seats = Vec::new();
        let mut hand_out = |seats: &mut Vec<Arc<Seat<H>>>| {
            seats.drain(..).map(|seat| f(seat.session, &seat.handle)).count()
        };
        match target {
            Target::Session(session) => {
                seats.extend(self.seat(*session).filter(|seat| excluded.admits(seat)));
            }
            Target::User(user) => self.users.read(user, |users| {
                let slots = users.get(user).map(Roster::slots).unwrap_or_default();
                let admitted = slots.iter().filter(|slot| excluded.admits(&slot.seat));
                seats.extend(admitted.map(|slot| Arc::clone(&slot.seat)));
            }),
            Target::Group(group) => self.groups.collect(group, &excluded, &mut seats),
            Target::All => {
                // Part by part, so that no list of all is made.
                let mut reached = 0;
                for number in 0..SHARDS {
                    self.sessions.nth(number, |sessions| {
                        let admitted = sessions.seats.values().filter(|seat| excluded.admits(seat));
                        seats.extend(admitted.cloned());
                    });
                    reached += hand_out(&mut seats);
                }
                return reached;
            }
        }
        hand_out(&mut seats)
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
        seat.groups(|joined| {
            let joined = joined.as_mut().ok_or(JoinError::UnknownSession)?;
            if joined.contains(group) {
                self.groups.reweigh(group, session, weight);
                return Ok(false);
            }
            if joined.len() >= max {
                return Err(JoinError::TooManyGroups { max });
            }
            self.groups.add(group, Arc::clone(&seat), weight);
            joined.push(group.clone());
            Ok(true)
        })
    }

    /// Lets a session leave a group. False if it was not in it.
    pub fn leave(&self, session: SessionId, group: &GroupId) -> bool {
        let Some(seat) = self.seat(session) else { return false };
        seat.groups(|joined| {
            let Some(joined) = joined else { return false };
            let Some(place) = joined.iter().position(|name| name == group) else { return false };
            joined.swap_remove(place);
            self.groups.remove(group, session);
            true
        })
    }

    /// Who is in a group, in no particular order.
    #[must_use]
    pub fn presence(&self, group: &GroupId) -> Vec<(UserId, SessionId)> {
        self.groups.presence(group)
    }

    /// The groups that a session is in, in no particular order.
    #[must_use]
    pub fn groups_of(&self, session: SessionId) -> Vec<GroupId> {
        let seat = self.seat(session);
        seat.and_then(|seat| seat.groups(|joined| joined.clone())).unwrap_or_default()
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
        self.seat(session).map(|seat| Arc::clone(&seat.facts))
    }

    /// How many sessions a user has.
    #[must_use]
    pub fn sessions_of(&self, user: &UserId) -> usize {
        self.users.read(user, |users| users.get(user).map_or(0, Roster::len))
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

    /// All connections, in no particular order. A walk over everything: for operators, not for messages.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.seats_where(|_| true).iter().map(|seat| connection(seat)).collect()
    }

    /// One connection.
    #[must_use]
    pub fn connection(&self, session: SessionId) -> Option<Connection> {
        self.seat(session).map(|seat| connection(&seat))
    }

    /// The idle sessions: no application message either way for `idle_after`, in no group, following no
    /// stream. They stay in the pool; closing them is up to the caller.
    #[must_use]
    pub fn sweep(&self, now: Instant, idle_after: Duration) -> Vec<(SessionId, H)>
    where
        H: Clone,
    {
        let quiet =
            |seat: &Seat<H>| seat.facts.following() == 0 && seat.facts.idle_for(now) >= idle_after;
        let mut seats = self.seats_where(quiet);
        seats.retain(|seat| !seat.is_in_a_group());
        seats.iter().map(|seat| (seat.session, seat.handle.clone())).collect()
    }

    /// The pool in figures. A walk over everything, a part at a time: the totals of bytes never go back.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (mut closed, mut all) = (Tally::default(), Tally::default());
        self.sessions.each(|sessions| {
            closed.merge(sessions.closed);
            sessions.seats.values().for_each(|seat| all.add(&seat.facts.snapshot()));
        });
        all.merge(closed);
        let mut connections_by_user = HashMap::new();
        self.users.each(|users| {
            connections_by_user
                .extend(users.iter().map(|(user, roster)| (user.clone(), roster.len())));
        });
        let total_connections = self.len();
        Stats {
            total_connections,
            max_connections: self.limits.max_connections,
            capacity_used_percent: percent(total_connections, self.limits.max_connections),
            unique_users: connections_by_user.len(),
            total_bytes_sent: all.sent,
            total_bytes_received: all.received,
            avg_bytes_per_connection: all.avg_bytes(),
            peak_connections: self.peak.load(Relaxed),
            connections_opened: all.connections,
            connections_by_user,
        }
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
        let session = seat.session;
        let groups = seat.groups(|joined| {
            let groups = joined.take()?;
            groups.iter().for_each(|group| self.groups.remove(group, session));
            self.users.write(&seat.user, |users| {
                self.sessions.write(&session, |sessions| {
                    sessions.seats.remove(&session);
                    sessions.closed.add(&seat.facts.snapshot());
                });
                let Some(roster) = users.get_mut(&seat.user) else { return };
                roster.remove(session);
                if roster.is_empty() {
                    users.remove(&seat.user);
                }
            });
            self.count.fetch_sub(1, Relaxed);
            Some(groups)
        })?;
        Some(Removed { user: seat.user.clone(), groups, facts: Arc::clone(&seat.facts) })
    }

    fn seat(&self, session: SessionId) -> Option<Arc<Seat<H>>> {
        self.sessions.read(&session, |sessions| sessions.seats.get(&session).cloned())
    }

    fn seats_where(&self, wanted: impl Fn(&Seat<H>) -> bool) -> Vec<Arc<Seat<H>>> {
        let mut seats = Vec::new();
        self.sessions.each(|sessions| {
            seats.extend(sessions.seats.values().filter(|seat| wanted(seat)).cloned());
        });
        seats
    }
}

fn connection<H>(seat: &Seat<H>) -> Connection {
    Connection {
        session: seat.session,
        user: seat.user.clone(),
        groups: seat.groups(|groups| groups.clone()).unwrap_or_default(),
        facts: seat.facts.snapshot(),
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
