//! Upstreams that fail, stand aside, are probed and come back; and how their latency is judged.

mod fixture;

use std::time::{Duration, Instant};

use fixture::now;
use proptest::prelude::*;
use tidegate_pool::balance::{Health, Latency, Method, Upstreams};

const SECOND: Duration = Duration::from_secs(1);
const METHODS: [Method; 4] =
    [Method::RoundRobin, Method::LeastConnections, Method::Weighted, Method::P2c];

fn list(method: Method, names: &'static str, now: Instant) -> Upstreams<char> {
    let upstreams = names.chars().map(|name| (name, 1));
    Upstreams::new(method, Health::default(), upstreams, now).expect("settings that work")
}

/// Picks until it is `name`'s turn and fails it, so often.
fn fail(list: &Upstreams<char>, name: char, times: u32, now: Instant) {
    let mut failed = 0;
    while failed < times {
        let picked = list.pick(now, u64::from(failed));
        if *picked.value() == name {
            picked.failed(now);
            failed += 1;
        }
    }
}

fn ejected(list: &Upstreams<char>, now: Instant) -> String {
    list.states(now).filter(|(_, state)| state.is_ejected).map(|(name, _)| *name).collect()
}

fn picks(list: &Upstreams<char>, times: u64, now: Instant) -> String {
    let dice = |turn: u64| turn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..times).map(|turn| *list.pick(now, dice(turn)).value()).collect()
}

#[test]
fn settings_that_cannot_work_are_refused_by_their_name() {
    let refused = |health: Health, upstreams: &[(char, u32)]| {
        Upstreams::new(Method::P2c, health, upstreams.iter().copied(), now()).unwrap_err().field
    };
    let health = Health::default();
    assert_eq!(refused(health, &[]), "upstreams");
    assert_eq!(refused(health, &[('a', 1), ('b', 0)]), "weight");
    assert_eq!(refused(Health { max_failures: 0, ..health }, &[('a', 1)]), "max_failures");
    let health = Health { ejection_delay: SECOND, max_ejection_delay: SECOND / 2, ..health };
    assert_eq!(refused(health, &[('a', 1)]), "ejection_delay");
}

#[test]
fn who_fails_often_in_a_row_stands_aside() {
    let start = now();
    let list = list(Method::RoundRobin, "abc", start);
    fail(&list, 'b', 4, start);
    assert_eq!(ejected(&list, start), "");
    fail(&list, 'b', 1, start);
    assert_eq!(ejected(&list, start), "b");
    assert!(!picks(&list, 30, start).contains('b'));
}

#[test]
fn a_success_between_failures_forgives_them() {
    let start = now();
    let list = list(Method::RoundRobin, "ab", start);
    for _ in 0..3 {
        fail(&list, 'a', 4, start);
        let next = (0..2).map(|_| list.pick(start, 0)).find(|picked| *picked.value() == 'a');
        next.unwrap().succeeded(start);
    }
    assert_eq!(ejected(&list, start), "");
}

#[test]
fn the_last_one_is_never_put_aside() {
    for method in METHODS {
        let start = now();
        let all = list(method, "abc", start);
        for _ in 0..200 {
            all.pick(start, 3).failed(start);
        }
        assert!(ejected(&all, start).len() <= 2, "{method:?}");
        assert_eq!(picks(&all, 5, start).len(), 5);
        let alone = list(method, "a", start);
        fail(&alone, 'a', 50, start);
        assert_eq!((ejected(&alone, start).as_str(), picks(&alone, 2, start).as_str()), ("", "aa"));
    }
}

#[test]
fn one_request_is_the_probe_and_its_answer_decides() {
    let start = now();
    let list = list(Method::RoundRobin, "ab", start);
    fail(&list, 'a', 5, start);
    assert_eq!(picks(&list, 4, start + 9 * SECOND), "bbbb");
    let later = start + 10 * SECOND;
    let probe = list.pick(later, 0);
    assert!(probe.is_probe() && *probe.value() == 'a');
    assert_eq!(picks(&list, 4, later), "bbbb", "while the probe is on its way");
    probe.succeeded(later);
    assert_eq!(ejected(&list, later), "");
    assert!(picks(&list, 4, later).contains('a'));
}

