//! The bodies of requests: read whole under the configured limit, and parsed as JSON.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde::Deserialize;
use tidegate_server::{BodyError, Incoming, Problem, read_body};

use crate::app::App;

/// A request's whole body; 413 beyond `listen.max_body_bytes`.
pub(super) async fn whole(app: &App, request: Request<Incoming>) -> Result<Bytes, Problem> {
    let limit = app.live().config.listen.max_body_bytes.bytes();
    read_body(request.into_body(), limit).await.map_err(|error| match error {
        BodyError::TooLarge { .. } => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.to_string())
        }
        _ => malformed(error.to_string()),
    })
}

/// A body as a value.
pub(super) fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
}

/// The answer to a request that is wrong.
pub(super) fn malformed(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
}
