//! The raw echo: what the transport alone does, for measurements.

use std::time::Duration;

use tidegate_server::Upgrade;
use tidegate_ws::{Agreed, Event, Limits, Prepared, Role, Socket};

/// Answers that may wait before reading stops: a peer that does not read is not read.
const MAX_PENDING_BYTES: usize = 64 * 1024;

/// What a close handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends every message back as it came, until the client leaves. What came together is answered together.
pub(crate) async fn echo(upgrade: Upgrade, limits: Limits, deflate: Option<Agreed>) {
    let Ok((stream, read)) = upgrade.socket().await else { return };
    let mut socket = Socket::with_initial(stream, read, Role::Server, limits).deflate(deflate);
    while let Ok(event) = socket.next().await {
        let answer = match event {
            Event::Text(text) => Prepared::text(text),
            Event::Binary(bytes) => Prepared::binary(bytes),
            _ => continue,
        };
        socket.queue(answer);
        if socket.pending_bytes() >= MAX_PENDING_BYTES && socket.flush().await.is_err() {
            return;
        }
    }
    // Only for who broke a rule: its last bytes are read, so that no reset takes the close frame from it. Boxed: a
    // connection at rest has no room for its end.
    Box::pin(socket.close(1000, "", CLOSE_TIMEOUT)).await;
}
