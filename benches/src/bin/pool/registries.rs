//! The registries that are measured: ours, and two as they are written by hand on concurrent maps.

use std::sync::Arc;
use std::time::Instant;

use tidegate_message::{SessionId, UserId};
use tidegate_pool::{Exclude, Facts, Limits, Member, Pool, Target};

pub fn session(number: u64) -> SessionId {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    bytes[8..].copy_from_slice(&(number as u32).to_be_bytes());
    SessionId::from_random(bytes)
}

pub fn user(number: u64) -> UserId {
    UserId::new(&format!("user {number}")).expect("a name")
}

/// What stands in for a registry: sessions by id and by user, with limits in ours alone.
pub trait Registry: Default + Send + Sync + 'static {
    fn insert(&self, session: SessionId, user: UserId, now: Instant);
    fn remove(&self, session: SessionId);
    fn find(&self, session: SessionId) -> Option<Arc<Facts>>;
    /// Everybody, with something of theirs that is reached through their record.
    fn each(&self, f: impl FnMut(SessionId, u64));
}

pub struct Ours(pub Pool<u64>);

impl Default for Ours {
    fn default() -> Self {
        let limits = Limits {
            max_connections: 10_000_000,
            max_connections_per_user: 5,
            max_groups_per_session: 9,
        };
        Self(Pool::new(limits).expect("limits that work"))
    }
}

impl Registry for Ours {
    fn insert(&self, session: SessionId, user: UserId, now: Instant) {
        let _ = self.0.insert(Member { session, user, weight: 1, now, at_ms: 0 }, 7);
    }
    fn remove(&self, session: SessionId) {
        self.0.remove(session);
    }
    fn find(&self, session: SessionId) -> Option<Arc<Facts>> {
        self.0.facts(session)
    }
    fn each(&self, mut f: impl FnMut(SessionId, u64)) {
        self.0.for_each(&Target::All, &Exclude::NONE, |session, handle| f(session, *handle));
    }
}

type Record = (UserId, Arc<Facts>);

#[derive(Default)]
pub struct OnDashmap {
    sessions: dashmap::DashMap<SessionId, Record>,
    users: dashmap::DashMap<UserId, Vec<SessionId>>,
}

impl Registry for OnDashmap {
    fn insert(&self, session: SessionId, user: UserId, now: Instant) {
        self.users.entry(user.clone()).or_default().push(session);
        self.sessions.insert(session, (user, Arc::new(Facts::new(now, 0))));
    }
    fn remove(&self, session: SessionId) {
        let Some((_, (user, _))) = self.sessions.remove(&session) else { return };
        self.users.remove_if_mut(&user, |_, of| {
            of.retain(|other| *other != session);
            of.is_empty()
        });
    }
    fn find(&self, session: SessionId) -> Option<Arc<Facts>> {
        self.sessions.get(&session).map(|record| Arc::clone(&record.1))
    }
    fn each(&self, mut f: impl FnMut(SessionId, u64)) {
        self.sessions.iter().for_each(|record| f(*record.key(), record.1.bytes_received()));
    }
}

#[derive(Default)]
pub struct OnScc {
    sessions: scc::HashMap<SessionId, Record>,
    users: scc::HashMap<UserId, Vec<SessionId>>,
}

impl Registry for OnScc {
    fn insert(&self, session: SessionId, user: UserId, now: Instant) {
        self.users.entry_sync(user.clone()).or_default().push(session);
        let _ = self.sessions.insert_sync(session, (user, Arc::new(Facts::new(now, 0))));
    }
    fn remove(&self, session: SessionId) {
        let Some((_, (user, _))) = self.sessions.remove_sync(&session) else { return };
        self.users.remove_if_sync(&user, |of| {
            of.retain(|other| *other != session);
            of.is_empty()
        });
    }
    fn find(&self, session: SessionId) -> Option<Arc<Facts>> {
        self.sessions.read_sync(&session, |_, record| Arc::clone(&record.1))
    }
    fn each(&self, mut f: impl FnMut(SessionId, u64)) {
        self.sessions.iter_sync(|session, record| {
            f(*session, record.1.bytes_received());
            true
        });
    }
}
