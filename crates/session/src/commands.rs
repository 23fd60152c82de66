//! What a session asks of the service that answers its client.

use std::time::Instant;

use tidegate_message::{Outcome, Request};
use tower_service::Service;

/// A service that answers the commands of one session.
pub trait Commands: Service<Request, Response = Outcome> {
    /// Nothing has come from the client for [`Settings::ping_interval`](crate::Settings::ping_interval), and it is asked
    /// for a sign of life: what can be made again may go. Called each time, from the session's task; it must not block.
    fn rest(&mut self, now: Instant) {
        let _ = now;
    }
}
