//! What operators ask: who is connected, who is idle or silent, and the pool in figures. Walks over everything, a part at a
//! time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tidegate_message::SessionId;

use crate::pool::Pool;
use crate::seat::Seat;
use crate::stats::{Tally, percent};
use crate::sync::Arc;
use crate::{Connection, ConnectionId, Stats};

impl<H> Pool<H> {
    /// All connections, in no particular order. A walk over everything: for operators, not for messages.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        let seats = self.sessions.each(|part| part.seats().cloned().collect::<Vec<_>>());
        seats.flatten().map(|seat| connection(&seat)).collect()
    }

    /// One connection.
    #[must_use]
    pub fn connection(&self, session: SessionId) -> Option<Connection> {
        self.seat(session).map(|seat| connection(&seat))
    }

    /// The idle sessions: no application message either way for `idle_after`, in no group, following no
    /// stream. They stay in the pool, and are found again by the next sweep; closing them is up to the caller.
    ///
    /// A sweep looks at those alone whose last known activity is so long ago: it costs what it finds, and one
    /// look for each busy session in `idle_after`, however often is swept. So a session that leaves its last
    /// group, or unfollows its last stream, without any message may be found up to `idle_after` later.
    #[must_use]
    pub fn sweep(&self, now: Instant, idle_after: Duration) -> Vec<(ConnectionId, H)>
    where
        H: Clone,
    {
        let (at, mut found) = (self.moment(now), Vec::new());
        self.sessions.each_mut(|part| part.idle(at, idle_after, &mut found));
        handles(&found)
    }

    /// Counts a ping that was sent to a session, for [`sweep_stale`](Self::sweep_stale). False if it is not here.
    pub fn pinged(&self, session: SessionId, now: Instant) -> bool {
        let at = self.moment(now);
        self.sessions.write(&session, |part| part.ping(session, at))
    }

    /// The stale sessions: pinged, and silent for `timeout` since. They are marked so, and stay in the pool until the
    /// caller removes them.
    ///
    /// Only pings that were noted by [`pinged`](Self::pinged) count. A sweep looks at those alone that are
    /// older than `timeout`, and at each that was answered once.
    #[must_use]
    pub fn sweep_stale(&self, now: Instant, timeout: Duration) -> Vec<(ConnectionId, H)>
    where
        H: Clone,
    {
        let (at, mut found) = (self.moment(now), Vec::new());
        self.sessions.each_mut(|part| part.stale(at, timeout, &mut found));
        handles(&found)
    }

    /// The pool in figures. A walk over everything, a part at a time: the totals of bytes never go back.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut all = Tally::default();
        self.sessions.each(|part| part.tally()).for_each(|part| all.merge(part));
        let sizes = self.users.each(|users| users.sizes().collect::<Vec<_>>());
        let connections_by_user: HashMap<_, _> = sizes.flatten().collect();
        let (total_connections, max_connections) = (self.len(), self.limits().max_connections);
        Stats {
            total_connections,
            max_connections,
            capacity_used_percent: percent(total_connections, max_connections),
            unique_users: connections_by_user.len(),
            total_bytes_sent: all.sent,
            total_bytes_received: all.received,
            avg_bytes_per_connection: all.avg_bytes(),
            peak_connections: self.peak(),
            connections_opened: all.connections,
            connections_by_user,
        }
    }
}

/// Handles are cloned here, where no lock is held: it is the caller's code.
fn handles<H: Clone>(seats: &[Arc<Seat<H>>]) -> Vec<(ConnectionId, H)> {
    seats.iter().map(|seat| (seat.id, seat.handle.clone())).collect()
}

fn connection<H>(seat: &Seat<H>) -> Connection {
    Connection {
        session: seat.id.session(),
        id: seat.id,
        user: seat.user.clone(),
        groups: seat.groups(),
        facts: seat.facts.snapshot(),
    }
}
