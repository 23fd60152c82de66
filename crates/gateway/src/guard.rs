//! A check before a service, as a tower layer: a plain function lets a request pass or answers it.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::future::Either;
use tower_layer::Layer;
use tower_service::Service;

/// Puts a check before a service. The check may change the request; to refuse, it gives the answer.
#[derive(Clone, Debug)]
pub(crate) struct GuardLayer<F>(F);

/// A layer of this check: `Fn(&mut Request) -> Result<(), Result<Response, Error>>`.
pub(crate) const fn guard<F>(check: F) -> GuardLayer<F> {
    GuardLayer(check)
}

impl<S, F: Clone> Layer<S> for GuardLayer<F> {
    type Service = Guard<S, F>;

    fn layer(&self, inner: S) -> Guard<S, F> {
        Guard { inner, check: self.0.clone() }
    }
}

/// The service of [`GuardLayer`]; as ready as the inner one.
#[derive(Clone, Debug)]
pub(crate) struct Guard<S, F> {
    inner: S,
    check: F,
}

impl<S, F, Request> Service<Request> for Guard<S, F>
where
    S: Service<Request>,
    F: Fn(&mut Request) -> Result<(), Result<S::Response, S::Error>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<S::Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match (self.check)(&mut request) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(answer) => Either::Left(ready(answer)),
        }
    }
}
