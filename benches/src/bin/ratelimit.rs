//! `tidegate-ratelimit` beside `governor`: one check of one key, of one of many keys, by one thread and by two; and one
//! call through its layers.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

#[path = "ratelimit/layers.rs"]
mod layers;

use std::num::{NonZeroU32, NonZeroUsize};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use tidegate_benches::Suite;
use tidegate_ratelimit::{Keyed, Limit, Limiter};

/// 30 a minute and 5 more: exact, and what a session of the gateway has.
const EXACT: Limit = Limit::per_minute(30).burst(5);
/// Too many for the log.
const COUNTED: Limit = Limit::per_minute(1000).burst(100);
const MINUTE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let mut suite = Suite::new("ratelimit");
    one_key(&mut suite);
    layers::add(&mut suite);
    for keys in [1_000, 10_000, 100_000, 1_000_000] {
        many_keys(&mut suite, keys);
    }
    suite.run()
}

fn quota(units: u32) -> Quota {
    let units = NonZeroU32::new(units).unwrap_or(NonZeroU32::MIN);
    Quota::per_minute(units).allow_burst(units)
}

/// A limiter and a time that goes on so that nearly all requests pass, and the log is full.
struct Own {
    limiter: Limiter,
    now: Instant,
    step: Duration,
}

fn own(limit: Limit) -> impl Fn() -> Own {
    move || Own {
        limiter: Limiter::new(limit),
        now: Instant::now(),
        step: MINUTE / limit.max_requests(),
    }
}

fn check_own(own: &mut Own) -> bool {
    own.now += own.step;
    own.limiter.check(own.now, 1).is_allowed()
}

fn one_key(suite: &mut Suite) {
    let clock = FakeRelativeClock::default();
    suite
        .group("one key, all pass, time is an argument")
        .ours("exact log, 30 + 5 a minute", own(EXACT), check_own)
        .ours("counted, 1000 + 100 a minute", own(COUNTED), check_own)
        .peer(
            "governor direct, a clock that is set",
            move || (RateLimiter::direct_with_clock(quota(30), clock.clone()), clock.clone()),
            |(limiter, clock)| {
                clock.advance(MINUTE / 30);
                limiter.check().is_ok()
            },
        )
        .floor("ours: the time alone", own(EXACT), |own| {
            own.now += own.step;
            own.now
        })
        .floor("governor's clock alone", FakeRelativeClock::default, |clock| {
            clock.advance(MINUTE / 30);
        });
    suite
        .group("one key, all refused, time is an argument")
        .ours("exact log, 30 + 5 a minute", full(EXACT), refuse)
        .ours("counted, 1000 + 100 a minute", full(COUNTED), refuse)
        .peer(
            "governor direct, a clock that is set",
            || {
                let limiter =
                    RateLimiter::direct_with_clock(quota(30), FakeRelativeClock::default());
                while limiter.check().is_ok() {}
                limiter
            },
            |limiter| limiter.check().is_ok(),
        );
    let all_pass = Limit::per_second(1_000_000_000);
    suite
        .group("one key, all pass, the clock is read")
        .ours(
            "exact log, 200 in 100 ns",
            || Limiter::new(Limit::new(200, Duration::from_nanos(100)).unwrap_or(EXACT)),
            |limiter| limiter.check(Instant::now(), 1).is_allowed(),
        )
        .ours(
            "counted, 10^9 a second",
            move || Limiter::new(all_pass),
            |limiter| limiter.check(Instant::now(), 1).is_allowed(),
        )
        .peer(
            "governor direct",
            || RateLimiter::direct(Quota::per_second(NonZeroU32::MAX)),
            |limiter| limiter.check().is_ok(),
        )
        .floor("Instant::now", || (), |()| Instant::now());
}

fn full(limit: Limit) -> impl Fn() -> (Limiter, Instant) {
    move || {
        let (mut limiter, now) = (Limiter::new(limit), Instant::now());
        while limiter.check(now, 1).is_allowed() {}
        (limiter, now)
    }
}

fn refuse((limiter, now): &mut (Limiter, Instant)) -> bool {
    limiter.check(*now, 1).is_allowed()
}

/// Checks in one call, all over the keys.
const CHECKS: u32 = 1024;

/// One thread's way through the keys: a number, and the key that it stands for.
#[derive(Clone, Copy)]
struct Walk(u64);

impl Walk {
    fn key(&mut self, keys: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0) * u128::from(keys)) >> 64) as u64
    }
}

