//! Threads that race, under a scheduler that tries their interleavings: the registry, the gate, upstreams and reuse.
//!
//! Runs only with `--cfg tidegate_loom`, by which the crate takes its locks and atomics from the scheduler.
//! `TIDEGATE_SHUTTLE_RUNS` says how many interleavings of each are tried. `docs/BENCHMARKS.md` lists what these tests are shown to
//! catch: each lock or claim that was taken out once, with the test that failed.
#![cfg(tidegate_loom)]
#![expect(clippy::disallowed_methods, reason = "tests need a base Instant")]

mod fixture;

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fixture::{group, limits, member, registry, session, user};
use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use shuttle::{future::block_on, thread};
use tidegate_pool::balance::{Health, Method, Upstreams};
use tidegate_pool::reuse::{Given, Reuse, ReuseLimits};
use tidegate_pool::{Exclude, Facts, Gate, Pool, Refusal, Strategy, Target};

/// Tries `test` under many interleavings: half at random, half with few but telling switches.
fn explore(test: impl Fn() + Send + Sync + 'static) {
    let runs = std::env::var("TIDEGATE_SHUTTLE_RUNS").ok().and_then(|runs| runs.parse().ok());
    let runs = runs.unwrap_or(400);
    let test = Arc::new(test);
    let again = Arc::clone(&test);
    shuttle::check_random(move || test(), runs / 2);
    shuttle::check_pct(move || again(), runs / 2, 3);
}

/// Runs all at once and waits for them.
fn race(threads: Vec<Box<dyn FnOnce() + Send>>) {
    let handles: Vec<_> = threads.into_iter().map(|thread| thread::spawn(thread)).collect();
    for handle in handles {
        handle.join().expect("no thread panics");
    }
}

fn count(pool: &Pool<u32>, target: &Target) -> usize {
    pool.for_each(target, &Exclude::NONE, |_, _| {})
}

fn assert_empty(pool: &Pool<u32>) {
    assert!(pool.is_empty() && pool.groups().is_empty() && pool.connections().is_empty());
    assert_eq!((pool.stats().unique_users, pool.presence(&group(1)).len()), (0, 0));
}

#[test]
fn racing_connects_never_exceed_the_capacity() {
    explore(|| {
        let (pool, accepted) = (Arc::new(registry(limits(2, 9))), Arc::new(AtomicUsize::new(0)));
        let connect = |number: u32| -> Box<dyn FnOnce() + Send> {
            let (pool, accepted) = (Arc::clone(&pool), Arc::clone(&accepted));
            Box::new(move || {
                match pool.insert(member(number, number), number) {
                    Ok(_) => _ = accepted.fetch_add(1, SeqCst),
                    Err(refusal) => assert_eq!(refusal, Refusal::Capacity),
                }
                assert!(pool.len() <= 2 && count(&pool, &Target::All) <= 2);
            })
        };
        race((0..3).map(connect).collect());
        assert_eq!((accepted.load(SeqCst), pool.len(), pool.peak()), (2, 2, 2));
    });
}

#[test]
fn racing_connects_never_exceed_the_limit_of_a_user() {
    explore(|| {
        let pool = Arc::new(registry(limits(9, 2)));
        let connect = |number: u32| -> Box<dyn FnOnce() + Send> {
            let pool = Arc::clone(&pool);
            Box::new(move || {
                if let Ok(admitted) = pool.insert(member(1, number), number) {
                    assert!(pool.sessions_of(&user(1)) <= 2);
                    if number == 0 {
                        pool.remove_own(admitted.id).expect("nobody else removes it");
                    }
                }
                assert!(count(&pool, &Target::User(user(1))) <= 2);
            })
        };
        race((0..4).map(connect).collect());
        assert!((1..=2).contains(&pool.sessions_of(&user(1))));
        assert_eq!(pool.sessions_of(&user(1)), pool.len());
    });
}

#[test]
fn nothing_finds_a_connection_after_its_removal_returned() {
    explore(|| {
        let (pool, gone) = (Arc::new(registry(limits(9, 9))), Arc::new(AtomicBool::new(false)));
        let id = pool.insert(member(1, 1), 1).expect("there is room").id;
        pool.insert(member(2, 2), 2).expect("there is room");
        pool.join(session(2), &group(1), None).expect("it is there");
        let [joins, looks, leaves] = [(); 3].map(|()| (Arc::clone(&pool), Arc::clone(&gone)));
        race(vec![
            // Err where the removal came first.
            Box::new(move || _ = joins.0.join(session(1), &group(1), None)),
            Box::new(move || {
                let (pool, gone) = looks;
                let targets = [
                    Target::Group(group(1)),
                    Target::User(user(1)),
                    Target::Connection(id),
                    Target::All,
                ];
                for target in targets {
                    let was_gone = gone.load(SeqCst);
                    pool.for_each(&target, &Exclude::NONE, |found, _| {
                        assert!(!was_gone || found != session(1), "{target:?} found it");
                    });
                    assert!(!was_gone || pool.facts(session(1)).is_none());
                }
            }),
            Box::new(move || {
                let removed = leaves.0.remove(session(1)).expect("it is there");
                leaves.1.store(true, SeqCst);
                // A join either came before, and is undone, or is refused.
                assert!(removed.groups.len() <= 1);
                assert_eq!(leaves.0.presence(&group(1)).len(), 1);
            }),
        ]);
        pool.remove(session(2)).expect("it is there");
        assert_empty(&pool);
    });
}

