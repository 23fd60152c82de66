//! The loop, on tokio's paused clock: it waits as the policy says and can be dropped anywhere.
#![cfg(feature = "tokio")]

use std::cell::Cell;
use std::future::{pending, ready};
use std::num::NonZeroU32;
use std::time::Duration;

use tidegate_reconnect::{Abandoned, Attempts, Failure, GaveUp, Policy, Spread, connect_with};
use tokio::time::{Instant, timeout};

#[derive(Clone, Debug, PartialEq)]
struct Refused;

fn attempts() -> Attempts {
    Attempts::new(Policy::default())
}

#[tokio::test(start_paused = true)]
async fn first_attempt_is_made_at_once() {
    let start = Instant::now();
    let mut attempts = attempts();
    let connection = connect_with(&mut attempts, || 0.0, || ready(Ok::<_, Failure<Refused>>(7)));
    assert_eq!(connection.await, Ok(7));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(attempts.failed(), 0);
}

#[tokio::test(start_paused = true)]
async fn waits_longer_from_failure_to_failure() {
    let (start, mut times, mut attempts) = (Instant::now(), Vec::new(), attempts());
    let connect = || {
        times.push(start.elapsed().as_millis());
        ready(if times.len() == 5 { Ok(()) } else { Err(Failure::Retry(Refused)) })
    };
    assert_eq!(connect_with(&mut attempts, || 0.0, connect).await, Ok(()));
    // tokio's timer has a step of one millisecond.
    assert_eq!(times, [0, 100, 600, 1600, 3600]);
    assert_eq!(attempts.failed(), 4, "success alone does not reset");
}

#[tokio::test(start_paused = true)]
async fn final_failure_ends_it() {
    let connect = || ready(Err::<(), _>(Failure::Final(Refused)));
    let end = connect_with(&mut attempts(), || 0.0, connect).await;
    assert_eq!(end, Err(Abandoned { why: GaveUp::Final, last: Some(Refused) }));
}

#[tokio::test(start_paused = true)]
async fn waits_as_the_server_says() {
    let start = Instant::now();
    let told = Spread::from_millis(2_000, 4_000);
    let mut answers = [Err(Failure::Told(Refused, told)), Ok(())].into_iter();
    let connect = || ready(answers.next().expect("two answers are enough"));
    assert_eq!(connect_with(&mut attempts(), || 0.5, connect).await, Ok(()));
    assert_eq!(start.elapsed(), Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn attempt_that_hangs_counts_as_failed_after_five_seconds() {
    let start = Instant::now();
    let policy = Policy { max_failures: NonZeroU32::new(2), ..Policy::default() };
    let mut attempts = Attempts::new(policy);
    let connect = pending::<Result<(), Failure<Refused>>>;
    let end = connect_with(&mut attempts, || 0.0, connect).await;
    assert_eq!(end, Err(Abandoned { why: GaveUp::Failures { failures: 2 }, last: None }));
    assert_eq!(start.elapsed(), Duration::from_millis(10_100));
}

#[tokio::test(start_paused = true)]
async fn dropped_wait_keeps_the_count() {
    let (mut attempts, tried) = (attempts(), Cell::new(0));
    let connect = || {
        tried.set(tried.get() + 1);
        ready(Err::<(), _>(Failure::Retry(Refused)))
    };
    let cut_short = connect_with(&mut attempts, || 0.0, connect);
    assert!(timeout(Duration::from_millis(300), cut_short).await.is_err());
    assert_eq!((tried.get(), attempts.failed()), (2, 2));

    let start = Instant::now();
    let connect =
        || ready(if tried.replace(9) == 2 { Err(Failure::Retry(Refused)) } else { Ok(()) });
    assert_eq!(connect_with(&mut attempts, || 0.0, connect).await, Ok(()));
    assert_eq!(start.elapsed(), Duration::from_secs(1), "the third delay, not the first");
}

#[tokio::test(start_paused = true)]
async fn loop_can_be_spawned() {
    fn assert_send<T: Send>(future: T) -> T {
        future
    }
    let mut attempts = attempts();
    let connect = || async { Ok::<_, Failure<Refused>>(1) };
    assert_eq!(assert_send(connect_with(&mut attempts, || 0.0, connect)).await, Ok(1));
}
