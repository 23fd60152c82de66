//! Responses that handlers answer with.

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use tidegate_server::Body;

/// A JSON document that must not be cached.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // What is answered here are numbers, names and lists of them: they always have a JSON form.
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut response = with_type(body, "application/json");
    *response.status_mut() = status;
    response
}

/// A body of this media type that must not be cached.
pub(crate) fn with_type(body: impl Into<Body>, media_type: &'static str) -> Response<Body> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