#[test]
fn an_id_that_comes_back_at_once_is_never_there_twice() {
    explore(|| {
        let pool = Arc::new(registry(limits(9, 9)));
        let stay = |_| -> Box<dyn FnOnce() + Send> {
            let pool = Arc::clone(&pool);
            Box::new(move || {
                for _ in 0..2 {
                    let Ok(admitted) = pool.insert(member(1, 1), 1) else { continue };
                    assert_eq!(pool.join(session(1), &group(1), None), Ok(true));
                    assert_eq!(pool.sessions_of(&user(1)), 1);
                    let removed = pool.remove_own(admitted.id).expect("it is its own");
                    assert_eq!(removed.groups, [group(1)]);
                    assert!(pool.remove_own(admitted.id).is_none());
                }
            })
        };
        race((0..3).map(stay).collect());
        assert_empty(&pool);
    });
}

#[test]
fn a_broadcast_reaches_all_who_stay_once_while_others_come_and_go() {
    explore(|| {
        let pool = Arc::new(registry(limits(999, 99)));
        for number in 0..100 {
            pool.insert(member(number, number), number).expect("there is room");
            pool.join(session(number), &group(1), None).expect("it is there");
        }
        let [sends, leaves, comes] = [(); 3].map(|()| Arc::clone(&pool));
        race(vec![
            Box::new(move || {
                let mut reached = Vec::new();
                let target = Target::Group(group(1));
                sends.for_each(&target, &Exclude::NONE, |_, &number| reached.push(number));
                let (stayed, others): (Vec<_>, Vec<_>) =
                    reached.into_iter().partition(|number| (80..100).contains(number));
                assert_eq!(stayed, (80..100).collect::<Vec<_>>());
                // One that comes is reached if it came before the begin; nobody is reached twice.
                let once: HashSet<_> = others.iter().collect();
                assert_eq!(once.len(), others.len());
                assert!(others.iter().all(|number| *number < 80 || *number == 200));
            }),
            Box::new(move || (0..80).for_each(|number| drop(leaves.remove(session(number))))),
            Box::new(move || {
                comes.insert(member(200, 200), 200).expect("there is room");
                comes.join(session(200), &group(1), None).expect("it is there");
            }),
        ]);
    });
}

#[test]
fn turns_that_race_are_each_taken_once() {
    explore(|| {
        let pool = Arc::new(registry(limits(9, 9)));
        for number in 0..4 {
            pool.insert(member(number, number), number).expect("there is room");
            pool.join(session(number), &group(1), None).expect("it is there");
        }
        assert!(pool.set_strategy(&group(1), Strategy::RoundRobin));
        let reached = Arc::new(Mutex::new(Vec::new()));
        let send = |_| -> Box<dyn FnOnce() + Send> {
            let (pool, reached) = (Arc::clone(&pool), Arc::clone(&reached));
            Box::new(move || {
                for _ in 0..2 {
                    let target = Target::Group(group(1));
                    pool.for_each(&target, &Exclude::NONE, |_, &number| {
                        reached.lock().expect("no panic").push(number);
                    });
                }
            })
        };
        race((0..2).map(send).collect());
        let mut reached = std::mem::take(&mut *reached.lock().expect("no panic"));
        reached.sort_unstable();
        assert_eq!(reached, [0, 1, 2, 3]);
    });
}

#[test]
fn a_silence_is_never_taken_for_an_earlier_one() {
    explore(|| {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let facts = Arc::new(Facts::new(start, 0));
        facts.pinged(start);
        facts.ponged(start);
        let (pings, looks) = (Arc::clone(&facts), facts);
        race(vec![
            Box::new(move || _ = pings.pinged(start + 10 * second)),
            Box::new(move || {
                let silent = looks.unanswered_for(start + 11 * second);
                assert!(silent.is_none_or(|silent| silent == second), "{silent:?}");
            }),
        ]);
    });
}

#[test]
fn the_gate_lets_in_no_more_than_it_has_places() {
    let gates: [fn(usize) -> Gate; 2] = [Gate::new, Gate::lasting];
    for make in gates {
        the_gate_lets_in_one(make);
    }
}

fn the_gate_lets_in_one(make: fn(usize) -> Gate) {
    explore(move || {
        let gate = make(1);
        let inside = Arc::new(AtomicUsize::new(0));
        let enter = |_| -> Box<dyn FnOnce() + Send> {
            let (gate, inside) = (gate.clone(), Arc::clone(&inside));
            Box::new(move || {
                let permit = gate.enter().expect("the margin has room");
                if !permit.is_over_capacity() {
                    assert_eq!(inside.fetch_add(1, SeqCst), 0);
                    inside.fetch_sub(1, SeqCst);
                }
            })
        };
        race((0..3).map(enter).collect());
        assert_eq!((gate.inside(), gate.over_capacity()), (0, 0));
    });
}