struct Many {
    keyed: Keyed<u64>,
    keys: u64,
    walk: Walk,
    now: Instant,
}

/// A store in which every key has as many bookings as it can have.
fn many(limit: Limit, keys: u64) -> impl Fn() -> Many {
    move || {
        let max = NonZeroUsize::new(keys as usize * 2).unwrap_or(NonZeroUsize::MIN);
        let (keyed, now) = (Keyed::new(limit, max), Instant::now());
        for key in 0..keys {
            let _ = keyed.check(&key, now, limit.max_requests().min(1000));
        }
        Many { keyed, keys, walk: Walk(keys), now: now + MINUTE }
    }
}

fn check_many(many: &mut Many) -> u32 {
    // In the mean a key is asked no more often than it may be.
    many.now += Duration::from_nanos(60_000_000_000 * u64::from(CHECKS) / many.keys / 30);
    let mut passed = 0;
    for _ in 0..CHECKS {
        let key = many.walk.key(many.keys);
        passed += u32::from(many.keyed.check(&key, many.now, 1).is_allowed());
    }
    passed
}

type Governor = governor::DefaultKeyedRateLimiter<u64>;
type SetGovernor = RateLimiter<
    u64,
    governor::state::keyed::DefaultKeyedStateStore<u64>,
    FakeRelativeClock,
    governor::middleware::NoOpMiddleware<governor::nanos::Nanos>,
>;

struct ManySet {
    limiter: SetGovernor,
    clock: FakeRelativeClock,
    keys: u64,
    walk: Walk,
}

fn many_set(keys: u64) -> ManySet {
    let clock = FakeRelativeClock::default();
    let limiter = RateLimiter::dashmap_with_clock(quota(30), clock.clone());
    for key in 0..keys {
        let _ = limiter.check_key(&key);
    }
    clock.advance(MINUTE);
    ManySet { limiter, clock, keys, walk: Walk(keys) }
}

fn check_many_set(many: &mut ManySet) -> u32 {
    many.clock.advance(Duration::from_nanos(60_000_000_000 * u64::from(CHECKS) / many.keys / 30));
    let mut passed = 0;
    for _ in 0..CHECKS {
        let key = many.walk.key(many.keys);
        passed += u32::from(many.limiter.check_key(&key).is_ok());
    }
    passed
}

fn many_keys(suite: &mut Suite, keys: u64) {
    let group = suite.group(&format!("{keys} keys, 1 thread, time is an argument"));
    group
        .per_call(CHECKS.into())
        .ours("exact log, 30 + 5 a minute", many(EXACT, keys), check_many)
        .ours("counted, 1000 + 100 a minute", many(COUNTED, keys), check_many)
        .peer("governor, a clock that is set", move || many_set(keys), check_many_set);
    // Filling a store takes its time: not for a case that is measured from outside.
    if !std::env::args().any(|argument| argument == "--alone") {
        for (name, limit) in
            [("exact log, 30 + 5 a minute", EXACT), ("counted, 1000 + 100 a minute", COUNTED)]
        {
            let bytes = many(limit, keys)().keyed.bytes();
            group.fact(name, "bytes per key", bytes as f64 / keys as f64);
        }
    }
    two_threads(suite, keys);
}

/// Checks of each thread in one call: enough to forget what starting it took.
const BY_EACH: u32 = 50_000;

fn two_threads(suite: &mut Suite, keys: u64) {
    let filled = move || {
        let limiter: Governor = RateLimiter::keyed(Quota::per_second(NonZeroU32::MAX));
        for key in 0..keys {
            let _ = limiter.check_key(&key);
        }
        limiter
    };
    for threads in [1, 2] {
        suite
            .group(&format!("{keys} keys, {threads} threads, the clock is read"))
            .per_call(u64::from(BY_EACH) * threads)
            .ours(
                "counted, 10^9 a second",
                many(Limit::per_second(1_000_000_000), keys),
                move |many| {
                    let many = &*many;
                    by_each(threads, |walk| {
                        let key = walk.key(many.keys);
                        many.keyed.check(&key, Instant::now(), 1).is_allowed()
                    });
                },
            )
            .peer("governor", filled, move |limiter| {
                by_each(threads, |walk| limiter.check_key(&walk.key(keys)).is_ok());
            });
    }
}

fn by_each(threads: u64, check: impl Fn(&mut Walk) -> bool + Sync) {
    let check = &check;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut walk = Walk(thread + 1);
                (0..BY_EACH).filter(|_| check(&mut walk)).count()
            });
        }
    });
}
