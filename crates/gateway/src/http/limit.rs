//! The HTTP API's own limit, and the problem document that a refusal by any limit becomes over HTTP.

use std::time::Instant;

use http::{Request, Response};
use tidegate_ratelimit::{Refused, Standing, write_fields};
use tidegate_server::{Body, Problem};

use crate::accept::network;
use crate::access::has_key;
use crate::app::App;
use crate::shared_limits::Caller;

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
            let standing = Standing { policy: "api", limit, verdict };
            write_fields(response.headers_mut(), &[standing]);
        }
    })
}

/// The answer to a request over a limit of that name.
pub(crate) fn too_many_requests(name: &'static str, refused: &Refused) -> Problem {
    let told = tidegate_ratelimit::too_many_requests::<()>(&refused.named(name));
    let problem = Problem::new(told.status(), "rate_limited", refused.to_string());
    let headers = told.headers().iter();
    headers.fold(problem, |problem, (name, value)| problem.with_header(name.clone(), value.clone()))
}

fn caller<B>(app: &App, request: &Request<B>) -> Caller {
    if has_key(request, &app.live().api_key) {
        Caller::Key
    } else {
        Caller::Address(network(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tidegate_ratelimit::{Limit, Verdict};

    #[test]
    fn a_refusal_is_a_problem_with_the_fields_of_its_limit() {
        let verdict = Verdict::Limited { retry_after: Duration::from_millis(1200) };
        let refused = verdict.into_result(Limit::per_minute(1)).unwrap_err();
        let response = too_many_requests("api", &refused).response();
        let field = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(response.status(), 429);
        assert_eq!(field("content-type"), "application/problem+json");
        assert_eq!(field("retry-after"), "2");
        assert_eq!(field("ratelimit-policy"), r#""api";q=1;w=60"#);
        assert_eq!(field("ratelimit"), r#""api";r=0;t=2"#);
    }
}
