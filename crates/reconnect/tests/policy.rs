//! Delays, jitter, what the server asks for, and when it is over.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use tidegate_reconnect::{Attempts, CloseMeaning, Ending, GaveUp, Policy, Spread};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn closed(code: u16) -> Ending<'static> {
    Ending::Closed { code, reason: "" }
}

fn after_one(ending: Ending<'_>, random: f64) -> Result<Duration, GaveUp> {
    Attempts::new(Policy::default()).after(ending, random)
}

#[test]
fn delays_are_short_first_and_then_double_up_to_the_cap() {
    let mut attempts = Attempts::new(Policy::default());
    let delays: Vec<_> =
        (0..10).map(|_| attempts.after(Ending::Failed, 0.0).unwrap().as_millis()).collect();
    assert_eq!(delays, [100, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
}

#[test]
fn reset_begins_with_the_first_delay_again() {
    let mut attempts = Attempts::new(Policy::default());
    for _ in 0..5 {
        assert!(attempts.after(Ending::Failed, 0.0).is_ok());
    }
    assert_eq!(attempts.failed(), 5);
    attempts.reset();
    assert_eq!(attempts.after(Ending::Failed, 0.0), Ok(MS * 100));
}

#[test]
fn lone_failure_is_jittered_by_five_percent() {
    for code in [1005, 1006, 1011, 1014, 1015, 3000, 4300, 0, 999, u16::MAX] {
        assert_eq!(after_one(closed(code), 0.0), Ok(MS * 100), "{code}");
        assert_eq!(after_one(closed(code), 1.0), Ok(MS * 95), "{code}");
    }
}

#[test]
fn drain_spreads_everybody_over_four_seconds_or_the_delay() {
    for code in [1001, 1012, 1013] {
        assert_eq!(after_one(closed(code), 0.0), Ok(Duration::ZERO));
        assert_eq!(after_one(closed(code), 0.5), Ok(SECOND * 2));
    }
    assert_eq!(Policy::default().crowd(9, 1.0), SECOND * 30);
}

#[test]
fn server_decides_when_it_says_so() {
    let goaway = Spread::from_millis(1_500, 60_000);
    assert_eq!(after_one(Ending::Told(goaway), 0.0), Ok(MS * 1_500));
    assert_eq!(after_one(Ending::Told(goaway), 0.5), Ok(MS * 31_500));
}

#[test]
fn final_codes_end_it() {
    let own = 4000..=4099;
    for code in [1000, 1002, 1003, 1007, 1008, 1009].into_iter().chain(own) {
        assert_eq!(CloseMeaning::of(code, "prose for a person"), CloseMeaning::Final);
        assert_eq!(after_one(closed(code), 0.5), Err(GaveUp::Closed { code }));
    }
}

#[test]
fn full_server_and_quota_mean_come_back_after_a_wait() {
    for reason in ["Server at capacity", "Connection limit reached"] {
        let ending = Ending::Closed { code: 1008, reason };
        assert_eq!(after_one(ending, 0.0), Ok(SECOND * 5));
        assert_eq!(after_one(ending, 1.0), Ok(SECOND * 10));
    }
    for code in 4100..=4199 {
        assert_eq!(after_one(closed(code), 0.0), Ok(SECOND * 5));
    }
    assert_eq!(
        after_one(Ending::Closed { code: 1000, reason: "Server at capacity" }, 0.0).ok(),
        None
    );
}

#[test]
fn slow_consumer_comes_back_at_once_but_not_again_and_again() {
    for code in 4200..=4299 {
        let mut attempts = Attempts::new(Policy::default());
        assert_eq!(CloseMeaning::of(code, ""), CloseMeaning::Resume);
        assert_eq!(attempts.after(closed(code), 0.5), Ok(Duration::ZERO));
        assert_eq!(attempts.after(closed(code), 0.0), Ok(MS * 500));
        attempts.reset();
        assert_eq!(attempts.after(closed(code), 0.5), Ok(Duration::ZERO));
    }
}

#[test]
fn gives_up_after_as_many_failures_as_allowed() {
    let policy = Policy { max_failures: NonZeroU32::new(3), ..Policy::default() };
    let mut attempts = Attempts::new(policy);
    assert!(attempts.after(Ending::Failed, 0.5).is_ok());
    assert!(attempts.after(closed(1001), 0.5).is_ok());
    assert_eq!(attempts.after(Ending::Failed, 0.5), Err(GaveUp::Failures { failures: 3 }));
}

#[test]
fn ninety_five_percent_of_a_drained_crowd_are_back_within_five_seconds() {
    let policy = Policy::default();
    let late = (0..1_000).filter(|i| policy.crowd(0, f64::from(*i) / 1_000.0) > SECOND * 5).count();
    assert!(late <= 50);
}

#[test]
fn random_numbers_out_of_range_count_as_the_nearest() {
    let spread = |random| Policy::default().crowd(0, random);
    for none in [f64::NAN, -1.0, f64::NEG_INFINITY] {
        assert_eq!(spread(none), Duration::ZERO);
    }
    for all in [1.5, f64::INFINITY] {
        assert_eq!(spread(all), SECOND * 4);
    }
}

proptest! {
    #[test]
    fn delays_never_exceed_their_bounds_whatever_the_numbers(
        failed in any::<u32>(), random in any::<f64>(), jitter in any::<f64>(),
        first in any::<Duration>(), third in any::<Duration>(), cap in any::<Duration>(),
        drain_spread in any::<Duration>(), min_wait in any::<Duration>(),
    ) {
        let first_delays = [first, first, third];
        let policy = Policy { first_delays, cap, jitter, drain_spread, min_wait, ..Policy::default() };
        prop_assert!(policy.delay(failed) <= cap);
        prop_assert!(policy.lone(failed, random) <= policy.delay(failed));
        prop_assert!(policy.crowd(failed, random) <= cap.max(drain_spread));
        let wait = policy.wait(failed, random);
        prop_assert!(min_wait <= wait && wait <= cap.max(min_wait));
    }

    #[test]
    fn lone_delays_stay_within_five_percent(failed in 0..100_u32, random in 0.0..1.0_f64) {
        let policy = Policy::default();
        let (delay, jittered) = (policy.delay(failed), policy.lone(failed, random));
        prop_assert!(jittered <= delay && jittered >= delay * 95 / 100 - Duration::from_micros(1));
    }

    #[test]
    fn asked_spread_is_kept(after in any::<u64>(), jitter in any::<u64>(), random in any::<f64>()) {
        let spread = Spread::from_millis(after, jitter);
        let delay = spread.delay(random);
        prop_assert!(spread.after <= delay && delay <= spread.after + spread.jitter);
    }

    #[test]
    fn every_code_has_an_answer(code in any::<u16>(), reason in ".{0,30}", random in any::<f64>()) {
        let mut attempts = Attempts::new(Policy::default());
        let answer = attempts.after(Ending::Closed { code, reason: &reason }, random);
        let is_final = CloseMeaning::of(code, &reason) == CloseMeaning::Final;
        prop_assert_eq!(answer.is_err(), is_final);
    }
}
