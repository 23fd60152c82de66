//! A check before a service, as a tower layer: a plain function lets a request pass or answers it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::Response;
use tidegate_message::Outcome;
use tidegate_server::{Body, Problem};
use tower_layer::Layer;
use tower_service::Service;

use crate::commands::Refusal;

/// Puts a check before a service. The check may change the request; to refuse, it gives the answer.
#[derive(Clone, Debug)]
pub(crate) struct GuardLayer<F>(F);

/// A layer of this check: `Fn(&mut Request) -> Result<(), N>`, where `N` is a [`No`] of the service.
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

/// A refusal, as the answer of the service that is guarded.
pub(crate) trait No<Response, Error> {
    /// The answer.
    fn answer(self) -> Result<Response, Error>;
}

impl No<Response<Body>, Infallible> for Problem {
    fn answer(self) -> Result<Response<Body>, Infallible> {
        Ok(self.response())
    }
}

impl No<Outcome, Refusal> for Refusal {
    fn answer(self) -> Result<Outcome, Refusal> {
        Err(self)
    }
}

impl<S, F, N, Request> Service<Request> for Guard<S, F>
where
    S: Service<Request>,
    F: Fn(&mut Request) -> Result<(), N>,
    N: No<S::Response, S::Error>,
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
            Err(no) => Either::Left(ready(no.answer())),
        }
    }
}
