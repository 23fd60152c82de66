//! The loop, on tokio's paused clock: it waits as the policy says and can be dropped anywhere.
#![cfg(feature = "tokio")]
#![expect(clippy::disallowed_methods, reason = "the clock is paused, so that nobody really sleeps")]

use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use tidegate_reconnect::{
    Abandoned, Connector, Ending, Failure, GaveUp, Hint, Policy, Settings, Spread, State,
};
use tokio::time::{Instant, timeout};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq)]
struct Refused;

/// An attempt's outcome.
type Attempt<T = ()> = Result<T, Failure<Refused>>;

/// A connector whose random number is always zero: no jitter.
fn connector() -> Connector<fn() -> f64> {
    Connector::new(Policy::default(), || 0.0)
}

fn giving_up_after(failures: u32) -> Connector<fn() -> f64> {
    let settings = Settings { max_failures: NonZeroU32::new(failures), ..Settings::default() };
    Connector::new(Policy::new(settings).expect("the settings make sense"), || 0.0)
}

#[tokio::test(start_paused = true)]
async fn first_attempt_is_made_at_once() {
    let (start, mut connector) = (Instant::now(), connector());
    assert_eq!(connector.connect(|| ready(Ok::<_, Failure<Refused>>(7))).await, Ok(7));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(connector.attempts().failed(), 0);
}

#[tokio::test(start_paused = true)]
async fn waits_longer_from_failure_to_failure() {
    let (start, mut times, mut connector) = (Instant::now(), Vec::new(), connector());
    let connect = || {
        times.push(start.elapsed().as_millis());
        ready(if times.len() == 5 { Ok(()) } else { Err(Failure::Retry(Refused)) })
    };
    assert_eq!(connector.connect(connect).await, Ok(()));
    // tokio's timer has a step of one millisecond.
    assert_eq!(times, [0, 100, 600, 1600, 3600]);
    assert_eq!(connector.attempts().failed(), 4, "to be accepted proves nothing");
}

