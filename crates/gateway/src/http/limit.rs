//! The HTTP API's own limit, and how any limit is told over HTTP: the fields `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-10) and `Retry-After`.

use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use tidegate_ratelimit::{Limit, Refused, Verdict};
use tidegate_server::{Body, Problem};

use crate::accept::network;
use crate::access::has_key;
use crate::app::App;
use crate::shared_limits::Caller;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Paths that answer whether the gateway lives: they are asked by machines, cost nothing, and must not lie.
const UNLIMITED: [&str; 2] = ["/livez", "/readyz"];

/// Counts a request to the API, and gives the fields for its answer; refuses it with 429.
pub(crate) fn limit_api<B>(
    app: &App,
    request: &Request<B>,
) -> Result<impl FnOnce(&mut Response<Body>) + use<B>, Box<Response<Body>>> {
    let live = app.live();
    let limit = live.shared_limits.api.keyed();
    let path = request.uri().path();
    // The gateway asks its own demonstration agent by itself.
    let unlimited = UNLIMITED.contains(&path) || path == crate::demo::AGENT_PATH;
    let told = match limit.filter(|_| !unlimited) {
        Some(keyed) => {
            let caller = caller(app, request);
            let verdict = keyed.check(&caller, Instant::now(), 1);
            verdict
                .into_result(keyed.limit())
                .map_err(|refused| Box::new(too_many_requests("api", &refused).response()))?;
            Some((keyed.limit(), verdict))
        }
        None => None,
    };
    Ok(move |response: &mut Response<Body>| {
        if let Some((limit, verdict)) = told {
            tell(response.headers_mut(), "api", limit, verdict);
        }
    })
}

/// The answer to a request over a limit of that name.
pub(crate) fn too_many_requests(name: &str, refused: &Refused) -> Problem {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut problem = Problem::new(status, "rate_limited", refused.to_string());
    let wait = refused.verdict.retry_after_secs().unwrap_or(1);
    problem = problem.with_header(header::RETRY_AFTER, HeaderValue::from(wait));
    let mut fields = HeaderMap::new();
    tell(&mut fields, name, refused.limit, refused.verdict);
    fields
        .iter()
        .fold(problem, |problem, (name, value)| problem.with_header(name.clone(), value.clone()))
}

fn caller<B>(app: &App, request: &Request<B>) -> Caller {
    if has_key(request, &app.live().api_key) {
        Caller::Key
    } else {
        Caller::Address(network(request))
    }
}

/// The policy is what passes in any window, the burst included; its window stands there if it is whole seconds.
fn tell(fields: &mut HeaderMap, name: &str, limit: Limit, verdict: Verdict) {
    let window = limit.window();
    let window = match window.subsec_nanos() {
        0 => format!(";w={}", window.as_secs()),
        _ => String::new(),
    };
    let (remaining, reset) = match verdict {
        Verdict::Allowed { remaining, reset } => {
            (remaining, reset.as_secs() + u64::from(reset.subsec_nanos() > 0))
        }
        Verdict::Limited { .. } | Verdict::Blocked { .. } => {
            (0, verdict.retry_after_secs().unwrap_or(1))
        }
    };
    let policy = format!("\"{name}\";q={}{window}", limit.capacity());
    let state = format!("\"{name}\";r={remaining};t={reset}");
    for (field, value) in [(POLICY, policy), (STATE, state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            fields.insert(field, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn tells_the_policy_and_what_is_left_of_it() {
        let limit = Limit::new(30, Duration::from_secs(60)).burst(5);
        let mut fields = HeaderMap::new();
        let verdict = Verdict::Allowed { remaining: 34, reset: Duration::from_millis(59_001) };
        tell(&mut fields, "api", limit, verdict);
        assert_eq!(fields[POLICY], r#""api";q=35;w=60"#);
        assert_eq!(fields[STATE], r#""api";r=34;t=60"#);
    }

    #[test]
    fn a_refusal_has_nothing_left_and_says_when() {
        let limit = Limit::new(1, Duration::from_millis(1500));
        let verdict = Verdict::Limited { retry_after: Duration::from_millis(1200) };
        let refused = verdict.into_result(limit).unwrap_err();
        let response = too_many_requests("api", &refused).response();
        let field = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(response.status(), 429);
        assert_eq!(field("retry-after"), "2");
        assert_eq!(field("ratelimit-policy"), r#""api";q=1"#);
        assert_eq!(field("ratelimit"), r#""api";r=0;t=2"#);
    }
}