#[test]
fn each_failed_probe_doubles_the_wait_up_to_the_maximum() {
    let (mut at, health) = (now(), Health { max_ejection_delay: 35 * SECOND, ..Health::default() });
    let list = Upstreams::new(Method::RoundRobin, health, [('a', 1), ('b', 1)], at).unwrap();
    fail(&list, 'a', 5, at);
    for wait in [10, 20, 35, 35] {
        assert!(!list.pick(at + wait * SECOND - Duration::from_millis(1), 0).is_probe());
        at += wait * SECOND;
        let probe = list.pick(at, 0);
        assert!(probe.is_probe(), "after {wait} s");
        probe.failed(at);
    }
}

#[test]
fn a_probe_that_is_given_up_is_made_by_the_next_request() {
    let start = now();
    let list = list(Method::RoundRobin, "ab", start);
    fail(&list, 'a', 5, start);
    let later = start + 10 * SECOND;
    drop(list.pick(later, 0));
    assert!(list.pick(later, 0).is_probe());
}

#[test]
fn an_answer_from_before_the_ejection_brings_nobody_back() {
    let start = now();
    let list = list(Method::RoundRobin, "ab", start);
    let early = list.pick(start, 0);
    assert_eq!(*early.value(), 'a');
    fail(&list, 'a', 5, start);
    early.succeeded(start + SECOND);
    assert_eq!(ejected(&list, start + SECOND), "a");
}

#[test]
fn requests_are_in_flight_until_they_are_dropped_or_told() {
    let start = now();
    let list = list(Method::LeastConnections, "ab", start);
    let in_flight = || list.states(start).map(|(_, state)| state.in_flight).collect::<Vec<_>>();
    let (one, two, three) = (list.pick(start, 0), list.pick(start, 0), list.pick(start, 0));
    assert_eq!(in_flight().iter().sum::<u32>(), 3);
    assert_ne!(one.index(), two.index());
    one.succeeded(start);
    two.failed(start);
    drop(three);
    assert_eq!(in_flight(), [0, 0]);
}

#[test]
fn p2c_leans_to_the_fast_and_tries_the_slow_again() {
    let start = now();
    let list = list(Method::P2c, "fs", start);
    // While one is busy the other is picked.
    for picked in [list.pick(start, 0), list.pick(start, 0)] {
        let took = if *picked.value() == 'f' { 5 } else { 800 };
        picked.succeeded(start + Duration::from_millis(took));
    }
    assert_eq!(picks(&list, 20, start + SECOND), "f".repeat(20));
    let fast = list.pick(start + 100 * SECOND, 0);
    fast.succeeded(start + 101 * SECOND);
    assert!(picks(&list, 5, start + 101 * SECOND).contains('s'), "the estimate has decayed");
}

#[test]
fn a_quick_failure_makes_nobody_look_fast() {
    let start = now();
    let list = list(Method::P2c, "a", start);
    list.pick(start, 0).succeeded(start + SECOND);
    list.pick(start + SECOND, 0).failed(start + SECOND);
    let latency = |at| list.states(at).next().unwrap().1.latency;
    assert_eq!(latency(start + SECOND), SECOND);
    list.pick(start + SECOND, 0).failed(start + 10 * SECOND);
    assert_eq!(latency(start + 10 * SECOND), 9 * SECOND, "a slow one does");
}

