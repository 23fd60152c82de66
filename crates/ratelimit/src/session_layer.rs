//! Limits of one session as a tower layer: each service that it makes has limiters of its own. It does not know what a
//! request is, what time it is, or how a refusal is told to the client: those are arguments.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tower_layer::Layer;
use tower_service::Service;

use crate::{Limit, Limiter, Limiters, RateLimitFuture, Refused, SharedTotals, Standing};

/// Makes a [`SessionLimit`] with fresh limiters for each service it wraps: call it once a session.
///
/// `costs` is a `Fn(&Request) -> [u32; M]`: what the request costs of each limit; 0: it is none of its business. `clock` is
/// a `Fn() -> Instant` such as `Instant::now`.
#[derive(Clone)]
pub struct SessionLimitLayer<C, T, const M: usize> {
    limits: [Limit; M],
    costs: C,
    clock: T,
    totals: Option<Arc<SharedTotals>>,
}

impl<C, T, const M: usize> SessionLimitLayer<C, T, M> {
    /// Limits for each session.
    pub const fn new(limits: [Limit; M], costs: C, clock: T) -> Self {
        Self { limits, costs, clock, totals: None }
    }

    /// Counts the verdicts of all services of this layer there too.
    #[must_use]
    pub fn totals(mut self, totals: Arc<SharedTotals>) -> Self {
        self.totals = Some(totals);
        self
    }
}

impl<C, T, const M: usize> fmt::Debug for SessionLimitLayer<C, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLimitLayer").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl<S, C: Clone, T: Clone, const M: usize> Layer<S> for SessionLimitLayer<C, T, M> {
    type Service = SessionLimit<S, C, T, M>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionLimit {
            inner,
            limiters: Limiters::new(self.limits),
            costs: self.costs.clone(),
            clock: self.clock.clone(),
            totals: self.totals.clone(),
        }
    }
}

/// Refuses what is over a limit, at once: it never waits, and is ready whenever the inner service is.
///
/// Not `Clone`: a clone would have limits of its own. A refused call leaves the inner service ready, and
/// whatever that readiness reserved stays reserved for the next call.
pub struct SessionLimit<S, C, T, const M: usize> {
    inner: S,
    limiters: Limiters<M>,
    costs: C,
    clock: T,
    totals: Option<Arc<SharedTotals>>,
}

impl<S, C, T, const M: usize> SessionLimit<S, C, T, M> {
    /// The limiters, for their statistics.
    pub const fn limiters(&self) -> &Limiters<M> {
        &self.limiters
    }

    /// The refusal that lasts longest.
    #[cold]
    fn refusal(&self, now: Instant, costs: [u32; M]) -> Option<Refused> {
        let mut limiters = self.limiters.each().iter();
        let standings = self.limiters.peek(now, costs).map(|verdict| Standing {
            policy: "session",
            limit: limiters.next().map_or(Limit::per_second(0), Limiter::limit),
            verdict,
        });
        let refused = Refused::by(&standings)?;
        if let Some(totals) = &self.totals {
            totals.count(&refused.verdict);
        }
        Some(refused)
    }
}

impl<S: fmt::Debug, C, T, const M: usize> fmt::Debug for SessionLimit<S, C, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inner, limiters) = (&self.inner, &self.limiters);
        f.debug_struct("SessionLimit")
            .field("inner", inner)
            .field("limiters", limiters)
            .finish_non_exhaustive()
    }
}

impl<S, C, T, Request, const M: usize> Service<Request> for SessionLimit<S, C, T, M>
where
    S: Service<Request>,
    S::Error: From<Refused>,
    C: Fn(&Request) -> [u32; M],
    T: Fn() -> Instant,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RateLimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (now, costs) = ((self.clock)(), (self.costs)(&request));
        if self.limiters.passes(now, &costs) {
            if let Some(totals) = &self.totals {
                totals.count_allowed();
            }
            return RateLimitFuture::passed(self.inner.call(request));
        }
        match self.refusal(now, costs) {
            Some(refused) => RateLimitFuture::refused(refused),
            // Never: one of them refused at the same moment.
            None => RateLimitFuture::passed(self.inner.call(request)),
        }
    }
}
