//! Who is at the door: a token in the request is verified before the upgrade; without one the session is
//! anonymous, or has to say `auth` first.

use http::{HeaderValue, Request, StatusCode, header};
use tidegate_message::SessionId;
use tidegate_server::{Incoming, Problem};
use tidegate_ws::handshake;

use crate::access::{bearer, query};
use crate::app::{App, new_session};
use crate::identity::Identity;
use crate::observe::count;

/// The sub-protocol entry in which a browser can carry a token.
const BEARER_PROTOCOL: &str = "tidegate.bearer.";

/// What is known of a session before its socket is there; in the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) session: SessionId,
    /// Nobody yet: the first message must be `auth`.
    pub(crate) identity: Option<Identity>,
}

/// Verifies the request's token, if it has one, and notes the claim in its extensions.
pub(crate) fn authenticate(app: &App, request: &mut Request<Incoming>) -> Result<(), Problem> {
    let session = new_session();
    let identity = match token(request) {
        Some(token) => Some(verify(app, &token)?),
        None if app.config.allows_anonymous() => Some(app.anonymous(session)),
        None if app.verifier.is_some() => None,
        None => return Err(unauthorized("a token is needed".to_owned())),
    };
    request.extensions_mut().insert(Claim { session, identity });
    Ok(())
}

fn verify(app: &App, token: &str) -> Result<Identity, Problem> {
    let Some(verifier) = &app.verifier else {
        return Err(unauthorized(
            "this gateway has no key to verify tokens: set `auth.jwt_secret`".into(),
        ));
    };
    verifier.verify(token).map_err(|error| {
        count(&app.counts.refused_tokens);
        unauthorized(error.to_string())
    })
}

fn unauthorized(detail: String) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_token", detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// The token of a request: header, query parameter `token`, or sub-protocol entry.
fn token(request: &Request<Incoming>) -> Option<String> {
    if let Some(token) = bearer(request.headers()) {
        return Some(token.to_owned());
    }
    if let Some(token) = query(request.uri(), "token") {
        return Some(token.into_owned());
    }
    handshake::offered_protocols(request.headers())
        .find_map(|offer| offer.strip_prefix(BEARER_PROTOCOL))
        .map(str::to_owned)
}
