//! The tower layer: two limiters a session, refusals at once, readiness passed through.
#![cfg(feature = "tower")]
#![expect(clippy::disallowed_methods, reason = "a test needs one instant to count from")]

use std::cell::Cell;
use std::future::{Ready, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tidegate_ratelimit::{Cost, Limit, RateLimitLayer, Refused, SharedTotals, Verdict};
use tower_layer::Layer;
use tower_service::Service;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, PartialEq)]
enum Failure {
    Refused(Refused),
    NotReady,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Answers with how often it was called, and is ready when told so.
#[derive(Clone, Default)]
struct Inner {
    calls: Rc<Cell<u32>>,
    asked: Rc<Cell<u32>>,
    pending: Rc<Cell<bool>>,
    broken: Rc<Cell<bool>>,
}

impl Service<&'static str> for Inner {
    type Response = u32;
    type Error = Failure;
    type Future = Ready<Result<u32, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.asked.set(self.asked.get() + 1);
        match (self.pending.get(), self.broken.get()) {
            (true, _) => Poll::Pending,
            (_, true) => Poll::Ready(Err(Failure::NotReady)),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: &'static str) -> Self::Future {
        self.calls.set(self.calls.get() + 1);
        ready(Ok(self.calls.get()))
    }
}

fn cost(request: &&'static str) -> Cost {
    match *request {
        "ping" => Cost::Free,
        "nothing" => Cost::Units(0),
        _ => Cost::Units(1),
    }
}

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

#[test]
fn refuses_at_once_with_the_verdict_and_the_limit() {
    let start = Instant::now();
    let limit = Limit::new(2, SECOND).block(SECOND * 2);
    let inner = Inner::default();
    let layer = RateLimitLayer::new(limit, Limit::new(1, SECOND), cost, move || start);
    let mut service = layer.layer(inner.clone());
    assert_eq!(now(service.call("message")), Ok(1));
    assert_eq!(now(service.call("message")), Ok(2));
    let Err(Failure::Refused(refused)) = now(service.call("message")) else { panic!("passed") };
    assert_eq!(refused.verdict, Verdict::Blocked { retry_after: SECOND * 2 });
    assert_eq!(refused.limit, limit);
    assert_eq!(inner.calls.get(), 2, "what is refused does not reach the inner service");
    assert_eq!(now(service.call("nothing")), Ok(3));
}

#[test]
fn free_requests_have_a_bound_of_their_own() {
    let start = Instant::now();
    let limits = (Limit::new(1, SECOND), Limit::new(2, SECOND));
    let layer = RateLimitLayer::new(limits.0, limits.1, cost, move || start);
    let mut service = layer.layer(Inner::default());
    assert!(now(service.call("message")).is_ok());
    assert!(now(service.call("message")).is_err());
    assert!(now(service.call("ping")).is_ok());
    assert!(now(service.call("ping")).is_ok());
    let Err(Failure::Refused(refused)) = now(service.call("ping")) else { panic!("passed") };
    assert_eq!(refused.limit, limits.1);
    let (priced, free) = service.limiters();
    assert_eq!((priced.totals().limited, free.totals().limited), (1, 1));
}

#[test]
fn time_is_read_from_the_clock_given() {
    let start = Instant::now();
    let time = Rc::new(Cell::new(start));
    let clock = {
        let time = Rc::clone(&time);
        move || time.get()
    };
    let layer = RateLimitLayer::new(Limit::new(1, SECOND), Limit::new(1, SECOND), cost, clock);
    let mut service = layer.layer(Inner::default());
    assert!(now(service.call("message")).is_ok());
    assert!(now(service.call("message")).is_err());
    time.set(start + SECOND);
    assert!(now(service.call("message")).is_ok());
}

#[test]
fn each_session_has_its_own_limits_and_all_share_totals() {
    let start = Instant::now();
    let totals = Arc::new(SharedTotals::default());
    let limit = Limit::new(1, SECOND);
    let layer = RateLimitLayer::new(limit, limit, cost, move || start).totals(Arc::clone(&totals));
    for _ in 0..3 {
        let mut session = layer.layer(Inner::default());
        assert!(now(session.call("message")).is_ok());
        assert!(now(session.call("message")).is_err());
    }
    let sum = totals.snapshot();
    assert_eq!((sum.allowed, sum.limited, sum.blocked), (3, 3, 0));
}

#[test]
fn is_ready_when_the_inner_service_is_and_only_then() {
    let start = Instant::now();
    let limit = Limit::new(1, SECOND);
    let inner = Inner::default();
    let layer = RateLimitLayer::new(limit, limit, cost, move || start);
    let mut service = layer.layer(inner.clone());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(now(service.call("message")).is_ok());
    assert!(now(service.call("message")).is_err());
    assert_eq!(
        service.poll_ready(&mut cx),
        Poll::Ready(Ok(())),
        "an empty limit is no reason to wait"
    );
    inner.pending.set(true);
    assert_eq!(service.poll_ready(&mut cx), Poll::Pending);
    inner.pending.set(false);
    inner.broken.set(true);
    assert_eq!(service.poll_ready(&mut cx), Poll::Ready(Err(Failure::NotReady)));
    assert_eq!(inner.asked.get(), 3);
}
