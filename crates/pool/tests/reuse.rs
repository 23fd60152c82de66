//! Connections that are kept, given in turn, looked at, and let go.

mod fixture;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use fixture::now;
use proptest::prelude::*;
use tidegate_pool::reuse::{Checkout, Exhausted, Given, Lent, Reuse, ReuseLimits, Vacancy};

const SECOND: Duration = Duration::from_secs(1);
type Pool = Reuse<&'static str, u32>;
type IsFit = fn(&mut u32) -> bool;

fn pool(max_connections: usize) -> Pool {
    Reuse::new(ReuseLimits { max_connections, ..ReuseLimits::default() }).expect("limits that work")
}

fn ask(pool: &Pool, at: Instant) -> Pin<Box<Checkout<&'static str, u32, IsFit>>> {
    Box::pin(pool.checkout("a", at, |&mut number| number < 100))
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn given(pool: &Pool, at: Instant) -> Given<&'static str, u32> {
    match poll(&mut ask(pool, at)) {
        Poll::Ready(Ok(given)) => given,
        other => panic!("nothing was given: {other:?}"),
    }
}

fn vacancy(pool: &Pool, at: Instant) -> Vacancy<&'static str, u32> {
    match given(pool, at) {
        Given::Vacancy(vacancy) => vacancy,
        Given::Lent(lent) => panic!("{lent:?} was there"),
    }
}

fn lent(pool: &Pool, at: Instant) -> Lent<&'static str, u32> {
    match given(pool, at) {
        Given::Lent(lent) => lent,
        Given::Vacancy(vacancy) => panic!("{vacancy:?} had to be filled"),
    }
}

#[test]
fn limits_that_cannot_work_are_refused_by_their_name() {
    let field = |limits| Reuse::<u8, u8>::new(limits).unwrap_err().field;
    let limits = ReuseLimits::default();
    assert_eq!(field(ReuseLimits { max_connections: 0, ..limits }), "max_connections");
    assert_eq!(field(ReuseLimits { idle_timeout: Duration::ZERO, ..limits }), "idle_timeout");
}

#[test]
fn what_is_given_back_serves_the_next_and_is_counted() {
    let (pool, at) = (pool(9), now());
    vacancy(&pool, at).fill(7).give_back(at);
    for _ in 0..3 {
        let lent = lent(&pool, at);
        assert!(lent.is_reused() && *lent == 7);
        lent.give_back(at);
    }
    let stats = pool.stats();
    assert_eq!((stats.pools_created, stats.pool_misses, stats.pool_hits), (1, 1, 3));
    assert_eq!((stats.connections_reused, stats.open, stats.idle), (1, 1, 1));
}

#[test]
fn what_was_used_last_is_given_first() {
    let (pool, at) = (pool(9), now());
    let [one, two] = [1, 2].map(|number| vacancy(&pool, at).fill(number));
    one.give_back(at);
    two.give_back(at);
    assert_eq!(*lent(&pool, at), 2);
}

#[test]
fn what_is_dropped_is_closed() {
    let (pool, at) = (pool(1), now());
    drop(vacancy(&pool, at).fill(1));
    drop(vacancy(&pool, at));
    vacancy(&pool, at).fill(2).give_back(at);
    assert_eq!(*lent(&pool, at), 2);
    assert_eq!((pool.stats().open, pool.stats().idle), (0, 0));
}

#[test]
fn what_was_idle_too_long_is_closed_by_the_next_checkout_or_by_expire() {
    let (pool, at) = (pool(9), now());
    let three = [1, 2, 3].map(|number| vacancy(&pool, at).fill(number));
    for (lent, seconds) in three.into_iter().zip([0, 10, 20]) {
        lent.give_back(at + seconds * SECOND);
    }
    assert_eq!(pool.expire(at + 179 * SECOND), 0);
    assert_eq!(pool.expire(at + 180 * SECOND), 1);
    assert_eq!(*lent(&pool, at + 190 * SECOND), 3);
    vacancy(&pool, at + 400 * SECOND).fill(4).give_back(at + 400 * SECOND);
    assert_eq!((pool.stats().connections_expired, pool.stats().open), (2, 1));
}

#[test]
fn a_target_without_connections_leaves_nothing_behind() {
    let (pool, at) = (pool(9), now());
    vacancy(&pool, at).fill(1).give_back(at);
    assert_eq!(pool.expire(at + 180 * SECOND), 1);
    vacancy(&pool, at).fill(1).give_back(at);
    assert_eq!(pool.stats().pools_created, 2);
}

