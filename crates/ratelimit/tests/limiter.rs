//! One key: window, burst, block, costs, and time that misbehaves. Time is an argument throughout.
#![expect(clippy::disallowed_methods, reason = "a test needs one instant to count from")]

use std::time::{Duration, Instant};

use tidegate_ratelimit::{FOREVER, Limit, Limiter, Verdict};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn five_a_second() -> Limit {
    Limit::new(5, SECOND)
}

/// How many requests of one unit pass at `now`, one after another.
fn pass(limiter: &mut Limiter, now: Instant) -> u32 {
    (0..10_000).take_while(|_| limiter.check(now, 1).is_allowed()).count() as u32
}

#[test]
fn refuses_the_sixth_of_five_a_second_until_the_window_is_free() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second());
    for i in 0..5 {
        let now = start + MS * i;
        let reset = SECOND;
        assert_eq!(limiter.check(now, 1), Verdict::Allowed { remaining: 4 - i, reset });
    }
    let refused = limiter.check(start + MS * 100, 1);
    assert_eq!(refused, Verdict::Limited { retry_after: MS * 900 });
    assert!(!limiter.check(start + MS * 999, 1).is_allowed());
    assert!(limiter.check(start + SECOND, 1).is_allowed());
    assert!(!limiter.check(start + SECOND, 1).is_allowed());
    assert!(limiter.check(start + SECOND + MS, 1).is_allowed());
}

#[test]
fn passes_again_a_window_and_a_half_later_with_the_default_block_of_half_a_window() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second().block(SECOND / 2));
    assert_eq!(pass(&mut limiter, start), 5);
    assert_eq!(pass(&mut limiter, start + MS * 1500), 5);
}

#[test]
fn burst_lets_thirty_five_pass_and_is_paid_back() {
    let start = Instant::now();
    let mut limiter = Limiter::new(Limit::new(30, SECOND * 60).burst(5));
    assert_eq!(pass(&mut limiter, start), 35);
    assert_eq!(pass(&mut limiter, start + SECOND * 60 - MS), 0);
    assert_eq!(
        pass(&mut limiter, start + SECOND * 60),
        30,
        "the burst took five places of this window"
    );
    assert_eq!(pass(&mut limiter, start + SECOND * 120), 30);
    assert_eq!(pass(&mut limiter, start + SECOND * 240), 35, "a silent window pays the burst back");
}

#[test]
fn large_limit_pays_its_burst_back_too() {
    let start = Instant::now();
    let limit = Limit::new(1000, SECOND).burst(200);
    assert!(!limit.is_exact());
    let mut limiter = Limiter::new(limit);
    assert_eq!(pass(&mut limiter, start), 1200);
    assert_eq!(
        pass(&mut limiter, start + SECOND),
        0,
        "the bucket before counts in full, and 200 moved on"
    );
    assert_eq!(pass(&mut limiter, start + SECOND * 2), 1000 - 200 + 200);
    assert_eq!(pass(&mut limiter, start + SECOND * 5), 1200);
}

#[test]
fn large_limit_admits_at_most_twice_n_in_the_worst_window() {
    let start = Instant::now();
    let mut limiter = Limiter::new(Limit::new(1000, SECOND));
    assert!(limiter.check(start, 1).is_allowed());
    let late = pass(&mut limiter, start + MS * 999);
    let next = pass(&mut limiter, start + MS * 1998);
    assert_eq!(late, 999);
    assert!((990..1000).contains(&next), "the estimate is at its worst here: {next}");
}

#[test]
fn first_refusal_blocks_and_later_ones_do_not_extend_it() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second().block(SECOND * 3));
    assert_eq!(pass(&mut limiter, start), 5, "the sixth is refused and starts the block");
    assert!(limiter.is_blocked(start));
    for i in 1..30 {
        let now = start + MS * 100 * i;
        let left = SECOND * 3 - MS * 100 * i;
        assert_eq!(limiter.check(now, 1), Verdict::Blocked { retry_after: left });
    }
    assert!(!limiter.is_blocked(start + SECOND * 3));
    assert!(limiter.check(start + SECOND * 3, 1).is_allowed());
    assert_eq!(limiter.totals().allowed, 6);
    assert_eq!(limiter.totals().blocked, 30);
    assert_eq!(limiter.totals().limited, 0);
}

#[test]
fn block_shorter_than_the_window_lasts_until_the_window_is_free() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second().block(MS * 800));
    assert_eq!(pass(&mut limiter, start), 5);
    assert_eq!(limiter.check(start + MS * 900, 1), Verdict::Blocked { retry_after: MS * 100 });
    assert!(limiter.is_blocked(start + MS * 999));
    assert_eq!(limiter.remaining(start + MS * 999), 0);
    assert!(
        limiter.check(start + SECOND, 1).is_allowed(),
        "the refusal between started no new block"
    );
}

#[test]
fn refusal_after_a_block_starts_the_next() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second().block(SECOND * 2));
    assert_eq!(pass(&mut limiter, start), 5);
    assert_eq!(pass(&mut limiter, start + SECOND * 2), 5);
    let told = limiter.check(start + SECOND * 2, 1).retry_after();
    assert_eq!(told, Some(SECOND * 2));
}

#[test]
fn cost_counts_so_many_units_or_none() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second());
    assert!(limiter.check(start, 3).is_allowed());
    assert_eq!(limiter.check(start, 3), Verdict::Limited { retry_after: SECOND });
    assert_eq!(limiter.remaining(start), 2, "what is refused counts nothing");
    assert!(limiter.check(start, 2).is_allowed());
    assert!(limiter.check(start, 0).is_allowed(), "cost 0 passes when nothing else does");
}

