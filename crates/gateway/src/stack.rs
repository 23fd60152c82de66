//! What stands between a socket and a handler, top to bottom. Take a line out and its policy is gone.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use tidegate_message::{Outcome, Request as Command};
use tidegate_pool::AdmitLayer;
use tidegate_ratelimit::SessionLimitLayer;
use tidegate_server::{Body, Incoming};
use tidegate_session::Commands;
use tower::ServiceBuilder;
use tower::retry::RetryLayer;
use tower::util::{BoxCloneSyncService, option_layer};
use tower_service::Service;

use crate::accept::{
    AuthenticateLayer, ByPath, Upgrading, at_capacity, check_origin, hold, limit_address,
};
use crate::app::App;
use crate::around::around;
use crate::commands::{
    DeadlineLayer, Made, ObserveLayer, OnDemand, Refusal, Router, authorize, bytes_since,
};
use crate::connection::Me;
use crate::guard::guard;
use crate::http::{Api, cors, limit_api, observe};
use crate::pace::GiveWayLayer;
use crate::upstream::{
    BalanceLayer, Elsewhere, Failure, FirstByteLayer, Route, UpstreamRequest, UpstreamResponse,
};

/// The service of the listener. Boxed here, at the seam to the server.
pub type AcceptService = BoxCloneSyncService<Request<Incoming>, Response<Body>, Infallible>;

/// Per HTTP request: observe → address → admit → origin → authenticate → upgrade, or observe → cors → limit → API.
#[must_use]
pub fn accept(app: &Arc<App>) -> AcceptService {
    let [here, full, origin] = [(); 3].map(|()| Arc::clone(app));
    let sockets = ServiceBuilder::new()
        // First: an address that floods gets no place, not even one to be told that there is none.
        .layer(guard(move |request: &mut Request<Incoming>| limit_address(&here, request)))
        // Before any work: a gateway that is full spends nothing on a request, least of all a signature.
        .layer(AdmitLayer::new(app.gate.clone(), hold, move |none| Ok(at_capacity(&full, none))))
        // Before the token: a foreign page must not even learn whether its visitor's token is good.
        .layer(guard(move |request: &mut Request<Incoming>| check_origin(&origin, request)))
        // Last: from here on it is known who asks, or that the first message must say it.
        .layer(AuthenticateLayer(Arc::clone(app)))
        .service(Upgrading::new(app));
    let [page, caller] = [(); 2].map(|()| Arc::clone(app));
    let api = ServiceBuilder::new()
        // Outermost: a page may read refusals too. A preflight costs nothing.
        .layer(around(move |request: &Request<Incoming>| cors(&page, request)))
        // Before the key is judged: guessing at it is limited too.
        .layer(around(move |request: &Request<Incoming>| limit_api(&caller, request)))
        .service(Api::new(app));
    let accept = ServiceBuilder::new()
        // Outermost: it sees every request and the status of every answer.
        .layer(observe(app))
        .service(ByPath { echo: app.live().config.dev.echo, sockets, api });
    BoxCloneSyncService::new(accept)
}

/// The commands of a session; there is a stack for them while it gives some.
pub(crate) fn commands(
    me: Arc<Me>,
) -> impl Commands<Error = Refusal, Future: Unpin + Send> + Send + use<> {
    OnDemand::new(move || Made::new(session_stack(&me), forgets_after(&me.app)))
}

/// How long a session's limiters remember; `None`: for as long as it lives.
fn forgets_after(app: &App) -> Option<Duration> {
    // A new one would take all bytes since the session's beginning for those of its first command.
    let (None, (priced, free)) = (app.byte_limit(), app.limits()) else { return None };
    Some(priced.forgets_after().max(free.forgets_after()))
}

/// Per session: observe → byte limit → rate limit → shared limits → authorize → give way → deadline →
/// router. Not boxed inside: a message passes by calls alone.
fn session_stack(
    me: &Arc<Me>,
) -> impl Service<Command, Response = Outcome, Error = Refusal, Future: Unpin + Send> + Send + use<>
{
    let app = &me.app;
    let (priced, free) = app.limits();
    let cost = |request: &Command| if request.command.is_free() { [0, 1] } else { [1, 0] };
    let limit =
        SessionLimitLayer::new([priced, free], cost, Instant::now).totals(Arc::clone(&app.limited));
    let (shared, [who, leased]) =
        (Arc::clone(&app.live().shared_limits), [(); 2].map(|()| Arc::clone(me)));
    ServiceBuilder::new()
        // Outermost: refused commands count too.
        .layer(ObserveLayer(Arc::clone(me)))
        // First of the limits: what was read was read, whatever the others say of it.
        .layer(option_layer(app.byte_limit().map(|limit| {
            SessionLimitLayer::new([limit], bytes_since(&me.facts), Instant::now)
                .totals(Arc::clone(&app.limited_bytes))
        })))
        // Before any work: a flood costs a comparison a message.
        .layer(option_layer(app.live().config.rate_limit.enabled.then_some(limit)))
        // After the session's own: of what its user and address may do, a session gets no more than its own limit.
        .layer(option_layer(app.live().shared_limits.concern_commands().then(|| {
            guard(move |request: &mut Command| match request.command.is_free() {
                true => Ok(()),
                false => shared
                    .command(&who.identity.user, who.network, Instant::now())
                    .map_err(Refusal::from),
            })
        })))
        // After the limits, so that guessing at rights is limited too; by the rights of the last token.
        .layer(guard(move |request: &mut Command| {
            authorize(&leased.lease.identity(), &request.command).map_err(Refusal)
        }))
        // Who has just published is not read on before those it reached had their turn.
        .layer(GiveWayLayer)
        // Innermost: only the handler's own time counts.
        .layer(DeadlineLayer(app.live().config.session.command_timeout))
        .service(Router(Arc::clone(me)))
}

/// Per route: first byte in time → elsewhere → balance → reused connections.
pub(crate) fn upstream(
    app: &Arc<App>,
    route: &Arc<Route>,
) -> impl Service<UpstreamRequest, Response = UpstreamResponse, Error = Failure, Future: Send> + use<>
{
    let live = app.live();
    ServiceBuilder::new()
        // Outermost: the head of the answer must come in time, however many are asked for it; its body has limits of its own.
        .layer(FirstByteLayer(live.config.stream.first_byte_timeout))
        // Around the choice: another try is another upstream. What one may have begun to answer is not asked twice.
        .layer(RetryLayer::new(Elsewhere::new(app, route)))
        // Innermost: each try is somebody's success or failure.
        .layer(BalanceLayer(Arc::clone(route)))
        .service(live.routes.client.clone())
}
