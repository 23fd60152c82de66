//! Which pages may read the answers that are meant for clients (the Fetch standard's CORS protocol). The origins are those
//! that may connect; no credentials are ever let in, so that no page acts as its visitor.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tidegate_server::{Body, Problem};

use crate::accept::{allows_origin, origin_refused};
use crate::app::App;

/// The paths that a page may read. Everything else is for servers.
const FOR_PAGES: [&str; 4] =
    ["/api/websocket/health", "/api/websocket/stats", "/ws/stats", "/api/v1/ws/stats"];
/// How long a browser may keep the answer to a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Answers preflights, and names the page that may read the answer.
pub(crate) fn cors<B>(
    app: &App,
    request: &Request<B>,
) -> Result<impl FnOnce(&mut Response<Body>) + use<B>, Box<Response<Body>>> {
    let for_pages = FOR_PAGES.contains(&request.uri().path());
    let origin = request.headers().get(header::ORIGIN).filter(|_| for_pages);
    let allowed = origin.filter(|_| allows_origin(app, request)).cloned();
    if origin.is_some() && is_preflight(request) {
        return Err(Box::new(preflight(allowed)));
    }
    Ok(move |response: &mut Response<Body>| {
        if for_pages {
            name_page(response.headers_mut(), allowed);
        }
    })
}

fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(allowed: Option<HeaderValue>) -> Response<Body> {
    let mut response = match allowed {
        Some(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            let headers = response.headers_mut();
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization"),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            response
        }
        None => Problem::response(origin_refused()),
    };
    name_page(response.headers_mut(), allowed);
    response
}

/// The answer depends on the origin, also where that gets nothing: a cache must know.
fn name_page(headers: &mut HeaderMap, allowed: Option<HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("ratelimit, ratelimit-policy, retry-after"),
        );
    }
}
