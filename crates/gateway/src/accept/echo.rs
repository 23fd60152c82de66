//! The raw echo: what the transport alone does, for measurements.

use tidegate_server::Upgrade;
use tidegate_ws::{Event, Limits, Prepared, Role, Socket};

/// Sends every message back as it came, until the client leaves. Reads on only when all is written.
pub(crate) async fn echo(upgrade: Upgrade, limits: Limits) {
    let Ok((stream, read)) = upgrade.socket().await else { return };
    let mut socket = Socket::with_initial(stream, read, Role::Server, limits);
    while let Ok(event) = socket.next().await {
        match event {
            Event::Text(text) => socket.queue(Prepared::text(text)),
            Event::Binary(bytes) => socket.queue(Prepared::binary(bytes)),
            _ => {}
        }
        if socket.flush().await.is_err() {
            return;
        }
    }
}