#[test]
fn a_rise_is_believed_at_once_and_a_fall_slowly() {
    let (start, ms) = (now(), Duration::from_millis);
    let latency = Latency::new(ms(1_000), ms(0), start);
    latency.observe(ms(10), start);
    latency.observe(ms(500), start);
    latency.observe(ms(10), start);
    assert_eq!(latency.estimate(start), ms(500));
    latency.observe(ms(10), start + ms(1_000));
    let left = latency.estimate(start + ms(1_000));
    assert!(left > ms(180) && left < ms(200), "{left:?}: a third of it, and two thirds of 10 ms");
    assert_eq!(Latency::new(ms(0), ms(50), start).estimate(start + SECOND), ms(0));
}

fn moments() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..10_000_u64).prop_map(Duration::from_millis),
        any::<u32>().prop_map(|seconds| Duration::from_secs(seconds.into())),
        Just(Duration::MAX),
    ]
}

proptest! {
    #[test]
    fn latency_stands_any_time(
        decay in moments(),
        assumed in moments(),
        steps in prop::collection::vec((moments(), 0..u32::MAX), 0..20),
    ) {
        let start = now();
        let latency = Latency::new(decay, assumed, start);
        for (took, seconds) in steps {
            let at = start + Duration::from_secs(seconds.into());
            latency.observe(took, at);
            prop_assert!(latency.estimate(at) <= Duration::from_secs(4_295));
            prop_assert!(latency.estimate(start) <= Duration::from_secs(4_295));
        }
    }

    #[test]
    fn one_is_always_in_whatever_becomes_of_the_requests(
        method in prop::sample::select(METHODS.to_vec()),
        delays in (0..20_u64, 0..20_u64),
        max_failures in 1..4_u32,
        steps in prop::collection::vec((0..4_u8, any::<u64>(), 0..3_000_u64), 1..200),
    ) {
        let mut at = now();
        let health = Health {
            max_failures,
            ejection_delay: Duration::from_secs(delays.0.min(delays.1)),
            max_ejection_delay: Duration::from_secs(delays.0.max(delays.1)),
            ..Health::default()
        };
        let weights = [('a', 1), ('b', u32::MAX), ('c', u32::MAX)];
        let list = Upstreams::new(method, health, weights, at).unwrap();
        let mut held = Vec::new();
        for (what, random, ms) in steps {
            at += Duration::from_millis(ms);
            let picked = list.pick(at, random);
            match what {
                0 => picked.succeeded(at),
                1 => picked.failed(at),
                2 => held.push(picked),
                _ => {
                    drop(picked);
                    held.clear();
                }
            }
            prop_assert!(ejected(&list, at).len() < 3);
            let (_, first) = list.states(at).next().unwrap();
            prop_assert!(first.in_flight as usize <= held.len());
        }
    }
}

#[test]
fn another_is_never_one_that_was_tried_and_there_is_none_when_all_were() {
    for method in METHODS {
        let start = now();
        let list = list(method, "abc", start);
        for random in 0..50_u64 {
            let random = random.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let other = list.pick_other(start, random, |place| place == 1).expect("two are left");
            assert_ne!(*other.value(), 'b', "{method:?}");
        }
        assert!(list.pick_other(start, 7, |_| true).is_none(), "{method:?}");
        assert_eq!(list.states(start).map(|(_, state)| state.in_flight).sum::<u32>(), 0);
    }
}

#[test]
fn where_all_others_stand_aside_the_next_to_be_probed_is_asked_at_once() {
    let start = now();
    let list = list(Method::RoundRobin, "abc", start);
    fail(&list, 'a', 5, start);
    fail(&list, 'b', 5, start + SECOND);
    let later = start + 2 * SECOND;
    assert_eq!(picks(&list, 3, later), "ccc", "no probe is due");
    let probe = list.pick_other(later, 0, |place| place == 2).expect("two stand aside");
    assert!(probe.is_probe() && *probe.value() == 'a', "it stood aside first");
    let other =
        list.pick_other(later, 0, |place| place != 0).expect("being probed is no hindrance");
    assert!(!other.is_probe());
    probe.succeeded(later);
    assert_eq!(ejected(&list, later), "b");
}