#[test]
fn upstreams_that_fail_at_once_leave_one_and_one_probe_is_made() {
    explore(|| {
        let start = Instant::now();
        let health = Health { max_failures: 1, ..Health::default() };
        let all = [(0, 1), (1, 1)];
        let list = Upstreams::new(Method::RoundRobin, health, all, start).expect("it works");
        let fail = |_| -> Box<dyn FnOnce() + Send> {
            let list = list.clone();
            Box::new(move || {
                list.pick(start, 0).failed(start);
                let is_in = list.states(start).filter(|(_, state)| !state.is_ejected).count();
                assert!(is_in > 0, "all stand aside");
            })
        };
        race((0..3).map(fail).collect());
        let out = list.states(start).filter(|(_, state)| state.is_ejected).count();
        assert_eq!(out, 1);

        let (later, probes) = (start + Duration::from_secs(10), Arc::new(AtomicUsize::new(0)));
        let held = Arc::new(Mutex::new(Vec::new()));
        let probe = |_| -> Box<dyn FnOnce() + Send> {
            let (list, probes, held) = (list.clone(), Arc::clone(&probes), Arc::clone(&held));
            Box::new(move || {
                let picked = list.pick(later, 0);
                probes.fetch_add(usize::from(picked.is_probe()), SeqCst);
                held.lock().expect("no panic").push(picked);
            })
        };
        race((0..3).map(probe).collect());
        assert_eq!(probes.load(SeqCst), 1);
    });
}

#[test]
fn a_probe_before_its_time_is_made_by_one() {
    explore(|| {
        let start = Instant::now();
        let health = Health { max_failures: 1, ..Health::default() };
        let list = Upstreams::new(Method::RoundRobin, health, [(0, 1), (1, 1)], start);
        let list = list.expect("it works");
        list.pick(start, 0).failed(start);
        let held = Arc::new(Mutex::new(Vec::new()));
        let ask = |_| -> Box<dyn FnOnce() + Send> {
            let (list, held) = (list.clone(), Arc::clone(&held));
            Box::new(move || {
                let picked = list.pick_other(start, 0, |place| place == 1);
                held.lock().expect("no panic").push(picked.expect("one is left"));
            })
        };
        race((0..3).map(ask).collect());
        let held = std::mem::take(&mut *held.lock().expect("no panic"));
        assert!(held.iter().all(|picked| *picked.value() == 0));
        assert_eq!(held.iter().filter(|picked| picked.is_probe()).count(), 1);
    });
}

fn one_connection() -> Reuse<u8, u32> {
    let limits = ReuseLimits { max_connections: 1, ..ReuseLimits::default() };
    Reuse::new(limits).expect("limits that work")
}

#[test]
fn a_connection_goes_from_hand_to_hand_and_nobody_waits_for_ever() {
    explore(|| {
        let (reuse, now) = (one_connection(), Instant::now());
        let lent = Arc::new(AtomicUsize::new(0));
        let borrow = |number: u32| -> Box<dyn FnOnce() + Send> {
            let (reuse, lent) = (reuse.clone(), Arc::clone(&lent));
            Box::new(move || {
                let given = block_on(reuse.checkout(0, now, |_| true)).expect("it may wait");
                let connection = match given {
                    Given::Lent(lent) => lent,
                    Given::Vacancy(vacancy) => vacancy.fill(number),
                };
                assert_eq!(lent.fetch_add(1, SeqCst), 0, "it is lent once at a time");
                lent.fetch_sub(1, SeqCst);
                // One closes it: its place must find the next who waits.
                if number == 1 { drop(connection) } else { connection.give_back(now) }
            })
        };
        race((0..3).map(borrow).collect());
        let stats = reuse.stats();
        assert_eq!((stats.waiting, stats.open), (0, stats.idle));
    });
}

/// Polls once, then gives up.
struct Once<F>(Option<Pin<Box<F>>>);

impl<F: Future> Future for Once<F> {
    type Output = Option<F::Output>;

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let polled = self.0.take().map(|mut future| future.as_mut().poll(cx));
        std::task::Poll::Ready(match polled {
            Some(std::task::Poll::Ready(output)) => Some(output),
            _ => None,
        })
    }
}

#[test]
fn what_comes_to_one_who_gives_up_comes_to_the_next() {
    explore(|| {
        let (reuse, now) = (one_connection(), Instant::now());
        let Ok(Given::Vacancy(vacancy)) = block_on(reuse.checkout(0, now, |_| true)) else {
            panic!("there is room")
        };
        let held = vacancy.fill(1);
        let [impatient, patient] = [(); 2].map(|()| reuse.clone());
        race(vec![
            Box::new(move || {
                let checkout = Box::pin(impatient.checkout(0, now, |_| true));
                drop(block_on(Once(Some(checkout))));
            }),
            Box::new(move || {
                drop(block_on(patient.checkout(0, now, |_| true)).expect("it may wait"));
            }),
            Box::new(move || held.give_back(now)),
        ]);
        assert_eq!(reuse.stats().waiting, 0);
    });
}
