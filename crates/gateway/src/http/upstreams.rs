//! The routes' upstreams as an operator sees them: how each does, and who stands aside (P9).

use std::time::Instant;

use http::{Response, StatusCode, Uri};
use serde::Serialize;
use tidegate_pool::balance::UpstreamState;
use tidegate_server::Body;

use super::reply::json;
use crate::access::without_query;
use crate::app::App;

#[derive(Serialize)]
struct Routes<'a> {
    routes: Vec<Route<'a>>,
}

#[derive(Serialize)]
struct Route<'a> {
    route: &'a str,
    strategy: &'static str,
    upstreams: Vec<Upstream>,
}

#[derive(Serialize)]
struct Upstream {
    /// Without its query, which may hold a key.
    address: String,
    weight: u32,
    is_ejected: bool,
    in_flight: u32,
    requests: u64,
    failed: u64,
    failures_in_a_row: u32,
    latency_ms: f64,
}

impl From<(&Uri, UpstreamState)> for Upstream {
    fn from((address, state): (&Uri, UpstreamState)) -> Self {
        Self {
            address: without_query(address),
            weight: state.weight,
            is_ejected: state.is_ejected,
            in_flight: state.in_flight,
            requests: state.requests,
            failed: state.failed,
            failures_in_a_row: state.failures,
            latency_ms: (state.latency.as_secs_f64() * 10_000.0).round() / 10.0,
        }
    }
}

/// All routes by their names, their upstreams in the configured order.
pub(super) fn list(app: &App) -> Response<Body> {
    let (live, now) = (app.live(), Instant::now());
    let routes = live.routes.all().into_iter().map(|route| Route {
        route: &route.name,
        strategy: route.strategy.word(),
        upstreams: route.upstreams.states(now).map(Upstream::from).collect(),
    });
    json(StatusCode::OK, &Routes { routes: routes.collect() })
}
