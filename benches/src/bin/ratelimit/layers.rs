//! One call through a layer: ours beside `tower::limit::RateLimit` and `tower_governor`, around a service that
//! answers at once. It does not know what a check costs without a layer.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Response};
use tidegate_benches::Suite;
use tidegate_ratelimit::{
    ByHeader, Keyed, KeyedLimiters, Limit, RateLimitLayer, Refused, SessionLimitLayer,
};
use tokio::runtime::{EnterGuard, Runtime};
use tower::{Layer, Service};
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

const PLENTY: Limit = Limit::per_second(1_000_000_000);
const USER: HeaderName = HeaderName::from_static("x-user");

/// Puts the request back where the next call finds it.
#[derive(Clone)]
struct Echo(Rc<Cell<Option<Request<()>>>>);

impl Service<Request<()>> for Echo {
    type Response = Response<Body>;
    type Error = Refused;
    type Future = Ready<Result<Response<Body>, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        self.0.set(Some(request));
        ready(Ok(Response::new(Body::empty())))
    }
}

/// What a session's command would be: small.
#[derive(Clone)]
struct Small;

impl Service<u32> for Small {
    type Response = u32;
    type Error = Refused;
    type Future = Ready<Result<u32, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        ready(Ok(request))
    }
}

fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn call_small<S: Service<u32>>(service: &mut S) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    service.poll_ready(&mut cx).is_ready() && now(service.call(7)).is_some_and(|done| done.is_ok())
}

/// A service and the request that goes through it again and again.
struct Around<S> {
    service: S,
    request: Rc<Cell<Option<Request<()>>>>,
}

fn around<S>(layered: impl FnOnce(Echo) -> S) -> Around<S> {
    let mut request = Request::new(());
    request.headers_mut().insert(USER, HeaderValue::from_static("ann"));
    let request = Rc::new(Cell::new(Some(request)));
    Around { service: layered(Echo(Rc::clone(&request))), request }
}

fn call<S: Service<Request<()>>>(around: &mut Around<S>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    let ready = around.service.poll_ready(&mut cx).is_ready();
    let Some(request) = around.request.take() else { return false };
    ready && now(around.service.call(request)).is_some_and(|answer| answer.is_ok())
}

fn limits() -> Arc<KeyedLimiters<Option<HeaderValue>, 1>> {
    let most = NonZeroUsize::new(100_000).unwrap_or(NonZeroUsize::MIN);
    Arc::new(KeyedLimiters::new([("user", Keyed::new(PLENTY, most))]))
}

thread_local! {
    static TIME: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A clock that goes on without being read.
fn thread_clock() -> Instant {
    let now = TIME.get().unwrap_or_else(Instant::now) + Duration::from_nanos(30);
    TIME.set(Some(now));
    now
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct User;

impl KeyExtractor for User {
    type Key = HeaderValue;

    fn extract<T>(&self, request: &Request<T>) -> Result<HeaderValue, GovernorError> {
        request.headers().get(USER).cloned().ok_or(GovernorError::UnableToExtractKey)
    }
}

/// `tower`'s limiter waits by tokio's clock: it must have a runtime around it.
struct Timed<S> {
    service: S,
    _inside: EnterGuard<'static>,
}

pub(crate) fn add(suite: &mut Suite) {
    session(suite);
    suite
        .group("one call through a layer, HTTP, by header, the clock is read")
        .ours(
            "RateLimitLayer::new",
            || {
                around(|echo| {
                    RateLimitLayer::new(limits(), ByHeader(USER), Instant::now).layer(echo)
                })
            },
            call,
        )
        .ours(
            "RateLimitLayer::http, noted in the request",
            || {
                around(|echo| {
                    RateLimitLayer::http(limits(), ByHeader(USER), Instant::now).layer(echo)
                })
            },
            call,
        )
        .peer(
            "tower_governor",
            || {
                let mut builder = GovernorConfigBuilder::default();
                let mut builder =
                    builder.per_nanosecond(1).burst_size(u32::MAX).key_extractor(User);
                let config = builder.finish().unwrap_or_else(|| unreachable!("it is not zero"));
                around(|echo| GovernorLayer::new(Arc::new(config)).layer(echo))
            },
            call,
        )
        .floor("no layer", || around(|echo| echo), call);
}

fn session(suite: &mut Suite) {
    suite
        .group("one call through a session's layer, time is an argument")
        .ours(
            "SessionLimitLayer, one limit",
            || {
                let own = SessionLimitLayer::new([PLENTY], |_: &u32| [1], thread_clock);
                own.layer(Small)
            },
            call_small,
        )
        .ours(
            "SessionLimitLayer, a limit for what costs and one for what is free",
            || {
                let limits = [Limit::per_minute(30).burst(5), PLENTY];
                SessionLimitLayer::new(limits, |_: &u32| [0, 1], thread_clock).layer(Small)
            },
            call_small,
        )
        .floor("the time alone", || (), |()| thread_clock());
    suite
        .group("one call through a session's layer, the clock is read")
        .ours(
            "SessionLimitLayer, one limit",
            || SessionLimitLayer::new([PLENTY], |_: &u32| [1], Instant::now).layer(Small),
            call_small,
        )
        .peer(
            "tower::limit::RateLimit",
            || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                let runtime: &'static Runtime = Box::leak(Box::new(match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => unreachable!("a runtime for this thread: {error}"),
                }));
                let inside = runtime.enter();
                let layer = tower::limit::RateLimitLayer::new(u64::MAX, Duration::from_secs(1));
                Timed { service: layer.layer(Small), _inside: inside }
            },
            |timed| call_small(&mut timed.service),
        )
        .floor("Instant::now", || (), |()| Instant::now());
}
