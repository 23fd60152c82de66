//! What one address may ask for at the door: handshakes in a second, and connections at one time.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderValue, Request, StatusCode, header};
use tidegate_ratelimit::Network;
use tidegate_server::{Incoming, Peer, Problem};

use crate::app::App;
use crate::http::too_many_requests;
use crate::network::Berth;
use crate::observe::count;

/// When a client that has too many connections is asked to come again, in seconds.
const COME_AGAIN: HeaderValue = HeaderValue::from_static("5");

/// Where a connection comes from, noted in its request until the connection takes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrival {
    pub(crate) network: Option<Network>,
    /// Counts the connection for its network until it is dropped.
    _berth: Option<Arc<Berth>>,
}

/// Where a request comes from.
pub(crate) fn network<B>(request: &Request<B>) -> Option<Network> {
    request.extensions().get::<Peer>().map(|peer| Network::of(peer.0.ip()))
}

/// Lets a handshake pass if its address has not had its share of handshakes and connections.
pub(crate) fn limit_address(app: &App, request: &mut Request<Incoming>) -> Result<(), Problem> {
    let network = network(request);
    if let Err(refused) = app.live().shared_limits.handshake(network, Instant::now()) {
        count(&app.counts.refused_handshakes);
        return Err(too_many_requests("handshakes", &refused));
    }
    let max = app.live().config.pool.max_connections_per_ip;
    let berth = match network {
        Some(network) if max > 0 => {
            let berth =
                app.networks.enter(network, max).ok_or_else(|| too_many_connections(app))?;
            Some(Arc::new(berth))
        }
        _ => None,
    };
    request.extensions_mut().insert(Arrival { network, _berth: berth });
    Ok(())
}

fn too_many_connections(app: &App) -> Problem {
    count(&app.counts.refused_address);
    let detail = "this address has as many connections as it may have";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", detail)
        .with_header(header::RETRY_AFTER, COME_AGAIN)
}