#[test]
fn targets_are_apart() {
    let (pool, at) = (pool(1), now());
    let _here = vacancy(&pool, at).fill(1);
    let mut there = Box::pin(pool.checkout("b", at, |_: &mut u32| true));
    assert!(matches!(poll(&mut there), Poll::Ready(Ok(Given::Vacancy(_)))));
}

#[test]
fn only_so_many_are_kept_idle() {
    let limits = ReuseLimits { max_idle: 1, ..ReuseLimits::default() };
    let (pool, at) = (Reuse::new(limits).unwrap(), now());
    let [one, two] = [1, 2].map(|number| vacancy(&pool, at).fill(number));
    one.give_back(at);
    two.give_back(at);
    assert_eq!((pool.stats().idle, pool.stats().open), (1, 1));
    assert_eq!(*lent(&pool, at), 1);
}

#[test]
fn a_broken_one_is_closed_and_the_next_is_given_else_its_place() {
    let (pool, at) = (pool(9), now());
    let three = [1, 100, 101].map(|number| vacancy(&pool, at).fill(number));
    three.into_iter().for_each(|lent| lent.give_back(at));
    let fit = lent(&pool, at);
    assert_eq!((*fit, pool.stats().connections_broken, pool.stats().open), (1, 2, 1));
    fit.give_back(at);
    lent(&pool, at).give_back(at);
    let mut last = lent(&pool, at);
    *last = 100;
    last.give_back(at);
    drop(vacancy(&pool, at));
    assert_eq!((pool.stats().connections_broken, pool.stats().open), (3, 0));
}

#[test]
fn those_who_wait_are_served_in_their_order() {
    let (pool, at) = (pool(1), now());
    let held = vacancy(&pool, at).fill(1);
    let mut waiting: Vec<_> = (0..3).map(|_| ask(&pool, at)).collect();
    assert!(waiting.iter_mut().all(|checkout| poll(checkout).is_pending()));
    held.give_back(at);
    assert!(poll(&mut waiting[2]).is_pending() && poll(&mut waiting[1]).is_pending());
    assert!(poll(&mut ask(&pool, at)).is_pending(), "nobody overtakes");
    for mut checkout in waiting {
        let Poll::Ready(Ok(Given::Lent(lent))) = poll(&mut checkout) else {
            panic!("not its turn")
        };
        lent.give_back(at);
    }
    assert_eq!((pool.stats().waiting, pool.stats().idle), (0, 1));
}

#[test]
fn who_waits_gets_the_place_of_one_that_closed() {
    let (pool, at) = (pool(1), now());
    let held = vacancy(&pool, at).fill(1);
    let mut waiting = ask(&pool, at);
    assert!(poll(&mut waiting).is_pending());
    drop(held);
    assert!(matches!(poll(&mut waiting), Poll::Ready(Ok(Given::Vacancy(_)))));
}

#[test]
fn who_gives_up_loses_nothing_for_the_next() {
    for drops in [false, true] {
        let (pool, at) = (pool(1), now());
        let held = vacancy(&pool, at).fill(1);
        let [mut one, mut two, mut three] = [(); 3].map(|()| ask(&pool, at));
        assert!([&mut one, &mut two, &mut three].into_iter().all(|it| poll(it).is_pending()));
        drop(one); // before anything came
        if drops {
            drop(held);
        } else {
            held.give_back(at);
        }
        drop(two); // after it came
        match poll(&mut three) {
            Poll::Ready(Ok(Given::Lent(_))) => assert!(!drops),
            Poll::Ready(Ok(Given::Vacancy(_))) => assert!(drops),
            other => panic!("it was lost: {other:?}"),
        }
    }
}

