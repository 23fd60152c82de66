//! Many keys: each has its own limit, memory is bounded, and who is blocked stays blocked.
#![expect(clippy::disallowed_methods, reason = "a test needs one instant to count from")]

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use tidegate_ratelimit::{Keyed, Limit, Verdict};

const SECOND: Duration = Duration::from_secs(1);

fn of(max_requests: u32, window: Duration) -> Limit {
    Limit::new(max_requests, window).expect("the tests' windows are not zero")
}

fn keyed(limit: Limit, max_keys: usize) -> Keyed<u64> {
    Keyed::new(limit, NonZeroUsize::new(max_keys).expect("the tests hold at least one key"))
}

#[test]
fn each_key_has_a_limit_of_its_own() {
    let now = Instant::now();
    let keys = keyed(of(1, SECOND), 1000);
    assert!(keys.check(&1, now, 1).is_allowed());
    assert!(keys.check(&2, now, 1).is_allowed());
    assert_eq!(keys.check(&1, now, 1), Verdict::Limited { retry_after: SECOND });
    assert!(keys.check(&1, now + SECOND, 1).is_allowed());
    assert_eq!(keys.len(), 2);
    let totals = keys.totals();
    assert_eq!((totals.allowed, totals.limited, totals.blocked), (3, 1, 0));
}

#[test]
fn forgotten_key_begins_anew() {
    let now = Instant::now();
    let keys = keyed(of(1, SECOND).block(SECOND * 9), 1000);
    assert!(keys.check(&1, now, 1).is_allowed());
    assert!(!keys.check(&1, now, 1).is_allowed());
    keys.forget(&1);
    keys.forget(&2);
    assert!(keys.is_empty());
    assert!(keys.check(&1, now, 1).is_allowed());
}

#[test]
fn counts_stay_with_their_keys_when_others_go() {
    let now = Instant::now();
    let keys = keyed(of(100, SECOND), 50);
    for key in 0..50 {
        assert!(keys.check(&key, now, key as u32 + 1).is_allowed());
    }
    for key in (0..50).step_by(3) {
        keys.forget(&key);
    }
    for key in 0..50 {
        let free = if key % 3 == 0 { 100 } else { 99 - key as u32 };
        assert!(keys.peek(&key, now, free).is_allowed(), "key {key}");
        assert!(!keys.peek(&key, now, free + 1).is_allowed(), "key {key}");
    }
}

#[test]
fn peek_holds_no_key() {
    let now = Instant::now();
    let keys = keyed(of(1, SECOND), 10);
    assert!(keys.peek(&1, now, 1).is_allowed());
    assert!(keys.is_empty());
    assert!(keys.check(&1, now, 1).is_allowed());
    assert!(!keys.peek(&1, now, 1).is_allowed());
}

#[test]
fn requests_that_count_nothing_hold_no_key() {
    let now = Instant::now();
    let keys = keyed(of(1, SECOND), 10);
    assert!(keys.check(&1, now, 0).is_allowed());
    assert!(!keys.check(&2, now, 2).is_allowed());
    assert!(keys.is_empty());
}

#[test]
fn flood_of_forged_keys_stays_under_the_cap() {
    let now = Instant::now();
    for max_keys in [1, 7, 100, 5_000] {
        let keys = keyed(of(3, SECOND), max_keys);
        for key in 0..60_000 {
            assert!(keys.check(&key, now, 1).is_allowed());
        }
        assert!(keys.len() <= max_keys);
        assert!(keys.len() > max_keys / 2, "room is used: {} of {max_keys}", keys.len());
    }
}

#[test]
fn idle_keys_are_cleared_out_by_new_ones() {
    let now = Instant::now();
    let keys = keyed(of(3, SECOND), 100_000);
    for key in 0..10_000 {
        assert!(keys.check(&key, now, 1).is_allowed());
    }
    assert_eq!(keys.len(), 10_000);
    for key in 0..10_000 {
        let later = now + SECOND * 2 + Duration::from_millis(key);
        assert!(keys.check(&(key + 1_000_000), later, 1).is_allowed());
    }
    assert!(keys.len() < 2_000, "{} keys, of which 1000 are in use", keys.len());
}

#[test]
fn blocked_keys_outlive_a_flood_of_unblocked_ones() {
    let now = Instant::now();
    let keys = keyed(of(1, SECOND).block(SECOND * 60), 1_000);
    for key in 0..200 {
        assert!(keys.check(&key, now, 1).is_allowed());
        assert!(!keys.check(&key, now, 1).is_allowed());
    }
    for key in 1_000..60_000 {
        assert!(keys.check(&key, now + SECOND, 1).is_allowed());
    }
    for key in 0..200 {
        let verdict = keys.check(&key, now + SECOND * 59, 1);
        let until = now + SECOND * 60;
        assert_eq!(verdict, Verdict::Blocked { until, retry_after: SECOND }, "key {key}");
    }
    assert_eq!(keys.untracked(), 0);
}

#[test]
fn when_all_are_blocked_new_keys_share_one_limit_and_are_counted() {
    let now = Instant::now();
    let keys = keyed(of(2, SECOND).block(SECOND * 60), 10);
    for key in 0..10 {
        assert!(keys.check(&key, now, 2).is_allowed());
        assert!(!keys.check(&key, now + SECOND * key as u32 / 20, 1).is_allowed());
    }
    assert!(keys.check(&98, now + SECOND, 1).is_allowed());
    assert!(keys.check(&99, now + SECOND, 1).is_allowed());
    for key in [98, 99, 100] {
        let refused = keys.check(&key, now + SECOND, 1);
        assert_eq!(refused, Verdict::Limited { retry_after: SECOND }, "no block for the many");
    }
    assert!(keys.check(&100, now + SECOND * 2, 1).is_allowed());
    assert_eq!((keys.len(), keys.untracked()), (10, 6));
    let later = now + SECOND * 60;
    assert!(keys.check(&99, later, 2).is_allowed());
    assert!(matches!(keys.check(&99, later, 1), Verdict::Blocked { .. }), "it is held now");
    assert_eq!((keys.len(), keys.untracked()), (10, 6));
}

#[test]
fn the_most_used_key_is_kept_before_lesser_ones() {
    let now = Instant::now();
    let keys = keyed(of(100, SECOND), 8);
    assert!(keys.check(&0, now, 100).is_allowed());
    for key in 1..5_000 {
        assert!(keys.check(&key, now, 1).is_allowed());
    }
    assert!(!keys.check(&0, now, 1).is_allowed());
}

#[test]
fn threads_share_one_count() {
    let now = Instant::now();
    let keys = keyed(of(200, SECOND), 100);
    let passed: usize = std::thread::scope(|scope| {
        let count = || (0..200).filter(|_| keys.check(&7, now, 1).is_allowed()).count();
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 200);
    assert_eq!(keys.totals().limited, 400);
}
