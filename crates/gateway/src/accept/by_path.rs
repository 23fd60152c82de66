//! Sends upgrades to the sockets' stack and everything else to the HTTP API.

use std::task::{Context, Poll};

use futures_util::future::Either;
use http::Request;
use tidegate_server::Incoming;
use tower_service::Service;

/// The raw echo's path, where `dev.echo` is on.
pub(crate) const ECHO_PATH: &str = "/echo";
/// The paths of sessions.
const SOCKET_PATHS: [&str; 2] = ["/ws", "/api/v1/ws"];

/// Two services, chosen by the request's path.
#[derive(Clone, Debug)]
pub(crate) struct ByPath<S, A> {
    pub(crate) echo: bool,
    pub(crate) sockets: S,
    pub(crate) api: A,
}

impl<S, A> Service<Request<Incoming>> for ByPath<S, A>
where
    S: Service<Request<Incoming>>,
    A: Service<Request<Incoming>, Response = S::Response, Error = S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, A::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.sockets.poll_ready(cx)? {
            Poll::Ready(()) => self.api.poll_ready(cx),
            Poll::Pending => Poll::Pending,
        }
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let path = request.uri().path();
        if SOCKET_PATHS.contains(&path) || (self.echo && path == ECHO_PATH) {
            Either::Left(self.sockets.call(request))
        } else {
            Either::Right(self.api.call(request))
        }
    }
}
