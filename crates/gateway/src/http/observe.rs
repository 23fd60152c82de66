//! Counts requests and logs each with its status.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Method, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::app::App;
use crate::observe::count;

/// The layer that sees every request.
#[derive(Clone)]
pub(crate) struct ObserveLayer(Arc<App>);

/// A layer that counts for this gateway.
pub(crate) fn observe(app: &Arc<App>) -> ObserveLayer {
    ObserveLayer(Arc::clone(app))
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner, app: Arc::clone(&self.0) }
    }
}

/// The service of [`ObserveLayer`].
#[derive(Clone)]
pub(crate) struct Observe<S> {
    inner: S,
    app: Arc<App>,
}

impl<S, B, R> Service<Request<B>> for Observe<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Observed<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        count(&self.app.counts.http_requests);
        let method = request.method().clone();
        // The query may hold a token: only the path is logged.
        let path = request.uri().path().to_owned();
        Observed { inner: self.inner.call(request), method, path }
    }
}

pin_project! {
    /// The future of [`Observe`].
    pub(crate) struct Observed<F> {
        #[pin]
        inner: F,
        method: Method,
        path: String,
    }
}

impl<F, R, E> Future for Observed<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        if let Ok(response) = &result {
            tracing::debug!(method = %this.method, path = %this.path, status = response.status().as_u16(), "request");
        }
        Poll::Ready(result)
    }
}
