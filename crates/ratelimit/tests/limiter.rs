//! One key: window, burst, block, costs, and time that misbehaves. Time is an argument throughout.
#![expect(clippy::disallowed_methods, reason = "a test needs one instant to count from")]

use std::time::{Duration, Instant};

use tidegate_ratelimit::{ConfigError, FOREVER, Limit, Limiter, Verdict};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn of(max_requests: u32, window: Duration) -> Limit {
    Limit::new(max_requests, window).expect("the tests' windows are not zero")
}

fn blocked(now: Instant, retry_after: Duration) -> Verdict {
    Verdict::Blocked { until: now + retry_after, retry_after }
}

fn five_a_second() -> Limit {
    of(5, SECOND)
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
        let Verdict::Allowed { remaining, reset } = limiter.check(now, 1) else {
            panic!("refused")
        };
        assert_eq!(remaining, 4 - i);
        assert!(reset <= SECOND && reset > SECOND - five_a_second().resolution(), "{reset:?}");
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
    let mut limiter = Limiter::new(of(30, SECOND * 60).burst(5));
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
    let limit = of(1000, SECOND).burst(200);
    assert!(!limit.is_exact());
    let mut limiter = Limiter::new(limit);
    assert_eq!(pass(&mut limiter, start), 1200);
    assert_eq!(pass(&mut limiter, start + MS * 1099), 0);
    assert_eq!(pass(&mut limiter, start + MS * 1101), 1000, "200 took places of this window");
    assert_eq!(pass(&mut limiter, start + MS * 2202), 1000);
    assert_eq!(pass(&mut limiter, start + MS * 4500), 1200, "a silent window pays the burst back");
}

#[test]
fn large_limit_counts_a_bucket_whole_until_all_of_it_has_left() {
    let start = Instant::now();
    let mut limiter = Limiter::new(of(1000, SECOND));
    assert!(limiter.check(start, 1).is_allowed());
    assert_eq!(pass(&mut limiter, start + MS * 999), 999);
    assert_eq!(pass(&mut limiter, start + MS * 1099), 0);
    assert_eq!(pass(&mut limiter, start + MS * 1101), 1);
    assert_eq!(pass(&mut limiter, start + MS * 1998), 0, "999 still count");
    assert_eq!(pass(&mut limiter, start + MS * 2099), 999);
}

#[test]
fn steady_stream_gets_ten_elevenths_of_a_large_limit() {
    let start = Instant::now();
    let mut limiter = Limiter::new(of(1000, SECOND));
    let passed = (0..20_000).filter(|&i| limiter.check(start + MS * i / 2, 1).is_allowed()).count();
    assert!((9_090..9_300).contains(&passed), "{passed} of 20 000 asked and 10 000 allowed");
}

#[test]
fn burst_of_billions_is_paid_back_in_no_time_of_ours() {
    let start = Instant::now();
    let mut limiter = Limiter::new(of(300, MS).burst(u32::MAX));
    assert!(limiter.check(start, 4_000_000_000).is_allowed());
    let refused = limiter.check(start + SECOND, 1_000_000_000);
    let wait = refused.retry_after().expect("most of it is still ahead");
    assert!(wait > SECOND * 2000 && wait < SECOND * 4000, "{wait:?}");
    let then = start + SECOND + wait;
    assert!(!limiter.peek(then - Duration::from_nanos(1), 1_000_000_000).is_allowed());
    assert!(limiter.check(then, 1_000_000_000).is_allowed());
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
        assert_eq!(limiter.check(now, 1), blocked(now, left));
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
    assert_eq!(limiter.check(start + MS * 900, 1), blocked(start + MS * 900, MS * 100));
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
    for limit in [of(5, SECOND).burst(2), of(500, SECOND).burst(2)] {
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
    let mut limiter = Limiter::new(of(0, SECOND).burst(10).block(SECOND));
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
        assert_eq!(limiter.peek(start, 1), blocked(start, SECOND * 2));
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
    let mut shortest = Limiter::new(of(5, Duration::from_nanos(1)));
    assert_eq!(pass(&mut shortest, start), 5);
    assert_eq!(pass(&mut shortest, start + Duration::from_nanos(1)), 5);

    let mut ages = Limiter::new(of(5, Duration::MAX).burst(u32::MAX).block(Duration::MAX));
    assert!(ages.check(start, 5).is_allowed());
    assert!(ages.check(start, ages.limit().capacity() - 5).is_allowed());
    assert!(!ages.check(start + SECOND, 1).is_allowed());

    let year = SECOND * 86_400 * 365;
    let mut yearly = Limiter::new(of(2, year));
    assert_eq!(pass(&mut yearly, start), 2);
    assert!(!yearly.check(start + year - SECOND, 1).is_allowed());
    assert!(yearly.check(start + year + SECOND, 1).is_allowed());
}

#[test]
fn long_life_does_not_wear_the_log_out() {
    let start = Instant::now();
    let mut limiter = Limiter::new(of(2, SECOND));
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
    assert_eq!(five_a_second().resolution(), Duration::from_nanos(512));
    let minute = of(30, SECOND * 60).burst(5).block(SECOND * 30);
    assert_eq!(minute.resolution(), Duration::from_nanos(1024));
    assert!(of(30, SECOND * 86_400 * 6).burst(30).resolution() < MS);
    assert!(of(1 << 20, SECOND).burst(u32::MAX).resolution() < MS);
    assert!(of(5, MS).block(SECOND * 86_400 * 8).resolution() < MS);
}

#[test]
fn window_of_zero_is_no_limit_at_all() {
    assert_eq!(Limit::new(5, Duration::ZERO), Err(ConfigError::Window));
    assert_eq!(
        ConfigError::Window.to_string(),
        "`window` is zero: a limit needs a time to count in"
    );
}

#[test]
fn units_beyond_four_billion_are_cut_off() {
    let limit = of(u32::MAX, SECOND).burst(u32::MAX);
    assert_eq!((limit.max_requests(), limit.burst_size()), (4095 << 20, 0));
    let mut limiter = Limiter::new(limit);
    assert!(!limiter.check(Instant::now(), u32::MAX).is_allowed());
    assert!(limiter.check(Instant::now(), 4095 << 20).is_allowed());
}
