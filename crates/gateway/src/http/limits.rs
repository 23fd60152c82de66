//! How a user or an address stands with its limit, and a fresh start for one that was limited by mistake.

use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use serde::Serialize;
use tidegate_message::UserId;
use tidegate_ratelimit::{Network, Verdict};
use tidegate_server::{Body, Problem};

use super::reply::json;
use crate::access::query;
use crate::app::App;
use crate::shared_limits::Shared;

/// How the keys asked for stand; one whose limit is off, or that was not asked for, is null.
#[derive(Serialize)]
struct Standings {
    user: Option<Standing>,
    ip: Option<Standing>,
}

#[derive(Serialize)]
struct Standing {
    max_requests: u32,
    burst: u32,
    window_ms: u64,
    /// What would pass now.
    remaining: u32,
    is_blocked: bool,
    /// When everything is free again if nothing more comes.
    reset_ms: u64,
}

/// The keys that a request names: `?user=42`, `?ip=192.0.2.1`, or both.
struct Keys {
    user: Option<UserId>,
    ip: Option<Network>,
}

pub(crate) fn limits<B>(app: &App, request: &Request<B>) -> Result<Response<Body>, Problem> {
    let (keys, now) = (Keys::of(request)?, Instant::now());
    let live = app.live();
    let shared = &live.shared_limits;
    let user = keys.user.and_then(|user| standing(&shared.user, &user, now));
    let ip = keys.ip.and_then(|ip| standing(&shared.ip, &ip, now));
    Ok(json(StatusCode::OK, &Standings { user, ip }))
}

/// Forgets what was counted for the keys, and their blocks; answers how they stand then.
pub(crate) fn forget<B>(app: &App, request: &Request<B>) -> Result<Response<Body>, Problem> {
    let live = app.live();
    let (keys, shared) = (Keys::of(request)?, &live.shared_limits);
    if let (Some(limit), Some(user)) = (shared.user.keyed(), &keys.user) {
        limit.forget(user);
    }
    if let (Some(limit), Some(ip)) = (shared.ip.keyed(), &keys.ip) {
        limit.forget(ip);
    }
    limits(app, request)
}

impl Keys {
    fn of<B>(request: &Request<B>) -> Result<Self, Problem> {
        let (user, ip) = (query(request.uri(), "user"), query(request.uri(), "ip"));
        if user.is_none() && ip.is_none() {
            return Err(wrong("name a key: `?user=…`, `?ip=…`, or both"));
        }
        Ok(Self {
            user: user
                .map(|name| UserId::new(&name).map_err(|_| wrong("`user` is no user's name")))
                .transpose()?,
            ip: ip
                .map(|ip| ip.parse::<IpAddr>().map_err(|_| wrong("`ip` is no IP address")))
                .transpose()?
                .map(Network::of),
        })
    }
}

fn wrong(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
}

fn standing<K: Hash + Eq + Clone>(shared: &Shared<K>, key: &K, now: Instant) -> Option<Standing> {
    let keyed = shared.keyed()?;
    let limit = keyed.limit();
    // What costs nothing passes even while blocked, and tells how things stand.
    let (remaining, reset) = match keyed.peek(key, now, 0) {
        Verdict::Allowed { remaining, reset } => (remaining, reset),
        Verdict::Limited { retry_after } | Verdict::Blocked { retry_after, .. } => (0, retry_after),
    };
    Some(Standing {
        max_requests: limit.max_requests(),
        burst: limit.burst_size(),
        window_ms: millis(limit.window()),
        remaining,
        is_blocked: matches!(keyed.peek(key, now, 1), Verdict::Blocked { .. }),
        reset_ms: millis(reset),
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
