//! What an operator asks: statistics, health, liveness, readiness.

use http::{Response, StatusCode};
use serde::Serialize;
use tidegate_server::{Body, Problem};

use super::reply::{json, with_type};
use crate::app::App;
use crate::stats::{self, Stats};

pub(crate) fn stats(app: &App) -> Response<Body> {
    json(StatusCode::OK, &stats::stats(app))
}

pub(crate) fn reset(app: &App) -> Response<Body> {
    #[derive(Serialize)]
    struct Reset {
        message: &'static str,
        stats: Stats,
    }
    app.codec.stats().reset();
    let stats = stats::stats(app);
    json(StatusCode::OK, &Reset { message: "WebSocket statistics reset successfully", stats })
}

pub(crate) fn health(app: &App) -> Response<Body> {
    json(StatusCode::OK, &stats::health(app))
}

pub(crate) fn live() -> Response<Body> {
    with_type("ok\n", "text/plain; charset=utf-8")
}

pub(crate) fn ready(app: &App) -> Result<Response<Body>, Problem> {
    if app.is_draining() {
        return Err(app.draining());
    }
    Ok(with_type("ready\n", "text/plain; charset=utf-8"))
}
