//! The limiter as a tower layer, one service for each session. It does not know what a request is, what time
//! it is, or how a refusal is told to the client: those are arguments.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Limit, Limiter, Refused, SharedTotals};

/// What a request costs, and so which of a session's two limiters decides about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// One unit of the limit for free requests (acknowledgements, heartbeats).
    Free,
    /// So many units of the limit for requests; 0 always passes.
    Units(u32),
}

/// Makes a [`RateLimit`] with fresh limiters for each service it wraps: call it once a session.
#[derive(Clone)]
pub struct RateLimitLayer<C, K> {
    priced: Limit,
    free: Limit,
    cost: C,
    clock: K,
    totals: Option<Arc<SharedTotals>>,
}

impl<C, K> RateLimitLayer<C, K> {
    /// `priced` limits requests that cost something, `free` those that do not. `cost` is a
    /// `Fn(&Request) -> Cost`, `clock` a `Fn() -> Instant` such as `Instant::now`.
    pub const fn new(priced: Limit, free: Limit, cost: C, clock: K) -> Self {
        Self { priced, free, cost, clock, totals: None }
    }

    /// Counts the verdicts of all services of this layer there too.
    #[must_use]
    pub fn totals(mut self, totals: Arc<SharedTotals>) -> Self {
        self.totals = Some(totals);
        self
    }
}

impl<S, C: Clone, K: Clone> Layer<S> for RateLimitLayer<C, K> {
    type Service = RateLimit<S, C, K>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit {
            inner,
            priced: Limiter::new(self.priced),
            free: Limiter::new(self.free),
            cost: self.cost.clone(),
            clock: self.clock.clone(),
            totals: self.totals.clone(),
        }
    }
}

/// Refuses what is over the limit, at once: it never waits, and is ready whenever the inner service is.
///
/// Not `Clone`: a clone would have limits of its own. A refused call leaves the inner service ready, and
/// whatever that readiness reserved stays reserved for the next call.
pub struct RateLimit<S, C, K> {
    inner: S,
    priced: Limiter,
    free: Limiter,
    cost: C,
    clock: K,
    totals: Option<Arc<SharedTotals>>,
}

impl<S, C, K> RateLimit<S, C, K> {
    /// The limiters of requests that cost something and of free ones, for their statistics.
    pub const fn limiters(&self) -> (&Limiter, &Limiter) {
        (&self.priced, &self.free)
    }
}

impl<S, C, K, Request> Service<Request> for RateLimit<S, C, K>
where
    S: Service<Request>,
    S::Error: From<Refused>,
    C: Fn(&Request) -> Cost,
    K: Fn() -> Instant,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RateLimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (limiter, units) = match (self.cost)(&request) {
            Cost::Free => (&mut self.free, 1),
            Cost::Units(units) => (&mut self.priced, units),
        };
        let verdict = limiter.check((self.clock)(), units);
        if let Some(totals) = &self.totals {
            totals.count(verdict);
        }
        match verdict.into_result(limiter.limit()) {
            Ok(()) => RateLimitFuture { step: Step::Passed { inner: self.inner.call(request) } },
            Err(refused) => RateLimitFuture { step: Step::Refused { refused } },
        }
    }
}

pin_project! {
    /// The inner future, or a refusal that is ready at once. Dropping it drops the inner one.
    #[must_use = "futures do nothing unless polled"]
    pub struct RateLimitFuture<F> {
        #[pin]
        step: Step<F>,
    }
}

pin_project! {
    #[project = StepProjected]
    enum Step<F> {
        Passed { #[pin] inner: F },
        Refused { refused: Refused },
    }
}

impl<F, R, E> Future for RateLimitFuture<F>
where
    F: Future<Output = Result<R, E>>,
    E: From<Refused>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().step.project() {
            StepProjected::Passed { inner } => inner.poll(cx),
            StepProjected::Refused { refused } => Poll::Ready(Err((*refused).into())),
        }
    }
}
