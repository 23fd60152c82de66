//! Who is let in, who is reached, who is idle, and what the pool says of itself.

mod fixture;

use std::sync::Arc;

use fixture::{group, limits, member, pool, reached, registry, session, user};
use tidegate_pool::{AT_CAPACITY, Exclude, Pool, Refusal, Target, USER_LIMIT_REACHED};

#[test]
fn limits_that_let_nobody_in_are_refused_by_their_name() {
    for (limits, field) in
        [(limits(0, 1), "max_connections"), (limits(1, 0), "max_connections_per_user")]
    {
        let refused = Pool::<u32>::new(limits).unwrap_err();
        assert_eq!(refused.field, field);
        assert_eq!(refused.to_string(), format!("`{field}` must be at least 1"));
    }
}

#[test]
fn refuses_beyond_the_capacity_and_lets_in_once_one_has_left() {
    let pool = registry(limits(2, 9));
    pool.insert(member(1, 1), 1).unwrap();
    pool.insert(member(2, 2), 2).unwrap();
    assert_eq!(pool.insert(member(3, 3), 3).unwrap_err(), Refusal::Capacity);
    assert_eq!((pool.len(), pool.sessions_of(&user(3))), (2, 0));
    pool.remove(session(1)).unwrap();
    pool.insert(member(3, 3), 3).unwrap();
}

#[test]
fn refuses_beyond_the_limit_of_a_user_but_not_another_user() {
    let pool = registry(limits(9, 2));
    pool.insert(member(1, 1), 1).unwrap();
    pool.insert(member(1, 2), 2).unwrap();
    assert_eq!(pool.insert(member(1, 3), 3).unwrap_err(), Refusal::PerUser);
    pool.insert(member(2, 4), 4).unwrap();
    assert_eq!(reached(&pool, &Target::All, &Exclude::NONE), [1, 2, 4]);
}

#[test]
fn refusals_carry_the_strings_of_the_protocol() {
    assert_eq!((Refusal::Capacity.close_code(), Refusal::Capacity.reason()), (1008, AT_CAPACITY));
    assert_eq!(AT_CAPACITY, "Server at capacity");
    assert_eq!(
        (Refusal::PerUser.close_code(), Refusal::PerUser.reason()),
        (1008, USER_LIMIT_REACHED)
    );
    assert_eq!(USER_LIMIT_REACHED, "Connection limit reached");
}

#[test]
fn an_id_is_taken_until_it_is_removed() {
    let pool = pool(&[(1, 1)]);
    assert_eq!(pool.insert(member(2, 1), 1).unwrap_err(), Refusal::InUse);
    assert_eq!((pool.len(), pool.sessions_of(&user(2))), (1, 0));
    assert_eq!(pool.remove(session(1)).unwrap().user, user(1));
    pool.insert(member(2, 1), 1).unwrap();
}

#[test]
fn connection_that_ends_late_does_not_remove_its_successor() {
    let pool = registry(limits(9, 9));
    let first = pool.insert(member(1, 1), 1).unwrap().id;
    pool.remove(session(1)).unwrap();
    let second = pool.insert(member(1, 1), 1).unwrap();
    assert!(pool.remove_own(first).is_none());
    assert!(reached(&pool, &Target::Connection(first), &Exclude::NONE).is_empty());
    assert_eq!(reached(&pool, &Target::Connection(second.id), &Exclude::NONE), [1]);
    assert!(second.id.generation() > first.generation());
    assert!(Arc::ptr_eq(&pool.remove_own(second.id).unwrap().facts, &second.facts));
    assert!(pool.is_empty());
}

#[test]
fn reaches_a_session_a_user_a_group_or_everyone() {
    let pool = pool(&[(1, 1), (1, 2), (2, 3), (3, 4)]);
    for number in [2, 3] {
        pool.join(session(number), &group(1), None).unwrap();
    }
    let all = |target| reached(&pool, &target, &Exclude::NONE);
    assert_eq!(all(Target::Session(session(3))), [3]);
    assert_eq!(all(Target::User(user(1))), [1, 2]);
    assert_eq!(all(Target::Group(group(1))), [2, 3]);
    assert_eq!(all(Target::All), [1, 2, 3, 4]);
    assert!(all(Target::Session(session(9))).is_empty());
    assert!(all(Target::User(user(9))).is_empty());
    assert!(all(Target::Group(group(9))).is_empty());
}

