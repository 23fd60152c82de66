//! Limits by key as a tower layer. It does not know what a request is, what time it is, or how a refusal is told to
//! the client: those are arguments.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tower_layer::Layer;
use tower_service::Service;

use crate::ask::Costed;
use crate::note::{InExtensions, Note, Nowhere};
use crate::{Ask, KeyedLimiters, RateLimitFuture, Refused};

/// Limits requests by key: whoever asks too often is refused at once, with [`Refused`].
///
/// ```
/// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
/// use std::{convert::Infallible, num::NonZeroUsize, sync::Arc, time::Instant};
/// use http::HeaderValue;
/// use tidegate_ratelimit::{ByHeader, Keyed, KeyedLimiters, Limit, RateLimitLayer};
///
/// let most = NonZeroUsize::new(100_000).unwrap();
/// let users: Keyed<Option<HeaderValue>> = Keyed::new(Limit::per_minute(60).burst(10), most);
/// let limits = Arc::new(KeyedLimiters::new([("user", users)]));
/// let by = ByHeader(http::HeaderName::from_static("x-user"));
/// let layer = RateLimitLayer::http(limits, by, Instant::now);
/// # let _ = layer;
/// ```
pub struct RateLimitLayer<K, X, T, N, const M: usize> {
    limits: Arc<KeyedLimiters<K, M>>,
    ask: X,
    clock: T,
    note: N,
}

impl<K, X, T, const M: usize> RateLimitLayer<K, X, T, Nowhere, M> {
    /// Limits requests of any type. `ask` finds who asks, `clock` is a `Fn() -> Instant` such as `Instant::now`.
    pub const fn new(limits: Arc<KeyedLimiters<K, M>>, ask: X, clock: T) -> Self {
        Self { limits, ask, clock, note: Nowhere }
    }
}

impl<K, X, T, const M: usize> RateLimitLayer<K, X, T, InExtensions, M> {
    /// Limits HTTP requests. One that passes carries `[Standing; M]` in its extensions (which costs their allocation).
    pub const fn http(limits: Arc<KeyedLimiters<K, M>>, ask: X, clock: T) -> Self {
        Self { limits, ask, clock, note: InExtensions }
    }
}

impl<K, X, T, N, const M: usize> RateLimitLayer<K, X, T, N, M> {
    /// `costs` is a `Fn(&Request) -> [u32; M]`: what a request costs of each limit.
    pub fn costs<F>(self, costs: F) -> RateLimitLayer<K, Costed<X, F>, T, N, M> {
        let Self { limits, ask, clock, note } = self;
        RateLimitLayer { limits, ask: Costed { ask, costs }, clock, note }
    }
}

impl<K, X: Clone, T: Clone, N: Clone, const M: usize> Clone for RateLimitLayer<K, X, T, N, M> {
    fn clone(&self) -> Self {
        let (ask, clock) = (self.ask.clone(), self.clock.clone());
        Self { limits: Arc::clone(&self.limits), ask, clock, note: self.note.clone() }
    }
}

impl<K, X, T, N, const M: usize> fmt::Debug for RateLimitLayer<K, X, T, N, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer").field("limits", &M).finish_non_exhaustive()
    }
}

impl<S, K, X, T, N, const M: usize> Layer<S> for RateLimitLayer<K, X, T, N, M>
where
    Self: Clone,
{
    type Service = RateLimit<S, K, X, T, N, M>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit { inner, limit: self.clone() }
    }
}

/// Refuses what is over a limit, at once: it never waits, and is ready whenever the inner service is.
///
/// Clones share the limits. A refused call leaves the inner service ready, and whatever that readiness reserved stays reserved
/// for the next call.
pub struct RateLimit<S, K, X, T, N, const M: usize> {
    inner: S,
    limit: RateLimitLayer<K, X, T, N, M>,
}

impl<S: Clone, K, X: Clone, T: Clone, N: Clone, const M: usize> Clone
    for RateLimit<S, K, X, T, N, M>
{
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), limit: self.limit.clone() }
    }
}

impl<S: fmt::Debug, K, X, T, N, const M: usize> fmt::Debug for RateLimit<S, K, X, T, N, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("inner", &self.inner).field("limit", &self.limit).finish()
    }
}

impl<S, K, X, T, N, Request, const M: usize> Service<Request> for RateLimit<S, K, X, T, N, M>
where
    S: Service<Request>,
    S::Error: From<Refused>,
    K: Hash + Eq + Clone,
    X: Ask<Request, M, Key = K>,
    T: Fn() -> Instant,
    N: Note<Request, M>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RateLimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let RateLimitLayer { limits, ask, clock, note } = &self.limit;
        let costs = ask.costs(&request);
        let standings = limits.check(&ask.key(&request), clock(), costs);
        match Refused::by(&standings) {
            Some(refused) => RateLimitFuture::refused(refused),
            None => {
                note.note(&mut request, standings);
                RateLimitFuture::passed(self.inner.call(request))
            }
        }
    }
}
