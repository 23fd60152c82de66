//! What an operator asks: statistics, health, liveness, readiness.

use http::{HeaderValue, Response, StatusCode, header};
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
        let detail = "the gateway is shutting down";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1")));
    }
    Ok(with_type("ready\n", "text/plain; charset=utf-8"))
}