#[test]
fn leaves_out_whom_it_is_told_to_in_every_kind_of_target() {
    let pool = pool(&[(1, 1), (1, 2), (2, 3)]);
    for number in 1..=3 {
        pool.join(session(number), &group(1), None).unwrap();
    }
    let (sessions, users) = ([session(2)], [user(2)]);
    let exclude = Exclude { sessions: &sessions, users: &users };
    for target in [Target::User(user(1)), Target::Group(group(1)), Target::All] {
        assert_eq!(reached(&pool, &target, &exclude), [1], "{target:?}");
    }
    assert!(reached(&pool, &Target::Session(session(2)), &exclude).is_empty());
}

#[test]
fn leaves_out_a_long_list_as_it_does_a_short_one() {
    let pool = pool(&[(1, 1), (2, 2), (3, 3), (50, 50)]);
    let (sessions, users): (Vec<_>, Vec<_>) =
        ((40..90).map(session).collect(), (2..30).map(user).collect());
    let exclude = Exclude { sessions: &sessions, users: &users };
    assert_eq!(reached(&pool, &Target::All, &exclude), [1]);
}

#[test]
fn no_lock_is_held_while_a_session_is_reached() {
    let pool = pool(&[(1, 1), (1, 2), (2, 3)]);
    pool.join(session(3), &group(1), None).unwrap();
    for target in [Target::Group(group(1)), Target::User(user(1)), Target::All] {
        pool.for_each(&target, &Exclude::NONE, |id, &handle| {
            let of = pool.remove(id).unwrap().user;
            let number = if of == user(1) { 1 } else { 2 };
            pool.insert(member(number, handle), handle).unwrap();
            pool.join(id, &group(1), None).unwrap();
        });
    }
    assert_eq!((pool.len(), pool.presence(&group(1)).len()), (3, 3));
}

/// A handle whose end looks into the pool.
struct Curious(std::sync::Weak<Pool<Curious>>);

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            let _ = (pool.sessions_of(&user(1)), pool.facts(session(1)), pool.groups());
        }
    }
}

#[test]
fn no_lock_is_held_while_a_handle_is_dropped() {
    let pool = Arc::new(registry(limits(9, 1)));
    pool.insert(member(1, 1), Curious(Arc::downgrade(&pool))).unwrap();
    pool.join(session(1), &group(1), None).unwrap();
    assert!(pool.insert(member(1, 2), Curious(Arc::downgrade(&pool))).is_err());
    drop(pool.remove(session(1)));
    assert!(pool.is_empty());
}

#[test]
fn statistics_count_what_is_here_and_bytes_of_what_was() {
    let pool = registry(limits(8, 8));
    for (of, number) in [(1, 1), (1, 2), (2, 3), (3, 4)] {
        let facts = pool.insert(member(of, number), number).unwrap().facts;
        facts.sent(100);
        facts.received(20);
    }
    pool.remove(session(3)).unwrap();
    pool.remove(session(4)).unwrap();
    let stats = pool.stats();
    assert_eq!((stats.total_connections, stats.max_connections, stats.peak_connections), (2, 8, 4));
    assert_eq!((stats.unique_users, stats.connections_opened), (1, 4));
    assert_eq!((stats.total_bytes_sent, stats.total_bytes_received), (400, 80));
    assert_eq!((stats.capacity_used_percent, stats.avg_bytes_per_connection), (25.0, 120.0));
    assert_eq!(stats.connections_by_user, [(user(1), 2)].into());
}

#[test]
fn statistics_of_an_empty_pool_divide_by_nothing() {
    let stats = registry::<u32>(limits(1, 1)).stats();
    assert_eq!((stats.capacity_used_percent, stats.avg_bytes_per_connection), (0.0, 0.0));
}

#[test]
fn refused_sessions_raise_no_peak() {
    let pool = registry(limits(9, 1));
    pool.insert(member(1, 1), 1).unwrap();
    assert!(pool.insert(member(1, 2), 2).is_err());
    assert!(pool.insert(member(2, 1), 1).is_err());
    assert_eq!((pool.stats().peak_connections, pool.stats().connections_opened), (1, 1));
}

#[test]
fn lists_each_connection_with_its_groups() {
    let pool = pool(&[(1, 1), (2, 2)]);
    pool.join(session(2), &group(7), None).unwrap();
    let mut list = pool.connections();
    list.sort_by_key(|connection| connection.session);
    assert_eq!((list[0].session, &list[0].user, list[0].groups.len()), (session(1), &user(1), 0));
    assert_eq!(
        (list[1].groups.as_slice(), list[1].facts.connected_at),
        ([group(7)].as_slice(), 1_000)
    );
    assert_eq!(pool.connection(session(2)).as_ref(), Some(&list[1]));
    assert_eq!(pool.connection(session(3)), None);
}
