//! Where the session's time comes from: tokio's clock, which tests can pause. The cores know nothing of it.

use std::time::Instant;

/// The time now.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
