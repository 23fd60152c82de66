//! Which pages may connect: a browser sends its page's origin and cannot lie about it (RFC 6455 section 10.2).

use http::{Request, StatusCode, header};
use tidegate_server::{Incoming, Problem};

use crate::access::{host_of, is_loopback_host};
use crate::app::App;
use crate::observe::count;

/// Lets a request pass if it comes from no page, from the gateway's own, or from one that is listed.
pub(crate) fn check_origin(app: &App, request: &Request<Incoming>) -> Result<(), Problem> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    if allows_origin(app, request) {
        return Ok(());
    }
    count(&app.counts.refused_origins);
    tracing::warn!(?origin, "origin refused; to allow it, add it to `listen.allowed_origins`");
    Err(origin_refused())
}

/// Whether the request comes from a page that may connect.
pub(crate) fn allows_origin<B>(app: &App, request: &Request<B>) -> bool {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).unwrap_or_default();
    is_allowed(
        origin,
        text(header::HOST),
        app.is_local(),
        &app.live().config.listen.allowed_origins,
    )
}

/// The answer to a page that may not connect.
pub(crate) fn origin_refused() -> Problem {
    let detail = "this origin is not allowed to connect";
    Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail)
}

/// While listening on loopback, a page's host must be loopback too: a name that an attacker points at
/// 127.0.0.1 is "its own" by the `Host` header alone.
fn is_allowed(origin: &str, host: Option<&str>, local: bool, listed: &[String]) -> bool {
    if listed.iter().any(|entry| entry == "*" || entry.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let Some((_, authority)) = origin.split_once("://") else { return false };
    if local {
        is_loopback_host(host_of(authority))
    } else {
        host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_in_its_own_pages_and_listed_ones_alone() {
        let listed = ["https://chat.example.com".to_owned()];
        for (origin, host, local, expected) in [
            ("http://gate.example.com:8765", "gate.example.com:8765", false, true),
            ("https://chat.example.com", "gate.example.com", false, true),
            ("https://evil.example.com", "gate.example.com", false, false),
            ("http://localhost:3000", "127.0.0.1:8765", true, true),
            ("http://[::1]:3000", "127.0.0.1:8765", true, true),
            ("http://localhost:3000", "gate.example.com", false, false),
            ("null", "127.0.0.1:8765", true, false),
            ("", "127.0.0.1:8765", true, false),
        ] {
            assert_eq!(is_allowed(origin, Some(host), local, &listed), expected, "{origin} {host}");
        }
    }

    #[test]
    fn a_foreign_name_for_loopback_is_not_its_own() {
        let name = "rebound.example.com:8765";
        assert!(!is_allowed(&format!("http://{name}"), Some(name), true, &[]));
    }
}
