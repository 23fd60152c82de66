//! Who is idle, who is silent, and how little a sweep has to look at.

mod fixture;

use std::time::Duration;

use fixture::{group, limits, member, now, pool, registry, session};
use proptest::prelude::*;
use tidegate_pool::{Member, Pool};

const SECOND: Duration = Duration::from_secs(1);

/// The sessions found, as numbers in order.
fn numbers(mut found: Vec<(tidegate_pool::ConnectionId, u32)>) -> Vec<u32> {
    found.sort_by_key(|&(_, number)| number);
    assert!(found.iter().all(|&(id, number)| id.session() == session(number)));
    found.into_iter().map(|(_, number)| number).collect()
}

/// Sessions 1 to `count`, all connected at one moment, which is returned.
fn at_once(count: u32) -> (Pool<u32>, std::time::Instant) {
    let (pool, start) = (registry(limits(10_000, 10_000)), now());
    for number in 1..=count {
        pool.insert(Member { now: start, ..member(number, number) }, number)
            .expect("there is room");
    }
    (pool, start)
}

#[test]
fn sweeps_the_quiet_but_neither_subscribers_nor_followers() {
    let (pool, start) = at_once(4);
    let later = start + 300 * SECOND;
    pool.facts(session(2)).unwrap().touch(later);
    pool.facts(session(3)).unwrap().follow();
    pool.join(session(4), &group(1), None).unwrap();
    assert_eq!(numbers(pool.sweep(later, 301 * SECOND)), [0_u32; 0]);
    assert_eq!(numbers(pool.sweep(later, 300 * SECOND)), [1]);
    pool.facts(session(3)).unwrap().unfollow();
    pool.leave(session(4), &group(1));
    assert_eq!(numbers(pool.sweep(later + 300 * SECOND, 300 * SECOND)), [1, 2, 3, 4]);
    assert_eq!(pool.len(), 4, "closing them is up to the caller");
}

#[test]
fn who_stays_idle_is_found_again_until_it_says_something() {
    let (pool, start) = at_once(2);
    let later = start + 10 * SECOND;
    assert_eq!(numbers(pool.sweep(later, 5 * SECOND)), [1, 2]);
    pool.facts(session(1)).unwrap().touch(later);
    assert_eq!(numbers(pool.sweep(later, 5 * SECOND)), [2]);
    assert_eq!(numbers(pool.sweep(later + 5 * SECOND, 5 * SECOND)), [1, 2]);
}

#[test]
fn another_time_out_holds_from_the_next_sweep_on() {
    let (pool, start) = at_once(1);
    assert!(pool.sweep(start + 20 * SECOND, 30 * SECOND).is_empty());
    assert_eq!(pool.sweep(start + 20 * SECOND, 10 * SECOND).len(), 1);
    assert!(pool.sweep(start + 20 * SECOND, 25 * SECOND).is_empty());
}

#[test]
fn sessions_that_come_and_go_are_found_once_each() {
    let (pool, start) = at_once(1);
    for _ in 0..500 {
        pool.remove(session(1)).unwrap();
        pool.insert(Member { now: start, ..member(1, 1) }, 1).unwrap();
    }
    assert_eq!(numbers(pool.sweep(start + 10 * SECOND, 10 * SECOND)), [1]);
    pool.remove(session(1)).unwrap();
    assert!(pool.sweep(start + 10 * SECOND, 10 * SECOND).is_empty());
}

#[test]
fn a_clock_that_stands_before_the_first_connect_finds_nobody() {
    let (pool, start) = at_once(1);
    let before = start.checked_sub(SECOND).unwrap_or(start);
    assert!(pool.sweep(before, SECOND).is_empty());
    assert!(pool.sweep(start, Duration::MAX).is_empty());
    assert!(registry::<u32>(limits(1, 1)).sweep(start, Duration::ZERO).is_empty());
}

