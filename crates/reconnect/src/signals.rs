//! Hints on their way to a loop that waits. It does not know what they lead to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::Hint;

const NONE: u8 = 0;
const VISIBLE: u8 = 1;
const NETWORK_BACK: u8 = 2;

/// Gives hints to a [`Connector`](crate::Connector) from anywhere. Clones give to the same one.
///
/// A hint given while an attempt is made counts for the wait after it; one given while a connection
/// stands is forgotten.
#[derive(Clone, Debug, Default)]
pub struct Signals(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The strongest hint that nobody has taken.
    hint: AtomicU8,
    given: Notify,
}

impl Signals {
    /// Gives a hint. Of several that nobody has taken yet, [`Hint::NetworkBack`] stays.
    pub fn give(&self, hint: Hint) {
        let hint = match hint {
            Hint::Visible => VISIBLE,
            Hint::NetworkBack => NETWORK_BACK,
        };
        self.0.hint.fetch_max(hint, Ordering::Release);
        self.0.given.notify_one();
    }

    /// Waits for a hint and takes it. Dropped before it is done, it has taken none.
    pub(crate) async fn next(&self) -> Hint {
        loop {
            match self.0.hint.swap(NONE, Ordering::Acquire) {
                VISIBLE => return Hint::Visible,
                NETWORK_BACK => return Hint::NetworkBack,
                _ => self.0.given.notified().await,
            }
        }
    }

    pub(crate) fn forget(&self) {
        self.0.hint.store(NONE, Ordering::Relaxed);
    }
}
