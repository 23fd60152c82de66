//! The limiter beside plain models: a list of every booking, and a list of every unit admitted.
#![expect(clippy::disallowed_methods, reason = "a test needs one instant to count from")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tidegate_ratelimit::{EXACT_CAPACITY, FOREVER, Limit, Limiter};

const NANO: Duration = Duration::from_nanos(1);

/// The definition, with nothing clever: the nth unit is booked for when the (n − N)th ends, at most B ahead.
struct Bookings {
    max: usize,
    burst: usize,
    window: u64,
    /// Nanoseconds; those of the last windows.
    booked: VecDeque<u64>,
}

impl Bookings {
    fn new(limit: Limit, window: u64) -> Self {
        let (max, burst) = (limit.max_requests() as usize, limit.burst_size() as usize);
        Self { max, burst, window, booked: VecDeque::new() }
    }

    fn allows(&self, now: u64, cost: u32) -> bool {
        // As many as may pass at once count when the oldest of them still does.
        match (self.booked.len() + cost as usize).checked_sub(self.max + self.burst + 1) {
            Some(index) => self.booked.get(index).is_some_and(|&at| at + self.window <= now),
            None => true,
        }
    }

    fn book(&mut self, now: u64, cost: u32) {
        for _ in 0..cost {
            let nth_before = self.booked.len().checked_sub(self.max).map(|i| self.booked[i]);
            self.booked.push_back(nth_before.map_or(now, |at| now.max(at + self.window)));
        }
        while self.booked.len() > 2 * (self.max + self.burst) {
            self.booked.pop_front();
        }
    }
}

/// What was admitted, and the most that any window of some length may have.
struct Admitted {
    window: u64,
    most: u64,
    inside: VecDeque<(u64, u32)>,
    sum: u64,
}

impl Admitted {
    fn count(&mut self, now: u64, cost: u32) {
        while self.inside.front().is_some_and(|&(at, _)| at + self.window <= now) {
            self.sum -= self.inside.pop_front().map_or(0, |(_, cost)| u64::from(cost));
        }
        self.inside.push_back((now, cost));
        self.sum += u64::from(cost);
        assert!(self.sum <= self.most, "{} in a window for {}", self.sum, self.most);
    }
}

/// A small generator of numbers: the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Many requests, in clumps and streams, against both models. Says how many of them were refused.
fn walk(limit: Limit, steps: usize, seed: u64) -> usize {
    let mut limiter = Limiter::new(limit);
    let (start, mut now, mut numbers) = (Instant::now(), 0, Numbers(seed));
    let (step, window) = (limit.resolution().as_nanos() as u64, limit.window().as_nanos() as u64);
    let (max, burst) = (u64::from(limit.max_requests()), u64::from(limit.burst_size()));
    let mut admitted = [1, 2, 5].map(|k| {
        // Time is seen in steps, so a window that is one step shorter keeps the promise.
        let most = k * max + burst;
        Admitted {
            window: (k * window).saturating_sub(step),
            most,
            inside: VecDeque::new(),
            sum: 0,
        }
    });
    // What a log would say whose window is longer by the stated error.
    let error = if limit.is_exact() { step } else { window.div_ceil(10) + 12 * step };
    let mut log = Bookings::new(limit, window + error);
    // Larger ones count in grains of some units, and a log of theirs would take the whole day.
    let rounds = limit.capacity() > 65_535;
    let mean = window / max.max(1);
    let (mut pace, mut refused) = (1, 0);
    for _ in 0..steps {
        if numbers.below(50) == 0 {
            pace = [1, mean / 3, mean, mean * 2][numbers.below(4) as usize].max(1);
        }
        now += match numbers.below(1000) {
            0 => numbers.below(3 * window),
            1..300 => 0,
            _ => numbers.below(2 * pace),
        };
        let cost = if numbers.below(10) == 0 { numbers.below(max / 4 + 2) as u32 } else { 1 };
        if limiter.check(start + Duration::from_nanos(now), cost).is_allowed() {
            admitted.iter_mut().for_each(|window| window.count(now, cost));
            if !rounds {
                log.book(now, cost);
            }
        } else {
            let allows = !rounds && log.allows(now, cost);
            assert!(!allows, "a refusal at {now} ns of {cost} that the log allows");
            refused += 1;
        }
    }
    refused
}

#[test]
fn a_million_steps_keep_both_promises() {
    let second = Duration::from_secs(1);
    let limits = [
        Limit::per_second(5),
        Limit::per_minute(30).burst(5),
        Limit::per_second(1).burst(9),
        Limit::per_hour(200).burst(56),
        Limit::per_second(257),
        Limit::per_minute(1000).burst(300),
        Limit::per_second(300).burst(2000),
        Limit::new(700, Duration::from_nanos(999_999_937)).expect("not zero").burst(3),
        Limit::new(70, second / 1000).expect("not zero").burst(300),
        Limit::per_hour(60_000).burst(5_000),
        Limit::per_second(100_000),
        Limit::per_minute(3_000_000).burst(70_000),
    ];
    for (limit, seed) in limits.into_iter().zip(1..) {
        let refused = walk(limit, 100_000, seed * 0x9E37_79B9);
        assert!((1_000..99_000).contains(&refused), "{refused} refusals with {limit:?}");
    }
}

/// Steps of (milliseconds to wait, cost).
fn steps(max_wait: u64, max_cost: u32) -> impl Strategy<Value = Vec<(u64, u32)>> {
    let wait = prop_oneof![3 => Just(0), 2 => 0..20_u64, 1 => 0..max_wait];
    prop::collection::vec((wait, 1..=max_cost), 1..400)
}