#[test]
fn who_leaves_a_ping_unanswered_is_stale_until_anything_comes() {
    let (pool, start) = at_once(3);
    for number in 1..=3 {
        assert!(pool.pinged(session(number), start + SECOND));
    }
    pool.facts(session(1)).unwrap().ponged(start + 2 * SECOND);
    pool.facts(session(2)).unwrap().received(1);
    assert_eq!(numbers(pool.sweep_stale(start + 10 * SECOND, 10 * SECOND)), [0_u32; 0]);
    assert_eq!(numbers(pool.sweep_stale(start + 11 * SECOND, 10 * SECOND)), [3]);
    assert!(!pool.facts(session(3)).unwrap().is_alive());
    pool.facts(session(3)).unwrap().received(1);
    assert_eq!(numbers(pool.sweep_stale(start + 12 * SECOND, 10 * SECOND)), [0_u32; 0]);
    assert!(pool.facts(session(3)).unwrap().is_alive());
}

#[test]
fn a_second_ping_gives_the_silent_no_new_time() {
    let (pool, start) = at_once(1);
    for ping in 1..=5 {
        assert!(pool.pinged(session(1), start + ping * 3 * SECOND));
    }
    assert_eq!(numbers(pool.sweep_stale(start + 15 * SECOND, 10 * SECOND)), [1]);
    assert_eq!(numbers(pool.sweep_stale(start + 16 * SECOND, 10 * SECOND)), [1], "and once only");
}

#[test]
fn a_ping_after_an_answer_has_its_own_time() {
    let (pool, start) = at_once(1);
    let facts = pool.facts(session(1)).unwrap();
    for ping in 0..200 {
        pool.pinged(session(1), start + ping * SECOND);
        facts.ponged(start + ping * SECOND);
    }
    pool.pinged(session(1), start + 200 * SECOND);
    assert!(pool.sweep_stale(start + 209 * SECOND, 10 * SECOND).is_empty());
    assert_eq!(pool.sweep_stale(start + 210 * SECOND, 10 * SECOND).len(), 1);
}

#[test]
fn a_ping_of_nobody_is_not_noted() {
    let pool = pool(&[(1, 1)]);
    assert!(!pool.pinged(session(2), now()));
}

#[derive(Clone, Debug)]
enum Step {
    Touch(u32),
    Ping(u32),
    Hear(u32),
    Leave(u32),
    Come(u32),
    Wait(u64),
    Sweep(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 1..6_u32;
    prop_oneof![
        who().prop_map(Step::Touch),
        who().prop_map(Step::Ping),
        who().prop_map(Step::Hear),
        who().prop_map(Step::Leave),
        who().prop_map(Step::Come),
        (0..4_000_u64).prop_map(Step::Wait),
        (0..6_000_u64).prop_map(Step::Sweep),
    ]
}

proptest! {
    /// The notes against a walk over everybody.
    #[test]
    fn finds_whom_a_walk_over_all_would_find(steps in prop::collection::vec(step(), 1..120)) {
        let (pool, mut at) = at_once(5);
        for step in steps {
            match step {
                Step::Touch(who) => drop(pool.facts(session(who)).map(|facts| facts.touch(at))),
                Step::Ping(who) => _ = pool.pinged(session(who), at),
                Step::Hear(who) => drop(pool.facts(session(who)).map(|facts| facts.received(1))),
                Step::Leave(who) => drop(pool.remove(session(who))),
                Step::Come(who) => drop(pool.insert(Member { now: at, ..member(who, who) }, who)),
                Step::Wait(ms) => at += Duration::from_millis(ms),
                Step::Sweep(ms) => {
                    let limit = Duration::from_millis(ms);
                    let by_walk = |wanted: &dyn Fn(&tidegate_pool::Facts) -> bool| {
                        let there = |who: &u32| pool.facts(session(*who)).is_some_and(|it| wanted(&it));
                        (1..6).filter(there).collect::<Vec<_>>()
                    };
                    let idle = by_walk(&|facts| facts.idle_for(at) >= limit);
                    prop_assert_eq!(numbers(pool.sweep(at, limit)), idle);
                    let stale = by_walk(&|facts| {
                        facts.unanswered_for(at).is_some_and(|silent| silent >= limit)
                    });
                    prop_assert_eq!(numbers(pool.sweep_stale(at, limit)), stale);
                }
            }
        }
    }
}
