//! The demonstration page and its two files, served from the binary.

use http::{HeaderValue, Response, header};
use tidegate_server::Body;

use super::reply::with_type;
use crate::demo::Asset;

/// Everything the page needs comes from here; nothing else may run in it.
const POLICY: &str =
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn asset(asset: &Asset) -> Response<Body> {
    let mut response = with_type(asset.text, asset.media_type);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