#[test]
fn only_so_many_may_wait() {
    let limits = ReuseLimits { max_connections: 1, max_waiting: 1, ..ReuseLimits::default() };
    let (pool, at) = (Reuse::new(limits).unwrap(), now());
    let _held = vacancy(&pool, at).fill(1);
    let mut waiting = ask(&pool, at);
    assert!(poll(&mut waiting).is_pending());
    assert!(matches!(poll(&mut ask(&pool, at)), Poll::Ready(Err(Exhausted))));
    drop(waiting);
    assert!(poll(&mut ask(&pool, at)).is_pending());
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn the_waker_of_the_last_poll_is_woken() {
    let (pool, at) = (pool(1), now());
    let held = vacancy(&pool, at).fill(1);
    let mut waiting = ask(&pool, at);
    let [first, second] = [(); 2].map(|()| Arc::new(Wakes::default()));
    for wakes in [&first, &second] {
        let waker = Waker::from(Arc::clone(wakes));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    held.give_back(at);
    assert_eq!((first.0.load(Relaxed), second.0.load(Relaxed)), (0, 1));
}

/// A connection whose end asks the pool.
struct Curious(Reuse<u8, Curious>);

impl Drop for Curious {
    fn drop(&mut self) {
        let _ = self.0.stats();
    }
}

#[test]
fn no_lock_is_held_while_a_connection_closes() {
    let limits = ReuseLimits { max_idle: 1, ..ReuseLimits::default() };
    let (pool, at) = (Reuse::new(limits).unwrap(), now());
    let make = || {
        let mut checkout = Box::pin(pool.checkout(0, at, |_: &mut Curious| true));
        match poll(&mut checkout) {
            Poll::Ready(Ok(Given::Vacancy(vacancy))) => vacancy.fill(Curious(pool.clone())),
            _ => panic!("there is room"),
        }
    };
    let [one, two, three] = [(); 3].map(|()| make());
    one.give_back(at);
    two.give_back(at); // one too many
    drop(three);
    assert_eq!(pool.expire(at + 180 * SECOND), 1);
    assert_eq!(pool.stats().open, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Ask,
    Poll(usize),
    GiveUp(usize),
    GiveBack(usize),
    Close(usize),
    Break(usize),
    Wait(u64),
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    let which = || 0..8_usize;
    prop_oneof![
        4 => Just(Step::Ask),
        4 => which().prop_map(Step::Poll),
        1 => which().prop_map(Step::GiveUp),
        3 => which().prop_map(Step::GiveBack),
        1 => which().prop_map(Step::Close),
        1 => which().prop_map(Step::Break),
        1 => (0..100_u64).prop_map(Step::Wait),
        1 => Just(Step::Expire),
    ]
}

proptest! {
    #[test]
    fn bounds_hold_and_nobody_waits_while_anything_is_free(
        max_connections in 1..4_usize,
        max_idle in 0..4_usize,
        max_waiting in 0..4_usize,
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let limits = ReuseLimits { max_connections, max_idle, max_waiting, ..ReuseLimits::default() };
        let (pool, mut at) = (Reuse::new(limits).unwrap(), now());
        let (mut waiting, mut held, mut made) = (Vec::new(), Vec::new(), 0);
        for step in steps {
            match step {
                Step::Ask => waiting.push(ask(&pool, at)),
                Step::Poll(which) if which < waiting.len() => match poll(&mut waiting[which]) {
                    Poll::Pending => {}
                    Poll::Ready(answer) => {
                        drop(waiting.remove(which));
                        match answer {
                            Ok(Given::Lent(lent)) => held.push(lent),
                            Ok(Given::Vacancy(vacancy)) => {
                                made += 1;
                                held.push(vacancy.fill(made % 90));
                            }
                            Err(Exhausted) => prop_assert!(pool.stats().waiting >= max_waiting),
                        }
                    }
                },
                Step::GiveUp(which) if which < waiting.len() => drop(waiting.remove(which)),
                Step::GiveBack(which) if which < held.len() => held.remove(which).give_back(at),
                Step::Close(which) if which < held.len() => drop(held.remove(which)),
                Step::Break(which) if which < held.len() => *held[which] = 100,
                Step::Wait(seconds) => at += Duration::from_secs(seconds),
                Step::Expire => _ = pool.expire(at),
                _ => {}
            }
            let stats = pool.stats();
            prop_assert!(stats.open <= max_connections && stats.open >= held.len() + stats.idle);
            prop_assert!(stats.idle <= max_idle && stats.waiting <= max_waiting);
            prop_assert!(stats.waiting == 0 || (stats.idle == 0 && stats.open == max_connections));
            prop_assert_eq!(stats.pool_misses, u64::from(made));
        }
        drop((waiting, held));
        pool.expire(at + 180 * SECOND);
        prop_assert_eq!(pool.stats().open, 0);
    }
}
