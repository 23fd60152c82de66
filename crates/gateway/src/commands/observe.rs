//! Counts commands and notes how many of a session are in work.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tidegate_pool::InFlight;
use tower_layer::Layer;
use tower_service::Service;

use crate::connection::Me;
use crate::observe::count;

/// Counts for one session and for the whole gateway.
#[derive(Clone)]
pub(crate) struct ObserveLayer(pub(crate) Arc<Me>);

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner, me: Arc::clone(&self.0) }
    }
}

/// The service of [`ObserveLayer`].
pub(crate) struct Observe<S> {
    inner: S,
    me: Arc<Me>,
}

impl<S, R> Service<R> for Observe<S>
where
    S: Service<R>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Observed<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        count(&self.me.app.counts.commands);
        let in_flight = self.me.facts.request();
        Observed {
            inner: self.inner.call(request),
            me: Arc::clone(&self.me),
            _in_flight: in_flight,
        }
    }
}

/// The future of [`Observe`].
pub(crate) struct Observed<F> {
    inner: F,
    me: Arc<Me>,
    _in_flight: InFlight,
}

impl<F, T, E> Future for Observed<F>
where
    F: Future<Output = Result<T, E>> + Unpin,
{
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.inner).poll(cx);
        if matches!(polled, Poll::Ready(Err(_))) {
            count(&self.me.app.counts.rejected_commands);
        }
        polled
    }
}
