//! A time limit for the head of an upstream's answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tower_layer::Layer;
use tower_service::Service;

use super::balance::Deadline;
use super::client::Unanswered;
use super::{Failure, UpstreamRequest, UpstreamResponse};

/// Gives a route's upstreams together this long to begin an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstByteLayer(pub(crate) Duration);

impl<S> Layer<S> for FirstByteLayer {
    type Service = FirstByte<S>;

    fn layer(&self, inner: S) -> FirstByte<S> {
        FirstByte { inner, limit: self.0 }
    }
}

/// A service with a time limit, and with errors as clients are told them.
#[derive(Clone, Debug)]
pub(crate) struct FirstByte<S> {
    inner: S,
    limit: Duration,
}

impl<S> Service<UpstreamRequest> for FirstByte<S>
where
    S: Service<UpstreamRequest, Response = UpstreamResponse, Error = Unanswered>,
    S::Future: Send + 'static,
{
    type Response = UpstreamResponse;
    type Error = Failure;
    /// Boxed: once a question.
    type Future = Pin<Box<dyn Future<Output = Result<UpstreamResponse, Failure>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|unanswered| Failure::unreachable(&unanswered))
    }

    fn call(&mut self, mut request: UpstreamRequest) -> Self::Future {
        request.extensions_mut().insert(Deadline(Instant::now() + self.limit));
        let answer = timeout(self.limit, self.inner.call(request));
        Box::pin(async move {
            match answer.await {
                Ok(answer) => answer.map_err(|unanswered| Failure::unreachable(&unanswered)),
                Err(_) => Err(Failure::timeout("the upstream did not answer in time")),
            }
        })
    }
}
