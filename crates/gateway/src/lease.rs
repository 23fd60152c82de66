//! How long a session's token is good, and what happens after that.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tidegate_message::{Close, CloseCode};
use tidegate_session::Handle;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::clock;
use crate::identity::Identity;

/// Who a session is by its last token: its rights, and until when they hold.
///
/// Read once a command, by the session's own task alone, and written by a command of the same session: the lock
/// is never waited for.
#[derive(Debug)]
pub(crate) struct Lease {
    identity: RwLock<Arc<Identity>>,
    renewed: Notify,
}

impl Lease {
    pub(crate) fn new(identity: Arc<Identity>) -> Self {
        Self { identity: RwLock::new(identity), renewed: Notify::new() }
    }

    /// Who the session is now.
    pub(crate) fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another token was shown: its rights and its end are in force from here on, also where they are less.
    pub(crate) fn renew(&self, identity: Arc<Identity>) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
        self.renewed.notify_one();
    }

    /// Ends the session with 4101 when the lease and its grace are over.
    pub(crate) async fn expired(self: Arc<Self>, handle: Handle, grace: Duration) -> Infallible {
        loop {
            let left = self.left(grace, Duration::from_millis(clock::unix_ms()));
            if left.is_zero() {
                handle.end(Close::new(CloseCode::TOKEN_EXPIRED, "token expired"));
                pending::<()>().await;
            }
            // A day at a time: timers do not reach to the end of all time.
            let wait = sleep(left.min(Duration::from_secs(86_400)));
            tokio::select! {
                () = wait => {}
                () = self.renewed.notified() => {}
            }
        }
    }

    /// How much is left at the Unix time `now`; without a token, as much as there can be.
    fn left(&self, grace: Duration, now: Duration) -> Duration {
        let end = self.identity().expires_at.map_or(Duration::MAX, Duration::from_secs);
        end.saturating_add(grace).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Rights;
    use tidegate_message::UserId;

    fn until(expires_at: Option<u64>) -> Arc<Identity> {
        let user = UserId::new("42").unwrap();
        Arc::new(Identity { user, rights: Rights::all(), weight: 1, expires_at })
    }

    #[test]
    fn the_last_token_says_how_long_it_lasts_be_it_more_or_less() {
        let (grace, now) = (Duration::from_secs(5), Duration::from_secs(90));
        let lease = Lease::new(until(Some(100)));
        assert_eq!(lease.left(grace, now), Duration::from_secs(15));
        lease.renew(until(Some(200)));
        assert_eq!(lease.left(grace, now), Duration::from_secs(115));
        lease.renew(until(Some(80)));
        assert_eq!(lease.left(grace, now), Duration::ZERO);
        assert_eq!(Lease::new(until(None)).left(grace, now), Duration::MAX - now);
    }
}
