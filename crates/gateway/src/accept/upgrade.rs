//! The switch of protocols: checks the handshake, answers 101, and starts the connection's task.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Body as _;
use tidegate_payload_codec::Encoding;
use tidegate_pool::{Full, Permit};
use tidegate_server::{Body, Incoming, Peer, Problem, Upgrade};
use tidegate_ws::handshake::{self, Accepted, HandshakeError};
use tower_service::Service;

use super::by_path::ECHO_PATH;
use super::echo::echo;
use super::{Arrival, Claim};
use crate::access::query;
use crate::app::App;
use crate::connection::{Connection, serve};
use crate::observe::count;

/// The sub-protocols, the preferred one first.
const PROTOCOLS: [&str; 2] = ["tidegate.v1.json", "tidegate.v1.msgpack"];

/// A place at the door, held by the request until its connection takes it.
#[derive(Clone)]
struct Place(Arc<Permit>);

/// Notes a permit in the request.
pub(crate) fn hold(request: &mut Request<Incoming>, permit: Permit) {
    request.extensions_mut().insert(Place(Arc::new(permit)));
}

/// The answer where even the margin is full.
pub(crate) fn at_capacity(app: &App, full: Full) -> Response<Body> {
    count(&app.counts.refused_capacity);
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "at_capacity", full.to_string())
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
        .response()
}

/// Answers upgrade requests.
#[derive(Clone)]
pub(crate) struct Upgrading(Arc<App>);

impl Upgrading {
    pub(crate) fn new(app: &Arc<App>) -> Self {
        Self(Arc::clone(app))
    }

    fn upgrade(&self, mut request: Request<Incoming>) -> Result<Response<Body>, Problem> {
        let app = &self.0;
        if app.is_draining() {
            return Err(app.draining());
        }
        // Nobody would read it, and its bytes must not be taken for frames.
        if !request.body().is_end_stream() {
            let detail = "an upgrade request has no body";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_handshake", detail));
        }
        if request.uri().path() == ECHO_PATH {
            return self.raw(request);
        }
        let accepted = self.accept(&request, &PROTOCOLS)?;
        let extensions = request.extensions_mut();
        let (Some(claim), Some(Place(place))) = (extensions.remove::<Claim>(), extensions.remove())
        else {
            let detail = "a layer before the upgrade is missing";
            return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail));
        };
        let connection = Connection {
            app: Arc::clone(app),
            claim,
            place,
            arrival: extensions.remove().unwrap_or_default(),
            peer: request.extensions().get::<Peer>().copied(),
            encoding: match accepted.protocol.as_deref() {
                Some("tidegate.v1.msgpack") => Encoding::MessagePack,
                _ => Encoding::Json,
            },
            deflate: accepted.deflate,
            agree: query(request.uri(), "agree")
                .map(|names| names.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
        };
        // The task owns all of its connection and ends with it; the registry and the drain know it by its handle.
        tokio::spawn(serve(Box::new(connection), Upgrade::of(&mut request)));
        Ok(accepted.response.map(|()| Body::empty()))
    }
}

impl Upgrading {
    /// Judges the handshake, and agrees on permessage-deflate where that is wanted on both sides.
    fn accept<B>(&self, request: &Request<B>, protocols: &[&str]) -> Result<Accepted, Problem> {
        let accepted = match self.0.deflate_policy() {
            Some(policy) => handshake::accept_deflate(request, protocols, policy, &self.0.deflate),
            None => handshake::accept(request, protocols),
        };
        accepted.map_err(|error| bad_handshake(&error))
    }

    /// An upgrade to the raw echo.
    fn raw(&self, mut request: Request<Incoming>) -> Result<Response<Body>, Problem> {
        let accepted = self.accept(&request, &[])?;
        let held = (
            request.extensions_mut().remove::<Place>(),
            request.extensions_mut().remove::<Arrival>(),
        );
        let (upgrade, limits) = (Upgrade::of(&mut request), self.0.ws_limits());
        // Ends with its connection.
        tokio::spawn(async move {
            echo(upgrade, limits, accepted.deflate).await;
            drop(held);
        });
        Ok(accepted.response.map(|()| Body::empty()))
    }
}

impl Service<Request<Incoming>> for Upgrading {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        ready(Ok(self.upgrade(request).unwrap_or_else(Problem::response)))
    }
}

fn bad_handshake(error: &HandshakeError) -> Problem {
    let problem = Problem::new(error.status(), "bad_handshake", error.to_string());
    match error.status() {
        StatusCode::UPGRADE_REQUIRED => problem.with_header(
            HeaderName::from_static("sec-websocket-version"),
            HeaderValue::from_static("13"),
        ),
        StatusCode::METHOD_NOT_ALLOWED => {
            problem.with_header(header::ALLOW, HeaderValue::from_static("GET"))
        }
        _ => problem,
    }
}
