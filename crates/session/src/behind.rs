//! Since when a client is behind. Knows no session and no stream.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// A client that is behind for longer is slow: nobody waits for it.
const PATIENCE: Duration = Duration::from_millis(20);

/// Since when, for as long as it is. Asked only where an outbox is nearly full.
#[derive(Debug, Default)]
pub(crate) struct Behind(Mutex<Option<Instant>>);

impl Behind {
    pub(crate) fn note(&self, is_behind: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = is_behind.then(clock::now);
    }

    /// Whether it is behind since a moment ago; `None` if it is not behind.
    pub(crate) fn is_recent(&self) -> Option<bool> {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| clock::now().saturating_duration_since(since) < PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_behind_for_long_is_slow() {
        let behind = Behind::default();
        assert_eq!(behind.is_recent(), None);
        behind.note(true);
        assert_eq!(behind.is_recent(), Some(true));
        tokio::time::advance(PATIENCE * 2).await;
        assert_eq!(behind.is_recent(), Some(false));
        behind.note(false);
        assert_eq!(behind.is_recent(), None);
    }
}
