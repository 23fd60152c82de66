//! Errors of the HTTP side as RFC 9457 problem documents.

use std::borrow::Cow;

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::Body;

/// A problem: a status, a code for software and a sentence for a person.
///
/// ```
/// use http::StatusCode;
/// use tidegate_server::Problem;
/// let response = Problem::new(StatusCode::FORBIDDEN, "forbidden", "origin not listed").response();
/// assert_eq!(response.status(), 403);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[derive(Clone, Debug)]
pub struct Problem(Box<Document>);

#[derive(Clone, Debug, Serialize)]
struct Document {
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    #[serde(skip)]
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem of the type `about:blank` (RFC 9457 section 4.2.1): its title is the status's phrase.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self(Box::new(Document { title, status, code, detail: detail.into(), headers: Vec::new() }))
    }

    /// The same, with one more header that goes along: `Retry-After`, `Allow`, `WWW-Authenticate`, …
    #[must_use]
    pub fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The problem as a response.
    #[must_use]
    pub fn response(self) -> Response<Body> {
        self.bytes().map(Body::from)
    }

    pub(crate) fn bytes(self) -> Response<Vec<u8>> {
        // Strings and a number always have a JSON form.
        let mut response = Response::new(serde_json::to_vec(&self.0).unwrap_or_default());
        *response.status_mut() = self.0.status;
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        for (name, value) in self.0.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
