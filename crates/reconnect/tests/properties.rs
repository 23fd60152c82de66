//! What holds for any settings, times and numbers, hostile ones among them.
#![expect(clippy::disallowed_methods, reason = "a test needs some first Instant")]

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tidegate_reconnect::{Attempts, CloseMeaning, Ending, Hint, LONGEST, Policy, Settings, Spread};

/// Times of all sizes, and often the odd ones.
fn times() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1 => Just(Duration::ZERO),
        1 => Just(Duration::MAX),
        1 => Just(LONGEST),
        4 => (0..100_000_u64).prop_map(Duration::from_millis),
        2 => any::<Duration>(),
    ]
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 0.0..1.0_f64, 1 => any::<f64>(), 1 => Just(f64::NAN)]
}

prop_compose! {
    fn settings()(
        mut first_delays in [times(), times(), times()],
        sorted in prop::bool::weighted(0.8),
        jitter in numbers(),
        [max_delay, drain_spread, min_wait, max_told_delay] in [times(), times(), times(), times()],
        [connect_timeout, proved_after] in [times(), times()],
        max_failures in any::<u8>(),
        outage_timeout in prop::option::of(times()),
    ) -> Settings {
        if sorted {
            first_delays.sort();
        }
        Settings {
            first_delays, max_delay, jitter, drain_spread, min_wait, max_told_delay,
            connect_timeout, proved_after, outage_timeout,
            max_failures: NonZeroU32::new(max_failures.into()),
        }
    }
}

fn endings() -> impl Strategy<Value = Ending> {
    prop_oneof![
        2 => Just(Ending::Failed),
        2 => (any::<u16>(), ".{0,30}").prop_map(|(code, reason)| Ending::closed(code, &reason)),
        2 => (4_000..4_300_u16).prop_map(|code| Ending::closed(code, "")),
        1 => any::<(u64, u64)>().prop_map(|(after, jitter)| Ending::Told(Spread::from_millis(after, jitter))),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Ended(Ending),
    Connected,
    Proved,
    Hint(Hint),
}

fn steps() -> impl Strategy<Value = Vec<(Step, Duration, f64)>> {
    let hint = prop_oneof![Just(Hint::NetworkBack), Just(Hint::Visible)];
    let step = prop_oneof![
        4 => endings().prop_map(Step::Ended),
        1 => Just(Step::Connected),
        1 => Just(Step::Proved),
        2 => hint.prop_map(Step::Hint),
    ];
    prop::collection::vec((step, times(), numbers()), 1..60)
}

proptest! {
    #[test]
    fn delays_stay_within_their_bounds_or_the_settings_are_refused(
        settings in settings(), failed in any::<u32>(), random in numbers(), told in any::<(Duration, Duration)>(),
    ) {
        let Ok(policy) = Policy::new(settings.clone()) else { return Ok(()) };
        let Settings { max_delay, drain_spread, min_wait, max_told_delay, .. } = settings;
        prop_assert!(policy.delay(failed) <= max_delay);
        prop_assert!(policy.lone(failed, random) <= policy.delay(failed));
        prop_assert!(policy.crowd(failed, random) <= max_delay.max(drain_spread));
        let wait = policy.wait(failed, random);
        prop_assert!(min_wait <= wait && wait <= max_delay.max(min_wait));
        let (after, jitter) = told;
        let told = policy.told(Spread { after, jitter }, random);
        prop_assert!(after.min(max_told_delay) <= told && told <= max_told_delay * 2);
    }

    #[test]
    fn no_history_panics_or_waits_without_end(settings in settings(), steps in steps()) {
        let Ok(policy) = Policy::new(settings.clone()) else { return Ok(()) };
        let longest = settings.max_delay.max(settings.drain_spread).max(settings.min_wait);
        let longest = longest.max(settings.max_told_delay * 2);
        let start = Instant::now();
        let mut attempts = Attempts::new(policy);
        for (step, at, random) in steps {
            let now = start.checked_add(at).unwrap_or(start);
            let before = attempts.failed();
            match step {
                Step::Ended(ending) => match attempts.after(ending, now, random) {
                    Ok(delay) => prop_assert!(delay <= longest && attempts.due().is_some()),
                    Err(_) => prop_assert_eq!(attempts.due(), None),
                },
                Step::Connected => attempts.connected(now),
                Step::Proved => attempts.proved(),
                Step::Hint(hint) => {
                    let due = attempts.due();
                    let hinted = attempts.hint(hint, now, random);
                    prop_assert_eq!(hinted, attempts.due());
                    prop_assert!(hinted <= due);
                }
            }
            prop_assert!(attempts.failed() <= before + 1);
        }
    }

    /// A network that flaps is no reason to storm: after a wait of our own, attempt follows attempt no faster than
    /// the schedule allows, however many hints there are.
    #[test]
    fn hints_lead_to_no_storm(pauses in prop::collection::vec(0..200_u64, 600), random in 0.0..1.0_f64) {
        let start = Instant::now();
        let (mut now, mut made) = (start, 0);
        let mut attempts = Attempts::new(Policy::default());
        prop_assert!(attempts.after(Ending::Failed, now, random).is_ok());
        for pause in pauses {
            now += Duration::from_millis(pause);
            let _ = attempts.hint(Hint::NetworkBack, now, random);
            if attempts.due().is_some_and(|due| due <= now) {
                made += 1;
                prop_assert!(attempts.after(Ending::Failed, now, random).is_ok());
            }
        }
        // 0.1 + 0.5 + 1 + 2 + 4 + 8 + 16 + 30 + 30 s, shortened by 5 %, is less than two minutes; each may also be
        // hinted once.
        prop_assert!(now - start < Duration::from_secs(120));
        prop_assert!(made <= 18, "{made} attempts in {:?}", now - start);
    }

    #[test]
    fn lone_delays_stay_within_five_percent(failed in 0..100_u32, random in 0.0..1.0_f64) {
        let policy = Policy::default();
        let (delay, jittered) = (policy.delay(failed), policy.lone(failed, random));
        prop_assert!(jittered <= delay && jittered >= delay * 95 / 100 - Duration::from_micros(1));
    }

    #[test]
    fn asked_spread_is_kept(after in any::<u64>(), jitter in any::<u64>(), random in numbers()) {
        let spread = Spread::from_millis(after, jitter);
        let delay = spread.delay(random);
        prop_assert!(spread.after <= delay && delay <= spread.after + spread.jitter);
    }

    #[test]
    fn every_code_has_an_answer(code in any::<u16>(), reason in ".{0,30}", random in numbers()) {
        let ending = Ending::closed(code, &reason);
        let answer = Attempts::new(Policy::default()).after(ending, Instant::now(), random);
        prop_assert_eq!(answer.is_err(), CloseMeaning::of(code, &reason) == CloseMeaning::Final);
    }
}
