//! The limiter beside plain models: a list of every booking, and a list of every unit admitted.
#![expect(clippy::disallowed_methods, reason = "a test needs one instant to count from")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tidegate_ratelimit::{EXACT_CAPACITY, FOREVER, Limit, Limiter};

const NANO: Duration = Duration::from_nanos(1);

/// The definition, with nothing clever: the nth unit is booked for when the (n − N)th ends, at most B ahead.
struct Model {
    max: usize,
    burst: usize,
    window: u64,
    booked: Vec<u64>,
}

impl Model {
    fn admit(&mut self, now: u64, cost: u32) -> bool {
        let before = self.booked.len();
        for _ in 0..cost {
            let nth_before = self.booked.len().checked_sub(self.max).map(|i| self.booked[i]);
            self.booked.push(nth_before.map_or(now, |at| now.max(at + self.window)));
        }
        let ahead = self.booked.iter().filter(|&&at| at > now).count();
        if ahead > self.burst {
            self.booked.truncate(before);
        }
        ahead <= self.burst
    }
}

/// Steps of (milliseconds to wait, cost).
fn steps(max_wait: u64, max_cost: u32) -> impl Strategy<Value = Vec<(u64, u32)>> {
    let wait = prop_oneof![3 => Just(0), 2 => 0..20_u64, 1 => 0..max_wait];
    prop::collection::vec((wait, 1..=max_cost), 1..400)
}

fn most_in_any(window: u64, admitted: &[(u64, u32)]) -> u32 {
    let inside = |end: u64| {
        admitted.iter().filter(move |&&(at, _)| at <= end && at + window > end).map(|&(_, c)| c)
    };
    admitted.iter().map(|&(end, _)| inside(end).sum()).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn exact_limiter_decides_as_the_definition_says(
        max in 1..8_u32, burst in 0..12_u32, window in 1..300_u64, steps in steps(400, 3),
    ) {
        let limit = Limit::new(max, Duration::from_millis(window)).burst(burst);
        let mut limiter = Limiter::new(limit);
        let (max, burst) = (max as usize, burst as usize);
        let mut model = Model { max, burst, window, booked: Vec::new() };
        let (start, mut now) = (Instant::now(), 0);
        for (wait, cost) in steps {
            now += wait;
            let verdict = limiter.check(start + Duration::from_millis(now), cost);
            prop_assert_eq!(verdict.is_allowed(), model.admit(now, cost), "at {} ms", now);
        }
    }

    #[test]
    fn never_more_than_n_and_b_in_a_window_nor_kn_and_b_in_k(
        max in 1..60_u32, burst in 0..60_u32, window in 1..300_u64, steps in steps(400, 4),
    ) {
        let mut limiter = Limiter::new(Limit::new(max, Duration::from_millis(window)).burst(burst));
        let (start, mut now, mut admitted) = (Instant::now(), 0, Vec::new());
        for (wait, cost) in steps {
            now += wait;
            if limiter.check(start + Duration::from_millis(now), cost).is_allowed() {
                admitted.push((now, cost));
            }
        }
        for k in 1..5 {
            prop_assert!(most_in_any(window * k, &admitted) <= max * k as u32 + burst);
        }
    }

    #[test]
    fn estimating_limiter_keeps_its_stated_error(
        max in EXACT_CAPACITY..600, burst in 1..300_u32, window in 1..300_u64, steps in steps(400, 200),
    ) {
        let mut limiter = Limiter::new(Limit::new(max, Duration::from_millis(window)).burst(burst));
        let (start, mut now, mut admitted) = (Instant::now(), 0, Vec::new());
        for (wait, cost) in steps {
            now += wait;
            if limiter.check(start + Duration::from_millis(now), cost).is_allowed() {
                admitted.push((now, cost));
            }
        }
        prop_assert!(most_in_any(window, &admitted) <= 2 * max + burst);
        for k in 2..5 {
            prop_assert!(most_in_any(window * k, &admitted) <= max * (k as u32 + 1) + burst);
        }
    }

    #[test]
    fn waiting_as_told_passes_and_a_nanosecond_less_does_not(
        max in prop_oneof![1..40_u32, 250..600_u32], burst in 0..40_u32, block in 0..500_u64,
        window in prop_oneof![Just(1_000_000), 1..10_000_000_000_u64, 1..u64::MAX / 8],
        steps in steps(2_000, 40), nanos in 0..1_000_000_u64,
    ) {
        let limit = Limit::new(max, Duration::from_nanos(window)).burst(burst);
        let mut limiter = Limiter::new(limit.block(Duration::from_millis(block)));
        let mut now = Instant::now();
        for (wait, cost) in steps {
            now += Duration::from_millis(wait) + Duration::from_nanos(nanos * u64::from(cost));
            let foreseen = limiter.peek(now, cost);
            let verdict = limiter.check(now, cost);
            prop_assert_eq!(foreseen.retry_after(), verdict.retry_after());
            let Some(retry_after) = verdict.retry_after() else { continue };
            if retry_after == FOREVER {
                prop_assert!(cost > limit.capacity());
                continue;
            }
            prop_assert!(retry_after > Duration::ZERO);
            prop_assert!(limiter.peek(now + retry_after, cost).is_allowed());
            prop_assert!(limiter.clone().check(now + retry_after, cost).is_allowed());
            prop_assert!(!limiter.peek(now + retry_after - NANO, cost).is_allowed());
        }
    }

    #[test]
    fn remaining_is_what_passes_and_reset_is_when_all_does(
        max in prop_oneof![1..40_u32, 250..600_u32], burst in 0..40_u32,
        window in 1..300_u64, steps in steps(400, 40),
    ) {
        let limit = Limit::new(max, Duration::from_millis(window)).burst(burst);
        let mut limiter = Limiter::new(limit);
        let mut now = Instant::now();
        for (wait, cost) in steps {
            now += Duration::from_millis(wait);
            let _ = limiter.check(now, cost);
            let remaining = limiter.remaining(now);
            prop_assert!(limiter.peek(now, remaining).is_allowed());
            prop_assert!(!limiter.peek(now, remaining + 1).is_allowed());
            let reset = limiter.reset_after(now);
            prop_assert_eq!(limiter.remaining(now + reset), limit.capacity());
            prop_assert!(reset.is_zero() || limiter.remaining(now + reset - NANO) < limit.capacity());
        }
    }

    #[test]
    fn hostile_values_break_nothing(
        max in prop_oneof![0..5_u32, any::<u32>()], burst in prop_oneof![0..5_u32, any::<u32>()],
        window in prop_oneof![any::<Duration>(), (0..1_u64 << 24).prop_map(Duration::from_nanos)],
        block in prop_oneof![Just(Duration::ZERO), any::<Duration>()],
        steps in prop::collection::vec((any::<u64>(), 0..64_u32, any::<bool>(), 0..600_u32), 1..50),
    ) {
        let limit = Limit::new(max, window).burst(burst).block(block);
        let mut limiter = Limiter::new(limit);
        let base = Instant::now();
        for (nanos, smaller, back, cost) in steps {
            let step = Duration::from_nanos(nanos >> smaller);
            let moved = if back { base.checked_sub(step) } else { base.checked_add(step) };
            let now = moved.unwrap_or(base);
            let passes = limiter.check(now, cost).is_allowed();
            prop_assert!(!passes || cost <= limit.capacity());
            let _ = (limiter.remaining(now), limiter.reset_after(now), limiter.is_blocked(now));
        }
    }
}
