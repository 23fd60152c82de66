//! How long a session's token is good, and what happens after that.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tidegate_message::{Close, CloseCode};
use tidegate_session::Handle;
use tokio::time::sleep;

use crate::clock;

/// The end of a token, in Unix seconds; `u64::MAX` for a session without one.
#[derive(Debug)]
pub(crate) struct Lease(AtomicU64);

impl Lease {
    pub(crate) fn new(expires_at: Option<u64>) -> Self {
        Self(AtomicU64::new(expires_at.unwrap_or(u64::MAX)))
    }

    /// A newer token was shown. An older one does not shorten the lease.
    pub(crate) fn renew(&self, expires_at: Option<u64>) {
        self.0.fetch_max(expires_at.unwrap_or(u64::MAX), Relaxed);
    }

    /// Ends the session with 4101 when the lease and its grace are over.
    pub(crate) async fn expired(self: Arc<Self>, handle: Handle, grace: Duration) -> Infallible {
        loop {
            let end = Duration::from_secs(self.0.load(Relaxed)).saturating_add(grace);
            let left = end.saturating_sub(Duration::from_millis(clock::unix_ms()));
            if left.is_zero() {
                handle.end(Close::new(CloseCode::TOKEN_EXPIRED, "token expired"));
                pending::<()>().await;
            }
            // A day at a time: timers do not reach to the end of all time.
            sleep(left.min(Duration::from_secs(86_400))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_token_does_not_shorten_the_lease() {
        let lease = Lease::new(Some(100));
        lease.renew(Some(50));
        assert_eq!(lease.0.load(Relaxed), 100);
        lease.renew(Some(200));
        assert_eq!(lease.0.load(Relaxed), 200);
    }
}
