//! A function around a service, as a tower layer: it sees the request and answers it, or leaves a mark for the
//! answer of the service, such as headers.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;
use tidegate_server::Body;
use tower_layer::Layer;
use tower_service::Service;

/// Puts a function around a service.
#[derive(Clone, Debug)]
pub(crate) struct AroundLayer<F>(F);

/// A layer of this function: `Fn(&Request) -> Result<M, Box<Response<Body>>>`, where the mark `M` is a
/// `FnOnce(&mut Response<Body>)`.
pub(crate) const fn around<F>(function: F) -> AroundLayer<F> {
    AroundLayer(function)
}

impl<S, F: Clone> Layer<S> for AroundLayer<F> {
    type Service = Around<S, F>;

    fn layer(&self, inner: S) -> Around<S, F> {
        Around { inner, function: self.0.clone() }
    }
}

/// The service of [`AroundLayer`]; as ready as the inner one.
#[derive(Clone, Debug)]
pub(crate) struct Around<S, F> {
    inner: S,
    function: F,
}

impl<S, F, M, Request> Service<Request> for Around<S, F>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible>,
    F: Fn(&Request) -> Result<M, Box<Response<Body>>>,
    M: FnOnce(&mut Response<Body>),
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Marking<S::Future, M>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match (self.function)(&request) {
            Ok(mark) => Marking::Passed { inner: self.inner.call(request), mark: Some(mark) },
            Err(answer) => Marking::Answered { answer: Some(*answer) },
        }
    }
}

pin_project! {
    /// The future of [`Around`].
    #[project = Project]
    pub(crate) enum Marking<F, M> {
        Passed { #[pin] inner: F, mark: Option<M> },
        Answered { answer: Option<Response<Body>> },
    }
}

impl<F, M> Future for Marking<F, M>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
    M: FnOnce(&mut Response<Body>),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            Project::Passed { inner, mark } => inner.poll(cx).map_ok(|mut response| {
                if let Some(mark) = mark.take() {
                    mark(&mut response);
                }
                response
            }),
            // A future is not polled after it is ready; one that is stays pending.
            Project::Answered { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer)),
                None => Poll::Pending,
            },
        }
    }
}