#[test]
fn cost_zero_passes_while_blocked() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second().block(SECOND));
    assert_eq!(pass(&mut limiter, start), 5);
    let free = limiter.check(start, 0);
    assert_eq!(free, Verdict::Allowed { remaining: 0, reset: SECOND });
}

#[test]
fn cost_above_capacity_never_passes_and_starts_no_block() {
    let start = Instant::now();
    for limit in [Limit::new(5, SECOND).burst(2), Limit::new(500, SECOND).burst(2)] {
        let mut limiter = Limiter::new(limit.block(SECOND));
        let never = Verdict::Limited { retry_after: FOREVER };
        assert_eq!(limiter.check(start, limit.capacity() + 1), never);
        assert_eq!(limiter.check(start, u32::MAX), never);
        assert!(limiter.check(start, limit.capacity()).is_allowed());
    }
}

#[test]
fn limit_of_nothing_refuses_everything_that_costs() {
    let start = Instant::now();
    let mut limiter = Limiter::new(Limit::new(0, SECOND).burst(10).block(SECOND));
    assert_eq!(limiter.check(start, 1), Verdict::Limited { retry_after: FOREVER });
    assert!(limiter.check(start, 0).is_allowed());
    assert!(!limiter.is_blocked(start));
    assert_eq!(limiter.remaining(start), 0);
}

#[test]
fn time_that_goes_back_counts_as_the_latest_seen() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second());
    assert!(limiter.check(start, 1).is_allowed());
    assert!(limiter.check(start + SECOND / 2, 4).is_allowed());
    let early = limiter.check(start, 1);
    assert_eq!(early, Verdict::Limited { retry_after: SECOND }, "told from the time asked with");
    assert!(!limiter.check(start, 1).is_allowed());
    assert!(limiter.check(start + SECOND, 1).is_allowed());
    assert!(!limiter.check(start + SECOND * 3 / 2 - MS, 2).is_allowed());

    assert!(limiter.check(start + SECOND * 5, 1).is_allowed());
    assert!(limiter.check(start, 4).is_allowed(), "counted at five seconds, not at none");
    assert!(!limiter.check(start + SECOND * 6 - MS, 1).is_allowed());
    assert!(limiter.check(start + SECOND * 6, 5).is_allowed());
}

#[test]
fn peek_counts_nothing_and_starts_no_block() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second().block(SECOND * 2));
    assert!(limiter.check(start, 5).is_allowed());
    for _ in 0..3 {
        assert_eq!(limiter.peek(start, 1), Verdict::Blocked { retry_after: SECOND * 2 });
    }
    assert!(!limiter.is_blocked(start));
    assert_eq!(limiter.totals().blocked, 0);
    assert!(limiter.peek(start + SECOND, 1).is_allowed());
}

#[test]
fn reset_forgets_counts_and_block_and_keeps_totals() {
    let start = Instant::now();
    let mut limiter = Limiter::new(five_a_second().block(SECOND));
    assert_eq!(pass(&mut limiter, start), 5);
    limiter.reset();
    assert!(!limiter.is_blocked(start));
    assert_eq!(limiter.remaining(start), 5);
    assert_eq!(limiter.totals().allowed, 5);
}

#[test]
fn extreme_limits_are_defined() {
    let start = Instant::now();
    let mut none = Limiter::new(Limit::new(5, Duration::ZERO));
    assert_eq!(pass(&mut none, start), 5, "a window of zero is one of 1 ns");
    assert_eq!(pass(&mut none, start + Duration::from_nanos(1)), 5);

    let mut ages = Limiter::new(Limit::new(5, Duration::MAX).burst(u32::MAX).block(Duration::MAX));
    assert!(ages.check(start, 5).is_allowed());
    assert!(ages.check(start, u32::MAX - 5).is_allowed());
    assert!(!ages.check(start + SECOND, 1).is_allowed());

    let year = SECOND * 86_400 * 365;
    let mut yearly = Limiter::new(Limit::new(2, year));
    assert_eq!(pass(&mut yearly, start), 2);
    assert!(!yearly.check(start + year - SECOND, 1).is_allowed());
    assert!(yearly.check(start + year + SECOND, 1).is_allowed());
}

#[test]
fn long_life_does_not_wear_the_log_out() {
    let start = Instant::now();
    let mut limiter = Limiter::new(Limit::new(2, SECOND));
    for i in 0..100_000 {
        let now = start + SECOND / 2 * i;
        assert!(limiter.check(now, 1).is_allowed(), "request {i}");
        assert_eq!(limiter.remaining(now), u32::from(i == 0));
        assert!(!limiter.peek(now, 2).is_allowed());
    }
}

#[test]
fn seconds_on_the_wire_are_rounded_up() {
    let secs = |retry_after| Verdict::Limited { retry_after }.retry_after_secs();
    assert_eq!(secs(Duration::from_nanos(1)), Some(1));
    assert_eq!(secs(SECOND), Some(1));
    assert_eq!(secs(SECOND + Duration::from_nanos(1)), Some(2));
    assert_eq!(secs(FOREVER), Some(1 << 31));
    assert_eq!(Verdict::Allowed { remaining: 1, reset: SECOND }.retry_after_secs(), None);
}

#[test]
fn resolution_is_below_a_millisecond_for_windows_of_days() {
    assert_eq!(five_a_second().resolution(), Duration::from_nanos(1));
    let minute = Limit::new(30, SECOND * 60).burst(5);
    assert_eq!(minute.resolution(), Duration::from_nanos(64));
    assert!(Limit::new(30, SECOND * 86_400 * 8).burst(30).resolution() < MS);
}