#[test]
fn an_answer_that_goes_on_is_in_flight_and_may_still_break_off() {
    let start = now();
    let list = list(Method::RoundRobin, "ab", start);
    let state = |at| list.states(at).next().map(|(_, state)| state).unwrap();
    let mut picked = list.pick(start, 0);
    picked.answers(start + SECOND);
    assert_eq!((state(start + SECOND).in_flight, state(start + SECOND).latency), (1, SECOND));
    picked.failed(start + 600 * SECOND);
    let after = state(start + 600 * SECOND);
    assert_eq!((after.in_flight, after.failures, after.failed, after.requests), (0, 1, 1, 1));
    assert!(after.latency < SECOND, "how long it spoke is no latency");
}

#[test]
fn a_probe_whose_answer_has_begun_brings_its_upstream_back() {
    let start = now();
    let list = list(Method::RoundRobin, "ab", start);
    fail(&list, 'a', 5, start);
    let later = start + 10 * SECOND;
    let mut probe = list.pick(later, 0);
    probe.answers(later);
    assert!(!probe.is_probe());
    assert_eq!(ejected(&list, later), "");
    drop(probe);
    assert_eq!(ejected(&list, later), "");
}

#[test]
fn a_changed_list_knows_what_was_known_of_those_that_stay() {
    let start = now();
    let old = list(Method::RoundRobin, "abc", start);
    fail(&old, 'a', 5, start);
    fail(&old, 'b', 3, start);
    let slow = old.pick(start, 0);
    assert_eq!(*slow.value(), 'c');
    slow.succeeded(start + 2 * SECOND);
    let at = start + 2 * SECOND;
    let held = old.pick(at, 0);
    let four = [('d', 1), ('c', 2), ('b', 1), ('a', 1)];
    let new = old.changed(Method::RoundRobin, Health::default(), four, at).unwrap();
    assert_eq!(ejected(&new, at), "a");
    let states: Vec<_> = new.states(at).map(|(name, state)| (*name, state)).collect();
    assert_eq!(states[1].1.latency, 2 * SECOND);
    assert_eq!(states.iter().map(|(_, state)| state.in_flight).sum::<u32>(), 0);
    fail(&new, 'b', 2, at);
    assert_eq!(ejected(&new, at), "ba", "five in a row, three of them before");
    assert_eq!(ejected(&old, at), "a", "the old list is as it was");
    held.succeeded(at);
    assert!(new.pick(start + 10 * SECOND, 0).is_probe(), "when it would have been due");
}

#[test]
fn a_changed_list_of_which_all_stood_aside_begins_anew() {
    let start = now();
    let old = list(Method::RoundRobin, "abc", start);
    fail(&old, 'a', 5, start);
    fail(&old, 'b', 5, start);
    let two = [('a', 1), ('b', 1)];
    let new = old.changed(Method::RoundRobin, Health::default(), two, start).unwrap();
    assert_eq!((ejected(&new, start).as_str(), new.len()), ("", 2));
    fail(&new, 'a', 5, start);
    fail(&new, 'b', 5, start);
    assert_eq!(ejected(&new, start).len(), 1, "the last one stays");
    assert!(old.changed(Method::P2c, Health::default(), [], start).is_err());
}

#[test]
fn a_probe_on_its_way_while_the_list_changes_is_made_again_by_the_new_list() {
    let start = now();
    let old = list(Method::RoundRobin, "ab", start);
    fail(&old, 'a', 5, start);
    let later = start + 10 * SECOND;
    let probe = old.pick(later, 0);
    let two = [('a', 1), ('b', 1)];
    let new = old.changed(Method::RoundRobin, Health::default(), two, later).unwrap();
    assert!(new.pick(later, 0).is_probe());
    probe.succeeded(later);
    assert_eq!(ejected(&new, later), "a", "it was the old list's probe");
}
