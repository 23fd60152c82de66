//! How long a session's token is good, and what happens after that.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tidegate_message::{Close, CloseCode};
use tidegate_session::Alarm;

use crate::clock;
use crate::connection::Me;
use crate::identity::Identity;

/// Stands for a lease without an end.
const NEVER: u64 = u64::MAX;

/// Who a session is by its last token: its rights, and until when they hold.
///
/// Read once a command, by the session's own task alone, and written by a command of the same session: the lock
/// is never waited for.
#[derive(Debug)]
pub(crate) struct Lease {
    identity: RwLock<Arc<Identity>>,
    /// In Unix seconds.
    ends: AtomicU64,
}

impl Lease {
    pub(crate) fn new(identity: Arc<Identity>) -> Self {
        let ends = AtomicU64::new(end_of(&identity));
        Self { identity: RwLock::new(identity), ends }
    }

    /// Who the session is now.
    pub(crate) fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another token was shown: its rights and its end are in force from here on, also where they are less.
    pub(crate) fn renew(&self, identity: Arc<Identity>) {
        self.ends.store(end_of(&identity), Relaxed);
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// How much is left at the Unix time `now`; nothing to wait for if there is no end.
    fn left(&self, grace: Duration, now: Duration) -> Option<Duration> {
        let ends = self.ends.load(Relaxed);
        (ends != NEVER).then(|| Duration::from_secs(ends).saturating_add(grace).saturating_sub(now))
    }
}

fn end_of(identity: &Identity) -> u64 {
    identity.expires_at.unwrap_or(NEVER)
}

/// Ends a session when its lease and the grace are over. Looked at by the session's task after everything else it
/// does, so that a lease which was just renewed is seen.
#[derive(Debug, Default)]
pub(crate) struct Expiry {
    /// Only for a session that has an end.
    waiting: Option<Box<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    alarm: Alarm,
    /// The end for which the time was reckoned.
    ends: u64,
    /// By the monotonic clock.
    at: Instant,
}

impl Expiry {
    /// Asks the session to end, with 4101, once it is time; sees to it that the task is woken by then.
    pub(crate) fn look(&mut self, cx: &Context<'_>, me: &Me) {
        let Me { app, lease, handle, .. } = me;
        let ends = lease.ends.load(Relaxed);
        if ends == NEVER {
            self.waiting = None;
            return;
        }
        let now = Instant::now();
        let mut waiting = match self.waiting.take() {
            // The wall clock is asked again when the time has come: it may have been set meanwhile.
            Some(waiting) if waiting.ends == ends && now < waiting.at => waiting,
            _ => {
                let unix = Duration::from_millis(clock::unix_ms());
                let grace = app.live().config.auth.expiry_grace;
                let left = lease.left(grace, unix).unwrap_or(DAY).min(DAY);
                if left.is_zero() {
                    return handle.end(Close::new(CloseCode::TOKEN_EXPIRED, "token expired"));
                }
                Box::new(Waiting { alarm: app.ticks.alarm(), ends, at: now + left })
            }
        };
        // Pending: `now` is earlier.
        let _: Poll<()> = waiting.alarm.poll(cx, waiting.at, now);
        self.waiting = Some(waiting);
    }
}

/// Looked at again at least so often: instants do not reach to the end of all time.
const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Rights;
    use tidegate_message::UserId;

    fn until(expires_at: Option<u64>) -> Arc<Identity> {
        let user = UserId::new("42").unwrap();
        Arc::new(Identity { user, rights: Arc::new(Rights::all()), weight: 1, expires_at })
    }

    #[test]
    fn the_last_token_says_how_long_it_lasts_be_it_more_or_less() {
        let (grace, now) = (Duration::from_secs(5), Duration::from_secs(90));
        let lease = Lease::new(until(Some(100)));
        assert_eq!(lease.left(grace, now), Some(Duration::from_secs(15)));
        lease.renew(until(Some(200)));
        assert_eq!(lease.left(grace, now), Some(Duration::from_secs(115)));
        lease.renew(until(Some(80)));
        assert_eq!(lease.left(grace, now), Some(Duration::ZERO));
        assert_eq!(Lease::new(until(None)).left(grace, now), None);
    }
}
