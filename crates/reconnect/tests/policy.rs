//! Delays, jitter, what the server asks for, and when it is over.
#![expect(clippy::disallowed_methods, reason = "a test needs some first Instant")]

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tidegate_reconnect::{
    Attempts, CloseMeaning, Ending, GaveUp, Hint, Impossible, LONGEST, Policy, Settings, Spread,
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn closed(code: u16) -> Ending {
    Ending::closed(code, "")
}

fn attempts() -> Attempts {
    Attempts::new(Policy::default())
}

fn with(settings: Settings) -> Attempts {
    Attempts::new(Policy::new(settings).expect("the settings make sense"))
}

fn after_one(ending: Ending, random: f64) -> Result<Duration, GaveUp> {
    attempts().after(ending, Instant::now(), random)
}

/// Attempts after so many failures, the last of them now.
fn failed(failures: u32) -> (Attempts, Instant) {
    let (mut attempts, now) = (attempts(), Instant::now());
    for _ in 0..failures {
        assert!(attempts.after(Ending::Failed, now, 0.0).is_ok());
    }
    (attempts, now)
}

#[test]
fn delays_are_short_first_and_then_double_up_to_the_longest() {
    let (mut attempts, now) = failed(0);
    let delays: Vec<_> =
        (0..10).map(|_| attempts.after(Ending::Failed, now, 0.0).unwrap().as_millis()).collect();
    assert_eq!(delays, [100, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
}

#[test]
fn proof_begins_with_the_first_delay_again() {
    let (mut attempts, now) = failed(5);
    assert_eq!(attempts.failed(), 5);
    attempts.proved();
    assert_eq!((attempts.failed(), attempts.due()), (0, None));
    assert_eq!(attempts.after(Ending::Failed, now, 0.0), Ok(MS * 100));
}

#[test]
fn connection_that_ends_at_once_is_no_success() {
    let (mut attempts, now) = failed(3);
    attempts.connected(now);
    assert_eq!(attempts.after(Ending::Failed, now + SECOND * 4, 0.0), Ok(SECOND * 2));
    attempts.connected(now);
    assert_eq!(attempts.after(Ending::Failed, now + SECOND * 5, 0.0), Ok(MS * 100));
}

#[test]
fn time_that_goes_backwards_proves_nothing() {
    let (mut attempts, now) = failed(1);
    attempts.connected(now + SECOND * 100);
    assert_eq!(attempts.after(Ending::Failed, now, 0.0), Ok(MS * 500));
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
fn retry_after_is_spread_over_half_its_time_again() {
    let spread = Spread::retry_after(10);
    assert_eq!((spread.delay(0.0), spread.delay(1.0)), (SECOND * 10, SECOND * 15));
}

#[test]
fn server_cannot_send_a_client_away_for_ever() {
    let hour = SECOND * 3_600;
    let never = Spread::from_millis(u64::MAX, u64::MAX);
    assert_eq!(after_one(Ending::Told(never), 0.0), Ok(hour));
    assert_eq!(after_one(Ending::Told(never), 0.5), Ok(hour + hour / 2));
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
fn application_gives_its_codes_a_meaning_of_its_own() {
    let moved = Ending::Closed { code: 4042, meaning: CloseMeaning::Resume };
    assert_eq!(after_one(moved, 0.5), Ok(Duration::ZERO));
}

#[test]
fn full_server_and_quota_mean_come_back_after_a_wait() {
    for reason in ["Server at capacity", "Connection limit reached"] {
        let ending = Ending::closed(1008, reason);
        assert_eq!(after_one(ending, 0.0), Ok(SECOND * 5));
        assert_eq!(after_one(ending, 1.0), Ok(SECOND * 10));
    }
    for code in 4100..=4199 {
        assert_eq!(after_one(closed(code), 0.0), Ok(SECOND * 5));
    }
    assert_eq!(after_one(Ending::closed(1000, "Server at capacity"), 0.0).ok(), None);
}

#[test]
fn slow_consumer_comes_back_at_once_but_not_again_and_again() {
    for code in 4200..=4299 {
        let (mut attempts, now) = failed(0);
        assert_eq!(CloseMeaning::of(code, ""), CloseMeaning::Resume);
        assert_eq!(attempts.after(closed(code), now, 0.5), Ok(Duration::ZERO));
        assert_eq!(attempts.after(closed(code), now, 0.0), Ok(MS * 500));
        attempts.proved();
        assert_eq!(attempts.after(closed(code), now, 0.5), Ok(Duration::ZERO));
    }
}

#[test]
fn gives_up_after_as_many_failures_as_allowed() {
    let (max_failures, now) = (NonZeroU32::new(3), Instant::now());
    let mut attempts = with(Settings { max_failures, ..Settings::default() });
    assert!(attempts.after(Ending::Failed, now, 0.5).is_ok());
    assert!(attempts.after(closed(1001), now, 0.5).is_ok());
    assert_eq!(attempts.after(Ending::Failed, now, 0.5), Err(GaveUp::Failures { failures: 3 }));
    assert_eq!(attempts.due(), None);
}

#[test]
fn gives_up_when_the_next_attempt_would_come_after_the_time_for_an_outage() {
    let (outage_timeout, now) = (Some(SECOND * 2), Instant::now());
    let mut attempts = with(Settings { outage_timeout, ..Settings::default() });
    attempts.connected(now);
    let lost = now + SECOND * 60;
    assert!(attempts.after(Ending::Failed, lost, 0.0).is_ok());
    assert!(attempts.after(Ending::Failed, lost + MS * 1_500, 0.0).is_ok());
    let over = attempts.after(Ending::Failed, lost + MS * 1_500, 0.0);
    assert_eq!(over, Err(GaveUp::Outage { failures: 3 }));
}

#[test]
fn network_that_is_back_starts_the_schedule_anew_but_not_the_count() {
    let (mut attempts, now) = failed(9);
    let soon = now + SECOND;
    assert_eq!(attempts.hint(Hint::NetworkBack, soon, 0.0), Some(soon));
    assert_eq!(attempts.after(Ending::Failed, soon, 0.0), Ok(MS * 100));
    assert_eq!(attempts.failed(), 10);
}

#[test]
fn page_that_is_visible_shortens_one_wait_alone() {
    let (mut attempts, now) = failed(9);
    let soon = now + SECOND;
    assert_eq!(attempts.hint(Hint::Visible, soon, 0.5), Some(soon + MS * 50));
    assert_eq!(attempts.after(Ending::Failed, soon, 0.0), Ok(SECOND * 30));
}

#[test]
fn hint_comes_no_sooner_than_the_first_delay_after_a_failure() {
    let (mut attempts, now) = failed(9);
    assert_eq!(attempts.hint(Hint::Visible, now, 0.0), Some(now + MS * 100));
}

#[test]
fn hint_never_makes_a_wait_longer() {
    let (mut attempts, now) = failed(1);
    let due = Some(now + MS * 100);
    assert_eq!(attempts.due(), due);
    assert_eq!(attempts.hint(Hint::NetworkBack, now + MS * 90, 1.0), due);
}

#[test]
fn hints_in_a_row_shorten_less_and_less_until_there_was_a_pause() {
    let (mut attempts, now) = failed(9);
    let mut at = now;
    for delay in [100, 500, 1_000, 2_000, 4_000] {
        let due = attempts.hint(Hint::NetworkBack, at, 0.0);
        assert_eq!(due, Some(at + MS * delay));
        at += MS * delay;
        // Of a network that comes and goes nothing is heard but failures.
        for _ in 0..9 {
            assert!(attempts.after(Ending::Failed, at, 0.0).is_ok());
        }
    }
    assert_eq!(attempts.hint(Hint::NetworkBack, at + SECOND * 30, 0.0), Some(at + SECOND * 30));
}

#[test]
fn hint_without_a_wait_changes_nothing() {
    let (mut attempts, now) = failed(0);
    assert_eq!(attempts.hint(Hint::NetworkBack, now, 0.0), None);
    attempts.connected(now);
    assert_eq!(attempts.hint(Hint::NetworkBack, now, 0.0), None);
}

#[test]
fn hint_leaves_what_the_server_asked_for() {
    let told = Ending::Told(Spread::from_millis(9_000, 0));
    for ending in [told, Ending::closed(1008, "Server at capacity"), closed(1012)] {
        let (mut attempts, now) = failed(0);
        let delay = attempts.after(ending, now, 0.5).unwrap();
        assert_eq!(attempts.hint(Hint::NetworkBack, now + MS, 0.0), Some(now + delay));
    }
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

#[test]
fn impossible_settings_name_their_field() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        Policy::new(settings).unwrap_err()
    };
    assert_eq!(refused(|it| it.first_delays = [SECOND, MS, SECOND]), Impossible::FirstDelays);
    assert_eq!(refused(|it| it.first_delays = [Duration::ZERO; 3]), Impossible::FirstDelays);
    assert_eq!(refused(|it| it.max_delay = Duration::ZERO), Impossible::MaxDelay);
    assert_eq!(refused(|it| it.connect_timeout = Duration::ZERO), Impossible::ConnectTimeout);
    for jitter in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let settings = Settings { jitter, ..Settings::default() };
        assert_eq!(Policy::new(settings), Err(Impossible::Jitter));
    }
    let too_long = refused(|it| it.min_wait = LONGEST + MS);
    assert_eq!(too_long, Impossible::TooLong { field: "min_wait" });
    assert_eq!(too_long.to_string(), "`min_wait` must not be longer than 365 days");
}
