//! What a command costs in bytes: what came in since the last one that paid, broken messages included. It knows no limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tidegate_message::Request;
use tidegate_pool::Facts;

/// The cost of the commands of one session. Free ones pass, and the next one pays for them.
pub(crate) fn bytes_since(facts: &Arc<Facts>) -> impl Fn(&Request) -> [u32; 1] + Clone + use<> {
    let (facts, paid) = (Arc::clone(facts), Arc::new(AtomicU64::new(0)));
    move |request| {
        if request.command.is_free() {
            return [0];
        }
        let received = facts.bytes_received();
        // Only the session's own task asks: nothing comes in between.
        let bytes = received.saturating_sub(paid.swap(received, Relaxed));
        [u32::try_from(bytes).unwrap_or(u32::MAX)]
    }
}
