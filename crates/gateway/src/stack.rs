//! What stands between a socket and a handler, top to bottom. Take a line out and its policy is gone.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use http::{Request, Response};
use tidegate_message::{Outcome, Request as Command};
use tidegate_pool::AdmitLayer;
use tidegate_ratelimit::{Cost, RateLimitLayer};
use tidegate_server::{Body, Incoming};
use tower::ServiceBuilder;
use tower::util::{BoxCloneSyncService, option_layer};
use tower_service::Service;

use crate::accept::{AuthenticateLayer, ByPath, Upgrading, at_capacity, check_origin, hold};
use crate::app::App;
use crate::commands::{DeadlineLayer, ObserveLayer, Refusal, Router, authorize};
use crate::connection::Me;
use crate::guard::guard;
use crate::http::{Api, observe};
use crate::upstream::{FirstByteLayer, Route, UpstreamService};

/// The service of the listener. Boxed here, at the seam to the server.
pub type AcceptService = BoxCloneSyncService<Request<Incoming>, Response<Body>, Infallible>;

/// Per HTTP request: observe → admit → origin → authenticate → upgrade, or the API.
#[must_use]
pub fn accept(app: &Arc<App>) -> AcceptService {
    let (full, origin) = (Arc::clone(app), Arc::clone(app));
    let sockets = ServiceBuilder::new()
        // First: a gateway that is full spends nothing on a request, least of all a signature.
        .layer(AdmitLayer::new(app.gate.clone(), hold, move |none| Ok(at_capacity(&full, none))))
        // Before the token: a foreign page must not even learn whether its visitor's token is good.
        .layer(guard(move |request: &mut Request<Incoming>| check_origin(&origin, request)))
        // Last: from here on it is known who asks, or that the first message must say it.
        .layer(AuthenticateLayer(Arc::clone(app)))
        .service(Upgrading::new(app));
    let accept = ServiceBuilder::new()
        // Outermost: it sees every request and the status of every answer.
        .layer(observe(app))
        .service(ByPath { echo: app.config.dev.echo, sockets, api: Api::new(app) });
    BoxCloneSyncService::new(accept)
}

/// Per session: observe → rate limit → authorize → deadline → router. Not boxed: a message passes by calls alone.
pub(crate) fn commands(
    app: &Arc<App>,
    me: &Me,
) -> impl Service<Command, Response = Outcome, Error = Refusal, Future: Unpin + Send> + Send + use<>
{
    let (priced, free) = app.limits();
    let cost = |request: &Command| {
        if request.command.is_free() { Cost::Free } else { Cost::Units(1) }
    };
    let limit =
        RateLimitLayer::new(priced, free, cost, Instant::now).totals(Arc::clone(&app.limited));
    let lease = Arc::clone(&me.lease);
    ServiceBuilder::new()
        // Outermost: refused commands count too.
        .layer(ObserveLayer { app: Arc::clone(app), facts: Arc::clone(&me.facts) })
        // Before any work: a flood costs a comparison a message.
        .layer(option_layer(app.config.rate_limit.enabled.then_some(limit)))
        // After the limit, so that guessing at rights is limited too; by the rights of the last token.
        .layer(guard(move |request: &mut Command| {
            authorize(&lease.identity(), &request.command).map_err(Refusal)
        }))
        // Innermost: only the handler's own time counts.
        .layer(DeadlineLayer(app.config.session.command_timeout))
        .service(Router { app: Arc::clone(app), me: me.clone() })
}

/// Per route: first byte in time → reused connections. Nothing is tried twice: a question asked again is paid again.
pub(crate) fn upstream(app: &App, _route: &Route) -> UpstreamService {
    ServiceBuilder::new()
        // The head of the answer must come in time; its body has limits of its own.
        .layer(FirstByteLayer(app.config.stream.first_byte_timeout))
        .service(app.routes.client.clone())
}
