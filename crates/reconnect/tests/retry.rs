//! The policy inside `tower::retry`, on tokio's paused clock.
#![cfg(feature = "tower")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tidegate_reconnect::{Ending, Policy, RetryPolicy, Settings, Spread};
use tokio::time::Instant;
use tower::Service;
use tower::retry::Retry;

/// Answers 503 so many times, then 200.
#[derive(Clone)]
struct Upstream {
    busy: u32,
    calls: Arc<AtomicU32>,
}

impl Service<&'static str> for Upstream {
    type Response = u16;
    type Error = ();
    type Future = std::future::Ready<Result<u16, ()>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: &'static str) -> Self::Future {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(if call < self.busy { 503 } else { 200 }))
    }
}

fn upstream(busy: u32) -> (Upstream, Arc<AtomicU32>) {
    let calls = Arc::default();
    (Upstream { busy, calls: Arc::clone(&calls) }, calls)
}

fn thrice() -> Policy {
    let settings = Settings { max_failures: NonZeroU32::new(3), ..Settings::default() };
    Policy::new(settings).expect("three failures are allowed")
}

fn busy(answer: &Result<u16, ()>) -> Option<Ending> {
    matches!(answer, Ok(503)).then_some(Ending::Failed)
}

#[tokio::test(start_paused = true)]
async fn retries_with_the_delays_of_the_policy() {
    let (start, (upstream, calls)) = (Instant::now(), upstream(2));
    let mut service = Retry::new(RetryPolicy::new(thrice(), busy, || 0.0), upstream);
    assert_eq!(service.call("query").await, Ok(200));
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    assert_eq!(start.elapsed(), Duration::from_millis(600));
}

#[tokio::test(start_paused = true)]
async fn gives_the_last_answer_when_it_gives_up_and_counts_each_request_anew() {
    let (upstream, calls) = upstream(u32::MAX);
    let mut service = Retry::new(RetryPolicy::new(thrice(), busy, || 0.0), upstream);
    for request in 1..4 {
        assert_eq!(service.call("query").await, Ok(503));
        assert_eq!(calls.load(Ordering::Relaxed), 3 * request);
    }
}

#[tokio::test(start_paused = true)]
async fn answer_that_is_no_failure_is_given_at_once() {
    let (start, (upstream, calls)) = (Instant::now(), upstream(0));
    let mut service = Retry::new(RetryPolicy::new(thrice(), busy, || 0.0), upstream);
    assert_eq!(service.call("query").await, Ok(200));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn waits_as_the_answer_says() {
    fn told(answer: &Result<u16, ()>) -> Option<Ending> {
        busy(answer).map(|_| Ending::Told(Spread::from_millis(7_000, 0)))
    }
    let (start, (upstream, _)) = (Instant::now(), upstream(1));
    let mut service = Retry::new(RetryPolicy::new(thrice(), told, || 0.0), upstream);
    assert_eq!(service.call("query").await, Ok(200));
    assert_eq!(start.elapsed(), Duration::from_secs(7));
}
