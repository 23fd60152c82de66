//! How a limit is told over HTTP: the fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10,
//! as structured fields, RFC 9651) and `Retry-After` (RFC 9110 §10.2.3). It does not know who asked.

use std::fmt::Write as _;

use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};

use crate::{Refused, Standing, Verdict};

/// What passes: `"user";q=35;w=60`.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it: `"user";r=34;t=60`.
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Tells how a request stands with each limit: `RateLimit-Policy: "user";q=35;w=60` and `RateLimit: "user";r=34;t=60`.
///
/// `q` is what passes in any window, the burst included; `w` the window in seconds, left out if it is not whole
/// seconds. `r` is what would pass now, `t` the seconds (rounded up) until all is free again, or until the request may be
/// repeated. In names, `"` and `\` are escaped, and what is not printable ASCII is written as `?`.
///
/// ```
/// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
/// use tidegate_ratelimit::{Limit, Limiter, Standing, write_fields};
///
/// let limit = Limit::per_minute(30).burst(5);
/// let verdict = Limiter::new(limit).check(std::time::Instant::now(), 1);
/// let mut headers = http::HeaderMap::new();
/// write_fields(&mut headers, &[Standing { policy: "user", limit, verdict }]);
/// assert_eq!(headers["ratelimit-policy"], r#""user";q=35;w=60"#);
/// assert_eq!(headers["ratelimit"], r#""user";r=34;t=60"#);
/// ```
pub fn write_fields(headers: &mut HeaderMap, standings: &[Standing]) {
    let (mut policies, mut states) = (String::new(), String::new());
    for standing in standings {
        if !policies.is_empty() {
            policies.push_str(", ");
            states.push_str(", ");
        }
        write_policy(&mut policies, standing);
        write_state(&mut states, standing);
    }
    for (field, value) in [(POLICY, policies), (STATE, states)] {
        if let Ok(value) = HeaderValue::try_from(value)
            && !value.is_empty()
        {
            headers.insert(field, value);
        }
    }
}

/// The answer to a refused request: 429 with `Retry-After`, `RateLimit` and `RateLimit-Policy`, and an empty body.
///
/// ```
/// use tidegate_ratelimit::{FOREVER, Limit, Verdict, too_many_requests};
///
/// let verdict = Verdict::Limited { retry_after: std::time::Duration::from_millis(1200) };
/// let refused = verdict.into_result(Limit::per_second(1)).unwrap_err().named("api");
/// let response = too_many_requests::<String>(&refused);
/// assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"2".parse().unwrap()));
/// assert_eq!(response.headers()["ratelimit"], r#""api";r=0;t=2"#);
/// ```
pub fn too_many_requests<B: Default>(refused: &Refused) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let wait = refused.verdict.retry_after_secs().unwrap_or(1);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
    let Refused { policy, limit, verdict } = *refused;
    write_fields(response.headers_mut(), &[Standing { policy, limit, verdict }]);
    response
}

fn write_policy(fields: &mut String, standing: &Standing) {
    write_name(fields, standing.policy);
    // Writing to a string does not fail.
    let _ = write!(fields, ";q={}", standing.limit.capacity());
    let window = standing.limit.window();
    if window.subsec_nanos() == 0 {
        let _ = write!(fields, ";w={}", window.as_secs());
    }
}

fn write_state(fields: &mut String, standing: &Standing) {
    let (remaining, reset) = match standing.verdict {
        Verdict::Allowed { remaining, reset } => {
            (remaining, reset.as_secs() + u64::from(reset.subsec_nanos() > 0))
        }
        Verdict::Limited { .. } | Verdict::Blocked { .. } => {
            (0, standing.verdict.retry_after_secs().unwrap_or(1))
        }
    };
    write_name(fields, standing.policy);
    let _ = write!(fields, ";r={remaining};t={reset}");
}

/// A string of RFC 9651 §3.3.3.
fn write_name(fields: &mut String, name: &str) {
    fields.push('"');
    for character in name.chars() {
        match character {
            '"' | '\\' => fields.extend(['\\', character]),
            ' '..='~' => fields.push(character),
            _ => fields.push('?'),
        }
    }
    fields.push('"');
}
