//! The keyed store beside a limiter for each key, under floods, and with hostile values.
#![expect(clippy::disallowed_methods, reason = "a test needs one instant to count from")]

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tidegate_ratelimit::{ConfigError, Keyed, KeyedLimiters, Limit, Limiter, Refused, Verdict};

const SECOND: Duration = Duration::from_secs(1);

fn keys(max_keys: usize) -> NonZeroUsize {
    NonZeroUsize::new(max_keys).expect("the tests hold at least one key")
}

fn limits() -> impl Strategy<Value = Limit> {
    let exact = (1..6_u32, 0..6_u32);
    let counted = (250..400_u32, 10..90_000_u32);
    let window = prop_oneof![Just(SECOND), (1..300_u64).prop_map(Duration::from_millis)];
    let block = prop_oneof![Just(Duration::ZERO), (1..2_000_u64).prop_map(Duration::from_millis)];
    (prop_oneof![exact, counted], window, block).prop_map(|((max, burst), window, block)| {
        Limit::new(max, window).expect("not zero").burst(burst).block(block)
    })
}

proptest! {
    #[test]
    fn each_key_is_decided_about_as_by_a_limiter_of_its_own(
        limit in limits(),
        steps in prop::collection::vec((0..40_u8, 0..3_u32, 0..300_u64, any::<bool>()), 1..300),
        leap in prop_oneof![9 => Just(0), 1 => 0..4_000_u64],
    ) {
        let (store, mut models) = (Keyed::new(limit, keys(1000)), HashMap::new());
        let mut now = Instant::now();
        for (key, cost, wait, much) in steps {
            // Leaps go beyond what 2³¹ steps of the clock hold.
            now += Duration::from_millis(wait) + Duration::from_secs(leap);
            let cost = if much { cost * limit.max_requests() / 2 } else { cost };
            let model = models.entry(key).or_insert_with(|| Limiter::new(limit));
            prop_assert_eq!(store.peek(&key, now, cost).is_allowed(), model.peek(now, cost).is_allowed());
            let (verdict, expected) = (store.check(&key, now, cost), model.check(now, cost));
            // A store counts time from its own beginning: in steps, a little apart from the limiter's.
            prop_assert_eq!(verdict.is_allowed(), expected.is_allowed(), "{:?} {:?}", verdict, expected);
            let apart = |a: Duration, b: Duration| a.abs_diff(b) <= limit.resolution();
            match (verdict.retry_after(), expected.retry_after()) {
                (Some(one), Some(other)) => prop_assert!(one == other || apart(one, other)),
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }

    #[test]
    fn who_is_blocked_stays_so_whoever_comes(
        max in 1..3_u32, max_keys in 1..60_usize,
        steps in prop::collection::vec((0..400_u32, 0..200_u64), 1..600),
    ) {
        let limit = Limit::per_second(max).block(SECOND * 5);
        let store = Keyed::new(limit, keys(max_keys));
        let (mut now, mut blocked) = (Instant::now(), HashMap::new());
        for (key, wait) in steps {
            now += Duration::from_millis(wait);
            // Half of them are a few that come often.
            let key = if key < 200 { key % 7 } else { key };
            let verdict = store.check(&key, now, 1);
            if let Some(&until) = blocked.get(&key) && now < until {
                let still = matches!(verdict, Verdict::Blocked { until: told, .. } if told == until);
                prop_assert!(still, "{key} was blocked and is {verdict:?}");
            }
            if let Verdict::Blocked { until, .. } = verdict {
                blocked.insert(key, until);
            }
            prop_assert!(store.len() <= max_keys);
        }
    }

    #[test]
    fn memory_stays_within_its_bound(
        limit in limits(), max_bytes in 2_000..60_000_usize,
        steps in prop::collection::vec((0..5_000_u32, 1..4_u32, 0..90_usize), 1..400),
    ) {
        let store = Keyed::new(limit, keys(100_000)).key_bytes(String::len).max_bytes(max_bytes);
        let Ok(store) = store else {
            return Ok(());
        };
        let mut now = Instant::now();
        for (key, cost, length) in steps {
            now += Duration::from_millis(1);
            let _ = store.check(&format!("{key:0>length$}"), now, cost);
            // Sixteen logs are allocated at once, and a few slots more than there are homes.
            let chunk = if limit.is_exact() { 64 * limit.capacity() as usize } else { 0 };
            prop_assert!(store.bytes() <= max_bytes + chunk + 1024, "{} bytes", store.bytes());
        }
    }

    #[test]
    fn hostile_values_break_nothing(
        max in prop_oneof![0..5_u32, 200..400_u32, any::<u32>()],
        burst in prop_oneof![0..5_u32, any::<u32>()],
        window in prop_oneof![any::<Duration>(), (1..1_u64 << 24).prop_map(Duration::from_nanos)],
        block in prop_oneof![Just(Duration::ZERO), any::<Duration>()],
        max_keys in 1..40_usize,
        steps in prop::collection::vec(
            (any::<u64>(), 0..64_u32, any::<bool>(), prop_oneof![0..600_u32, any::<u32>()], 0..60_u8),
            1..80,
        ),
    ) {
        let Ok(limit) = Limit::new(max, window) else { return Ok(()) };
        let limit = limit.burst(burst).block(block);
        let store = Keyed::new(limit, keys(max_keys));
        let base = Instant::now();
        for (number, smaller, back, cost, key) in steps {
            let step = Duration::from_nanos(number >> smaller);
            let moved = if back { base.checked_sub(step) } else { base.checked_add(step) };
            let now = moved.unwrap_or(base);
            let foreseen = store.peek(&key, now, cost);
            let verdict = store.check(&key, now, cost);
            prop_assert!(!verdict.is_allowed() || cost <= limit.capacity());
            prop_assert!(store.untracked() > 0 || foreseen.is_allowed() == verdict.is_allowed());
            if number % 5 == 0 {
                store.forget(&key);
            }
            prop_assert!(store.len() <= max_keys);
        }
    }

    #[test]
    fn several_limits_count_all_or_nothing(
        steps in prop::collection::vec((0..3_u8, 0..3_u32, 0..2_000_u32, 0..400_u64), 1..200),
    ) {
        let (few, bytes) = (Limit::per_second(4), Limit::per_second(3_000));
        let (one, other) = (Keyed::new(few, keys(99)), Keyed::new(bytes, keys(99)));
        let store = KeyedLimiters::new([("few", one), ("bytes", other)]);
        let start = Instant::now();
        let mut now = start;
        // Steps of time are the same for all then.
        let _ = store.peek(&0, start, [0, 0]);
        let mut models = HashMap::new();
        for (key, cost, size, wait) in steps {
            now += Duration::from_millis(wait);
            let [one, other] = models
                .entry(key)
                .or_insert_with(|| [Limiter::new(few), Limiter::new(bytes)].map(|mut limiter| {
                    let _ = limiter.check(start, 0);
                    limiter
                }));
            let expected = one.peek(now, cost).is_allowed() && other.peek(now, size).is_allowed();
            let standings = store.check(&key, now, [cost, size]);
            prop_assert_eq!(Refused::by(&standings).is_none(), expected);
            if expected {
                let _ = (one.check(now, cost), other.check(now, size));
            }
        }
    }
}

#[test]
fn too_few_bytes_for_one_key_are_no_configuration() {
    let few = Keyed::<u64>::new(Limit::per_second(100), keys(9)).max_bytes(100);
    let Err(ConfigError::MaxBytes { given: 100, needed }) = few else { panic!("{few:?}") };
    assert!((400..500).contains(&needed), "{needed}");
    assert!(Keyed::<u64>::new(Limit::per_second(100), keys(9)).max_bytes(needed).is_ok());
}

#[test]
fn a_key_costs_what_is_promised() {
    // Sixteen logs are allocated at once by each shard, which has about a thousand keys: a sixty-fourth more.
    let log = |capacity: f64| 48.0 + 4.0 * capacity * (1.0 + 1.0 / 64.0);
    for (limit, most) in [
        (Limit::per_minute(30).burst(5), log(35.0)),
        (Limit::per_minute(256), log(256.0)),
        (Limit::per_minute(1000).burst(100), 64.0),
    ] {
        for count in [1_000, 3_000, 20_000, 50_000_u64] {
            let (store, now) = (Keyed::new(limit, keys(count as usize * 2)), Instant::now());
            for key in 0..count {
                assert!(store.check(&key, now, limit.max_requests()).is_allowed());
            }
            let each = store.bytes() as f64 / count as f64;
            assert!(each <= most, "{each} bytes for each of {count} keys with {limit:?}");
        }
    }
}

#[test]
fn key_that_came_once_needs_no_log() {
    let (store, now) = (Keyed::new(Limit::per_minute(256), keys(20_000)), Instant::now());
    for key in 0..10_000_u64 {
        assert!(store.check(&key, now, 1).is_allowed());
    }
    assert!(store.bytes() < 48 * 10_000, "{} bytes", store.bytes());
}

#[test]
fn memory_is_given_back_after_a_flood() {
    let (store, mut now) = (Keyed::new(Limit::per_second(9), keys(100_000)), Instant::now());
    for key in 0..50_000_u64 {
        assert!(store.check(&key, now, 3).is_allowed());
    }
    let flooded = store.bytes();
    for key in 0..100_000_u64 {
        now += Duration::from_millis(5);
        let _ = store.check(&(key % 1000), now, 1);
        let _ = store.check(&(key + 1_000_000), now, 1);
    }
    assert!(store.len() < 4_000, "{}", store.len());
    assert!(store.bytes() < flooded / 2, "{} of {flooded} bytes", store.bytes());
}

#[test]
fn threads_that_check_two_stores_count_both_or_neither() {
    let now = Instant::now();
    let (one, other) =
        (Keyed::new(Limit::per_hour(250), keys(10)), Keyed::new(Limit::per_hour(400), keys(10)));
    let count = || {
        let both = || {
            let mut second = false;
            let first = one.check_if(&1, now, 1, || {
                second = other.check(&2, now, 1).is_allowed();
                second
            });
            first.is_allowed() && second
        };
        (0..300).filter(|_| both()).count()
    };
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 250);
    assert!(other.check(&2, now, 150).is_allowed(), "what the first refused, it did not count");
    assert!(!other.check(&2, now, 1).is_allowed());
}
