//! What a session is told about itself, and what it may agree to.

use tidegate_message::{Heartbeat, RequestId, SessionId, UserId, Welcome};
use tidegate_session::Features;

use crate::app::App;

/// The `welcome` of a session for which these features are in force.
pub(crate) fn welcome(
    app: &App,
    session: SessionId,
    user: &UserId,
    features: Features,
    id: Option<RequestId>,
) -> Box<Welcome> {
    let heartbeat = &app.live().config.heartbeat;
    let ms =
        |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Box::new(Welcome {
        id,
        protocol: "tidegate.v1",
        session,
        user: user.clone(),
        heartbeat: Heartbeat {
            interval_ms: ms(heartbeat.ping_interval),
            timeout_ms: ms(heartbeat.ping_timeout),
        },
        agreed: features.names(),
    })
}