#[tokio::test(start_paused = true)]
async fn connection_that_stood_for_a_while_has_proved_itself() {
    let mut connector = connector();
    for (stood, delay) in [(0, 100), (4_999, 500), (5_000, 100), (0, 500), (6_000, 100)] {
        assert_eq!(connector.connect(|| ready(Attempt::Ok(()))).await, Ok(()));
        tokio::time::advance(MS * stood).await;
        assert_eq!(connector.ended(Ending::Failed), Ok(()));
        let due = connector.attempts().due().unwrap();
        assert_eq!(due - Instant::now().into_std(), MS * delay, "after {stood} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn final_failure_ends_it_for_good() {
    let mut connector = connector();
    let end = connector.connect(|| ready(Attempt::<()>::Err(Failure::Final(Refused)))).await;
    assert_eq!(end, Err(Abandoned { why: GaveUp::Final, last: Some(Refused) }));
    let again = connector.connect(|| ready(Attempt::Ok(()))).await;
    assert_eq!(again, Err(Abandoned { why: GaveUp::Final, last: None }));
    connector.proved();
    assert_eq!(connector.connect(|| ready(Attempt::Ok(()))).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn waits_as_the_server_says() {
    let (start, mut connector) = (Instant::now(), Connector::new(Policy::default(), || 0.5));
    let told = Spread::from_millis(2_000, 4_000);
    let mut answers = [Err(Failure::Told(Refused, told)), Ok(())].into_iter();
    let connect = || ready(answers.next().expect("two answers are enough"));
    assert_eq!(connector.connect(connect).await, Ok(()));
    assert_eq!(start.elapsed(), SECOND * 4);
}

#[tokio::test(start_paused = true)]
async fn attempt_that_hangs_counts_as_failed_after_five_seconds() {
    let (start, mut connector) = (Instant::now(), giving_up_after(2));
    let end = connector.connect(pending::<Attempt>).await;
    assert_eq!(end, Err(Abandoned { why: GaveUp::Failures { failures: 2 }, last: None }));
    assert_eq!(start.elapsed(), MS * 10_100);
}

#[tokio::test(start_paused = true)]
async fn dropped_wait_goes_on_where_it_was() {
    let (start, tried, mut connector) = (Instant::now(), Cell::new(0), connector());
    let connect = || {
        tried.set(tried.get() + 1);
        ready(if tried.get() < 3 { Err(Failure::Retry(Refused)) } else { Ok(()) })
    };
    assert!(timeout(MS * 300, connector.connect(connect)).await.is_err());
    assert_eq!((tried.get(), connector.attempts().failed()), (2, 2));
    assert_eq!(connector.connect(connect).await, Ok(()));
    assert_eq!(start.elapsed(), MS * 600, "100 ms, and 500 ms of which 200 were over");
}

#[tokio::test(start_paused = true)]
async fn observer_sees_each_state_once() {
    let states = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&states);
    let mut connector = giving_up_after(2).observed(move |state| seen.borrow_mut().push(state));
    let mut answers = [Err(Failure::Retry(Refused)), Ok(())].into_iter();
    let connect = || ready(answers.next().expect("two answers are enough"));
    let end = connector.stay(connect, |()| ready(Ending::Failed)).await;
    let why = GaveUp::Failures { failures: 2 };
    assert_eq!(end, Abandoned { why, last: None });
    assert_eq!(
        *states.borrow(),
        [
            State::Connecting { failed: 0 },
            State::Waiting { failed: 1, delay: MS * 100 },
            State::Connecting { failed: 1 },
            State::Connected,
            State::Abandoned(why),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn stays_connected_until_it_is_closed_for_good() {
    let (start, mut connector) = (Instant::now(), connector());
    let drain = Ending::Told(Spread::from_millis(2_000, 0));
    let mut endings = [drain, Ending::Failed, Ending::closed(4002, "banned")].into_iter();
    let end = connector
        .stay(
            || ready(Attempt::Ok(())),
            |()| {
                let ending = endings.next().expect("three endings are enough");
                async move {
                    tokio::time::sleep(SECOND * 10).await;
                    ending
                }
            },
        )
        .await;
    assert_eq!(end, Abandoned { why: GaveUp::Closed { code: 4002 }, last: None });
    assert_eq!(start.elapsed(), SECOND * 32 + MS * 100);
}

/// Fails seven times, so that the next wait is 30 s, and tells when the attempt after a hint is made.
async fn attempt_after(hint: Hint, ending: Failure<Refused>) -> Duration {
    let mut connector = connector();
    let signals = connector.signals();
    for _ in 0..7 {
        assert_eq!(connector.ended(Ending::Failed), Ok(()));
    }
    let mut answers = [Err(ending), Ok(())].into_iter();
    let connect = || ready(answers.next().expect("two answers are enough"));
    tokio::time::advance(SECOND * 20).await;
    let start = Instant::now();
    let give = async {
        tokio::time::sleep(SECOND * 2).await;
        signals.give(hint);
    };
    let (connected, ()) = tokio::join!(connector.connect(connect), give);
    assert_eq!(connected, Ok(()));
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn hint_cuts_a_wait_short() {
    for hint in [Hint::NetworkBack, Hint::Visible] {
        // 16 s after the seventh failure were over already, so the first attempt is made at once.
        assert_eq!(attempt_after(hint, Failure::Retry(Refused)).await, SECOND * 2);
    }
}

#[tokio::test(start_paused = true)]
async fn hint_does_not_overrule_the_server() {
    let told = Failure::Told(Refused, Spread::from_millis(9_000, 0));
    assert_eq!(attempt_after(Hint::NetworkBack, told).await, SECOND * 9);
}

#[tokio::test(start_paused = true)]
async fn hint_given_during_an_attempt_counts_for_the_wait_after_it() {
    let (start, mut connector) = (Instant::now(), connector());
    for _ in 0..6 {
        assert_eq!(connector.ended(Ending::Failed), Ok(()));
    }
    let (signals, tries) = (connector.signals(), Cell::new(0));
    let connect = || {
        signals.give(Hint::NetworkBack);
        tries.set(tries.get() + 1);
        ready(if tries.get() == 1 { Err(Failure::Retry(Refused)) } else { Ok(()) })
    };
    assert_eq!(connector.connect(connect).await, Ok(()));
    assert_eq!(start.elapsed(), SECOND * 8 + MS * 100, "the first delay follows");
}

#[tokio::test(start_paused = true)]
async fn hint_given_while_a_connection_stood_is_forgotten() {
    let mut connector = connector();
    assert_eq!(connector.connect(|| ready(Attempt::Ok(()))).await, Ok(()));
    connector.signals().give(Hint::NetworkBack);
    for _ in 0..6 {
        assert_eq!(connector.ended(Ending::Failed), Ok(()));
    }
    let start = Instant::now();
    assert_eq!(connector.connect(|| ready(Attempt::Ok(()))).await, Ok(()));
    assert_eq!(start.elapsed(), SECOND * 8);
}

#[tokio::test(start_paused = true)]
async fn loop_can_be_spawned() {
    fn assert_send<T: Send>(future: T) -> T {
        future
    }
    let mut connector = connector();
    let connect = || async { Ok::<_, Failure<Refused>>(1) };
    assert_eq!(assert_send(connector.connect(connect)).await, Ok(1));
}
