//! The planned end: sessions are told, then closed, and what they wait for is still written.

use std::sync::Arc;
use std::time::Duration;

use tidegate_message::{Close, CloseCode, Event};
use tidegate_pool::{Exclude, Target};
use tidegate_session::{Message, Outbound, Shared};
use tokio::time::{Instant, sleep};

use crate::app::App;

/// How often it is looked whether all have gone.
const LOOK: Duration = Duration::from_millis(20);

/// Says `goaway` to all sessions, lets runs end in the time there is, closes with 1001, and waits for the
/// sessions to be gone; `drain_timeout` in all.
///
/// # Cancel safety
/// Cancelling leaves the sessions as they are.
pub(crate) async fn drain(app: &Arc<App>) {
    let timeout = app.config.drain_timeout;
    let end = Instant::now() + timeout;
    app.start_draining();
    let goaway = Event::Goaway {
        reason: "the gateway is shutting down".into(),
        reconnect_after_ms: 0,
        jitter_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
        resume: false,
    };
    let goaway = Arc::new(Shared::new(Message::new(&goaway)));
    let sessions = app.pool.for_each(&Target::All, &Exclude::NONE, |_, handle| {
        // A full outbox ends its session as a slow consumer: nothing more can be said to it.
        let _ = handle.send(Outbound::Shared(Arc::clone(&goaway)));
    });
    tracing::info!(sessions, runs = app.runs.len(), "draining");
    let close_by = end - app.config.session.close_timeout.min(timeout / 2);
    while app.runs.len() > 0 && Instant::now() < close_by {
        sleep(LOOK).await;
    }
    app.pool.for_each(&Target::All, &Exclude::NONE, |_, handle| {
        handle.end(Close::new(CloseCode::GOING_AWAY, "the gateway is shutting down"));
    });
    while !app.pool.is_empty() && Instant::now() < end {
        sleep(LOOK).await;
    }
    tracing::info!(left = app.pool.len(), "drained");
}
