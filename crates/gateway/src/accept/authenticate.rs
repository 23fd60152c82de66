//! Who is at the door: a token in the request is verified before the upgrade; without one the session is
//! anonymous, or has to say `auth` first.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, Response};
use tidegate_message::SessionId;
use tidegate_server::{Body, Incoming, Problem};
use tidegate_ws::handshake;
use tower_layer::Layer;
use tower_service::Service;

use crate::access::{bearer, query};
use crate::app::{App, new_session};
use crate::identity::Identity;
use crate::observe::count;
use crate::token::{TokenError, Verdict, unauthorized};

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
#[derive(Clone)]
pub(crate) struct AuthenticateLayer(pub(crate) Arc<App>);

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate { inner, app: Arc::clone(&self.0) }
    }
}

/// The service of [`AuthenticateLayer`]; as ready as the inner one.
#[derive(Clone)]
pub(crate) struct Authenticate<S> {
    inner: S,
    app: Arc<App>,
}

type Answer = Result<Response<Body>, Infallible>;
/// Boxed: a request whose token's key must be fetched first.
type Waiting = Pin<Box<dyn Future<Output = Answer> + Send>>;

impl<S> Service<Request<Incoming>> for Authenticate<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Either<Ready<Answer>, S::Future>, Waiting>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        let session = new_session();
        let known = match identify(&self.app, session, &request) {
            Ok(Found::Nobody) => Ok(None),
            Ok(Found::Anonymous(identity)) => Ok(Some(identity)),
            Ok(Found::Token(Verdict::Now(judged))) => {
                judged.map(Some).map_err(|error| refusal(&self.app, error))
            }
            Ok(Found::Token(verdict)) => {
                // The inner service that is ready goes with the request; its clone stays.
                let clone = self.inner.clone();
                let mut inner = mem::replace(&mut self.inner, clone);
                let app = Arc::clone(&self.app);
                return Either::Right(Box::pin(async move {
                    match verdict.judged().await {
                        Ok(identity) => {
                            note(&mut request, session, Some(identity));
                            inner.call(request).await
                        }
                        Err(error) => Ok(refusal(&app, error).response()),
                    }
                }));
            }
            Err(problem) => Err(problem),
        };
        Either::Left(match known {
            Ok(identity) => {
                note(&mut request, session, identity);
                Either::Right(self.inner.call(request))
            }
            Err(problem) => Either::Left(ready(Ok(problem.response()))),
        })
    }
}

/// Who seems to be there.
enum Found {
    Token(Verdict),
    Anonymous(Identity),
    /// The first message must say it.
    Nobody,
}

fn identify(app: &App, session: SessionId, request: &Request<Incoming>) -> Result<Found, Problem> {
    let live = app.live();
    match (token(request), &live.verifier) {
        (Some(token), Some(verifier)) => Ok(Found::Token(verifier.judge(&token))),
        (Some(_), None) => {
            count(&app.counts.refused_tokens);
            let detail = "this gateway has no key to verify tokens: set `auth.jwt_secret`";
            Err(unauthorized(detail))
        }
        (None, _) if live.config.allows_anonymous() => Ok(Found::Anonymous(app.anonymous(session))),
        (None, Some(_)) => Ok(Found::Nobody),
        (None, None) => Err(unauthorized("a token is needed")),
    }
}

fn note(request: &mut Request<Incoming>, session: SessionId, identity: Option<Identity>) {
    request.extensions_mut().insert(Claim { session, identity });
}

fn refusal(app: &App, error: TokenError) -> Problem {
    count(&app.counts.refused_tokens);
    error.problem()
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