fn of_millis(max: u32, window: u64) -> Limit {
    Limit::new(max, Duration::from_millis(window)).expect("the tests' windows are not zero")
}

proptest! {
    #[test]
    fn exact_limiter_decides_as_the_definition_says(
        max in 1..8_u32, burst in 0..12_u32, window in 1..300_u64, steps in steps(400, 3),
    ) {
        let limit = of_millis(max, window).burst(burst);
        let mut limiter = Limiter::new(limit);
        // Steps of 64 ns divide every millisecond: what is seen is what is.
        let mut model = Bookings::new(limit, window * 1_000_000);
        let (start, mut now) = (Instant::now(), 0);
        for (wait, cost) in steps {
            now += wait * 1_000_000 / limit.resolution().as_nanos() as u64 * limit.resolution().as_nanos() as u64;
            let verdict = limiter.check(start + Duration::from_nanos(now), cost);
            let passes = cost <= limit.capacity() && model.allows(now, cost);
            prop_assert_eq!(verdict.is_allowed(), passes, "at {} ns", now);
            if passes {
                model.book(now, cost);
            }
        }
    }

    #[test]
    fn waiting_as_told_passes_and_a_nanosecond_less_does_not(
        max in prop_oneof![1..40_u32, 250..600_u32, 60_000..90_000_u32], burst in 0..400_u32,
        block in 0..500_u64,
        window in prop_oneof![Just(1_000_000), 1..10_000_000_000_u64, 1..u64::MAX / 1024],
        steps in steps(2_000, 400), nanos in 0..1_000_000_u64,
    ) {
        let limit = Limit::new(max, Duration::from_nanos(window)).unwrap().burst(burst);
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
        max in prop_oneof![1..40_u32, 250..600_u32], burst in 0..400_u32,
        window in 1..300_u64, steps in steps(400, 40),
    ) {
        let limit = of_millis(max, window).burst(burst);
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
    fn after_so_long_a_silence_everything_is_free(
        max in prop_oneof![0..40_u32, 250..600_u32, 60_000..90_000_u32],
        burst in prop_oneof![0..400_u32, 0..200_000_u32], block in 0..900_u64,
        window in prop_oneof![1..300_000_000_u64, 1..1_u64 << 54],
        steps in steps(400, 400), greedy in any::<bool>(),
    ) {
        let limit = Limit::new(max, Duration::from_nanos(window)).unwrap();
        let limit = limit.burst(burst).block(Duration::from_millis(block));
        let mut limiter = Limiter::new(limit);
        let mut now = Instant::now();
        for (wait, cost) in steps {
            now += Duration::from_millis(wait);
            let _ = limiter.check(now, if greedy { limiter.remaining(now) } else { cost });
            prop_assert!(limiter.reset_after(now) <= limit.forgets_after());
        }
    }

    #[test]
    fn hostile_values_break_nothing(
        max in prop_oneof![0..5_u32, 200..400_u32, any::<u32>()],
        burst in prop_oneof![0..5_u32, any::<u32>()],
        window in prop_oneof![any::<Duration>(), (1..1_u64 << 24).prop_map(Duration::from_nanos)],
        block in prop_oneof![Just(Duration::ZERO), any::<Duration>()],
        steps in prop::collection::vec(
            (any::<u64>(), 0..64_u32, any::<bool>(), prop_oneof![0..600_u32, any::<u32>()], any::<bool>()),
            1..50,
        ),
    ) {
        let Ok(limit) = Limit::new(max, window) else {
            prop_assert!(window.is_zero());
            return Ok(());
        };
        let limit = limit.burst(burst).block(block);
        let mut limiter = Limiter::new(limit);
        let base = Instant::now();
        for (number, smaller, back, cost, seconds) in steps {
            // Up to 292 thousand million years, where the system has them.
            let step = match seconds {
                true => Duration::from_secs(number >> smaller >> 1),
                false => Duration::from_nanos(number >> smaller),
            };
            let moved = if back { base.checked_sub(step) } else { base.checked_add(step) };
            let now = moved.unwrap_or(base);
            let foreseen = limiter.peek(now, cost);
            let verdict = limiter.check(now, cost);
            prop_assert_eq!(foreseen.is_allowed(), verdict.is_allowed());
            prop_assert!(!verdict.is_allowed() || cost <= limit.capacity());
            let _ = (limiter.remaining(now), limiter.is_blocked(now));
            let _ = (limiter.reset_after(now), limit.forgets_after());
        }
    }

    #[test]
    fn limiter_that_is_asked_in_between_decides_as_one_that_is_not(
        max in prop_oneof![1..40_u32, 250..600_u32], burst in prop_oneof![0..40_u32, 1_000..90_000_u32],
        window in 1..300_u64, first in 1..90_000_u32, asked in prop::collection::vec(0..5_000_u64, 0..20),
        later in 0..900_000_u64,
    ) {
        let limit = of_millis(max, window).burst(burst);
        let (mut asked_often, start) = (Limiter::new(limit), Instant::now());
        let _ = asked_often.check(start, first.min(limit.capacity()));
        let mut once = asked_often.clone();
        let mut now = start;
        for wait in asked {
            now += Duration::from_millis(wait);
            let _ = asked_often.check(now, 0);
        }
        let then = now + Duration::from_millis(later);
        prop_assert_eq!(asked_often.remaining(then), once.remaining(then));
        prop_assert_eq!(asked_often.check(then, max), once.check(then, max));
    }
}

#[test]
fn the_bound_of_exactness_is_where_it_is_said_to_be() {
    let at = |capacity| Limit::per_second(capacity).is_exact();
    assert!(at(EXACT_CAPACITY) && !at(EXACT_CAPACITY + 1));
}
