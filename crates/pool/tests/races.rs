//! Many threads at once: limits hold exactly, and nothing is left behind.

mod fixture;

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use fixture::{group, limits, member, registry, session, user};
use tidegate_pool::{Exclude, Pool, Refusal, Target};

const THREADS: u32 = 8;

/// Runs `f` on all threads from the same moment on.
fn race(f: impl Fn(u32) + Sync) {
    let barrier = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (f, barrier) = (&f, &barrier);
            scope.spawn(move || {
                barrier.wait();
                f(number);
            });
        }
    });
}

/// All views of the pool agree that nobody is there.
fn assert_empty(pool: &Pool<u32>) {
    let stats = pool.stats();
    assert_eq!((pool.len(), stats.unique_users, pool.connections().len()), (0, 0, 0));
    assert!(pool.groups().is_empty(), "{:?}", pool.groups());
}

#[test]
fn racing_inserts_of_one_user_never_exceed_the_limit() {
    for _ in 0..200 {
        let (pool, accepted) = (registry(limits(100, 3)), AtomicUsize::new(0));
        race(|number| match pool.insert(member(1, number), number) {
            Ok(_) => _ = accepted.fetch_add(1, Relaxed),
            Err(refusal) => assert_eq!(refusal, Refusal::PerUser),
        });
        assert_eq!((accepted.into_inner(), pool.sessions_of(&user(1)), pool.len()), (3, 3, 3));
    }
}

#[test]
fn racing_inserts_of_many_users_never_exceed_the_capacity() {
    for _ in 0..200 {
        let (pool, accepted) = (registry(limits(5, 3)), AtomicUsize::new(0));
        race(|number| match pool.insert(member(number, number), number) {
            Ok(_) => _ = accepted.fetch_add(1, Relaxed),
            Err(refusal) => assert_eq!(refusal, Refusal::Capacity),
        });
        assert_eq!((accepted.into_inner(), pool.len(), pool.stats().peak_connections), (5, 5, 5));
    }
}

#[test]
fn a_join_that_crosses_the_removal_leaves_no_ghost() {
    for _ in 0..300 {
        let pool = registry(limits(100, 100));
        pool.insert(member(1, 1), 1).unwrap();
        race(|number| {
            if number == 0 {
                pool.remove(session(1)).unwrap();
            } else {
                // Err where the removal came first.
                let _ = pool.join(session(1), &group(number % 3), None);
            }
        });
        assert_empty(&pool);
    }
}

#[test]
fn of_many_that_remove_one_session_one_does() {
    for _ in 0..200 {
        let (pool, removed) = (registry(limits(100, 100)), AtomicUsize::new(0));
        pool.insert(member(1, 1), 1).unwrap();
        race(|_| _ = removed.fetch_add(usize::from(pool.remove(session(1)).is_some()), Relaxed));
        assert_eq!(removed.into_inner(), 1);
        assert_empty(&pool);
    }
}

#[test]
fn an_id_that_comes_back_while_it_is_removed_is_never_there_twice() {
    let pool = registry(limits(100, 100));
    race(|_| {
        for _ in 0..2_000 {
            // Whoever finds the id free takes it; whoever has it joins, then removes what is its own.
            let Ok(admitted) = pool.insert(member(1, 1), 1) else { continue };
            assert_eq!(pool.join(session(1), &group(1), None), Ok(true));
            assert_eq!(pool.presence(&group(1)).len(), 1);
            assert_eq!(pool.sessions_of(&user(1)), 1);
            let removed = pool.remove_own(admitted.id).unwrap();
            assert_eq!(removed.groups, [group(1)]);
        }
    });
    assert_empty(&pool);
}

#[test]
fn deliveries_and_statistics_go_on_while_sessions_come_and_go() {
    let (pool, reached) = (registry(limits(1_000, 1_000)), AtomicUsize::new(0));
    race(|thread| {
        let mut bytes = 0;
        for round in 0..200 {
            let number = thread * 1_000 + round;
            let facts = pool.insert(member(round % 5, number), number).unwrap().facts;
            facts.sent(10);
            pool.join(session(number), &group(round % 3), None).unwrap();
            for target in [Target::All, Target::User(user(1)), Target::Group(group(1))] {
                let count = pool.for_each(&target, &Exclude::NONE, |_, _| {});
                reached.fetch_add(count, Relaxed);
            }
            pool.remove(session(number)).unwrap();
            let now = pool.stats().total_bytes_sent;
            assert!(now >= bytes, "{now} after {bytes}");
            bytes = now;
        }
    });
    assert_empty(&pool);
    assert!(reached.into_inner() >= 1_600, "each round reaches at least itself");
    assert_eq!(pool.stats().total_bytes_sent, u64::from(THREADS) * 200 * 10);
}
