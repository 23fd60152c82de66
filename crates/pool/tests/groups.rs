//! Groups: joining and leaving, strategies, and what outlives the last member.

mod fixture;

use std::collections::BTreeMap;

use fixture::{group, limits, member, pool, reached, registry, session, user};
use tidegate_pool::{
    Exclude, JoinError, Limits, MAX_REMEMBERED_STRATEGIES, MAX_WEIGHT, Pool, Strategy, Target,
};

/// A pool with one group of `members` sessions, each of its own user.
fn group_of(members: u32, strategy: Strategy) -> Pool<u32> {
    let pool = pool(&(0..members).map(|number| (number, number)).collect::<Vec<_>>());
    for number in 0..members {
        pool.join(session(number), &group(1), None).expect("a connected session may join");
    }
    assert!(pool.set_strategy(&group(1), strategy));
    pool
}

/// How often each member is chosen in so many deliveries.
fn shares(pool: &Pool<u32>, deliveries: u32, exclude: &Exclude<'_>) -> BTreeMap<u32, u32> {
    let mut shares = BTreeMap::new();
    for _ in 0..deliveries {
        let chosen = reached(pool, &Target::Group(group(1)), exclude);
        assert_eq!(chosen.len(), 1);
        *shares.entry(chosen[0]).or_default() += 1;
    }
    shares
}

#[test]
fn joining_twice_is_one_membership() {
    let pool = pool(&[(1, 1)]);
    assert_eq!(pool.join(session(1), &group(1), None), Ok(true));
    assert_eq!(pool.join(session(1), &group(1), Some(3)), Ok(false));
    assert_eq!(pool.presence(&group(1)), [(user(1), session(1))]);
    assert!(pool.leave(session(1), &group(1)));
    assert!(!pool.leave(session(1), &group(1)));
    assert!(pool.groups().is_empty());
}

#[test]
fn removal_leaves_every_group_and_says_which() {
    let pool = pool(&[(1, 1), (2, 2)]);
    for number in [1, 2] {
        pool.join(session(1), &group(number), None).unwrap();
    }
    pool.join(session(2), &group(2), None).unwrap();
    let mut left = pool.remove(session(1)).unwrap().groups;
    left.sort();
    assert_eq!(left, [group(1), group(2)]);
    assert_eq!(pool.groups(), [(group(2), 1)]);
    assert_eq!(pool.join(session(1), &group(1), None), Err(JoinError::UnknownSession));
}

#[test]
fn says_which_groups_a_session_is_in() {
    let pool = pool(&[(1, 1), (2, 2)]);
    for number in [1, 2] {
        pool.join(session(1), &group(number), None).unwrap();
    }
    pool.leave(session(1), &group(1));
    assert_eq!(pool.groups_of(session(1)), [group(2)]);
    assert_eq!(pool.groups_of(session(2)), []);
    pool.remove(session(1)).unwrap();
    assert_eq!(pool.groups_of(session(1)), []);
}

#[test]
fn refuses_more_groups_than_a_session_may_have() {
    let pool = registry(Limits { max_groups_per_session: 2, ..limits(9, 9) });
    pool.insert(member(1, 1), 1).unwrap();
    pool.join(session(1), &group(1), None).unwrap();
    pool.join(session(1), &group(2), None).unwrap();
    let refused = pool.join(session(1), &group(3), None);
    assert_eq!(refused, Err(JoinError::TooManyGroups { max: 2 }));
    assert_eq!(pool.join(session(1), &group(2), None), Ok(false));
    pool.leave(session(1), &group(1));
    assert_eq!(pool.join(session(1), &group(3), None), Ok(true));
}

#[test]
fn broadcast_is_the_default_and_reaches_all() {
    let pool = group_of(3, Strategy::default());
    assert_eq!(reached(&pool, &Target::Group(group(1)), &Exclude::NONE), [0, 1, 2]);
}

#[test]
fn round_robin_gives_each_the_same() {
    let pool = group_of(3, Strategy::RoundRobin);
    assert_eq!(shares(&pool, 30, &Exclude::NONE), [(0, 10), (1, 10), (2, 10)].into());
}

#[test]
fn one_left_out_gives_its_neighbour_no_double_share() {
    let pool = group_of(3, Strategy::RoundRobin);
    let exclude = Exclude { sessions: &[session(0)], ..Exclude::NONE };
    assert_eq!(shares(&pool, 30, &exclude), [(1, 15), (2, 15)].into());
}

#[test]
fn nobody_is_chosen_where_all_are_left_out() {
    for strategy in [Strategy::RoundRobin, Strategy::LeastConnections, Strategy::Weighted] {
        let pool = group_of(1, strategy);
        let exclude = Exclude { users: &[user(0)], ..Exclude::NONE };
        assert!(reached(&pool, &Target::Group(group(1)), &exclude).is_empty(), "{strategy}");
    }
}

#[test]
fn least_connections_takes_who_has_the_fewest_requests_in_flight() {
    let pool = group_of(3, Strategy::LeastConnections);
    let busy: Vec<_> = [0, 2].map(|number| pool.facts(session(number)).unwrap().request()).into();
    assert_eq!(shares(&pool, 5, &Exclude::NONE), [(1, 5)].into());
    drop(busy);
    assert_eq!(shares(&pool, 30, &Exclude::NONE).len(), 3, "among equals in turn");
}

#[test]
fn weighted_follows_the_weight_of_the_join_else_the_members_own() {
    let pool = registry(limits(9, 9));
    for (number, own, asked) in [(0, 1, None), (1, 3, None), (2, 3, Some(6))] {
        let member = tidegate_pool::Member { weight: own, ..member(number, number) };
        pool.insert(member, number).unwrap();
        pool.join(session(number), &group(1), asked).unwrap();
    }
    assert!(pool.set_strategy(&group(1), Strategy::Weighted));
    for (number, count) in shares(&pool, 1_000, &Exclude::NONE) {
        let wanted = [100, 300, 600][number as usize];
        assert!(count.abs_diff(wanted) <= 5, "{number}: {count} of {wanted}");
    }
}

#[test]
fn joining_again_changes_the_weight_and_weights_are_cut_to_their_range() {
    let pool = group_of(2, Strategy::Weighted);
    pool.join(session(0), &group(1), Some(0)).unwrap();
    pool.join(session(1), &group(1), Some(u32::MAX)).unwrap();
    let deliveries = 4 * (MAX_WEIGHT + 1);
    let of_the_small = shares(&pool, deliveries, &Exclude::NONE).get(&0).copied().unwrap_or(0);
    assert!((1..=8).contains(&of_the_small), "{of_the_small}");
}

#[test]
fn strategy_outlives_the_last_member_until_broadcast_is_set() {
    let pool = group_of(1, Strategy::Weighted);
    pool.remove(session(0)).unwrap();
    assert_eq!(pool.strategy(&group(1)), Strategy::Weighted);
    assert!(pool.groups().is_empty() && pool.presence(&group(1)).is_empty());
    assert!(pool.set_strategy(&group(1), Strategy::Broadcast));
    assert_eq!(pool.strategy(&group(1)), Strategy::Broadcast);
}

#[test]
fn only_so_many_groups_without_members_are_remembered() {
    let pool = pool(&[(1, 1)]);
    let max = u32::try_from(MAX_REMEMBERED_STRATEGIES).unwrap();
    assert!((0..max).all(|number| pool.set_strategy(&group(number), Strategy::RoundRobin)));
    assert!(!pool.set_strategy(&group(max), Strategy::RoundRobin));
    assert!(pool.set_strategy(&group(max), Strategy::Broadcast), "which needs no memory");
    // A group with members does not count, and forgets when it is emptied while there is no room.
    pool.join(session(1), &group(max), None).unwrap();
    assert!(pool.set_strategy(&group(max), Strategy::RoundRobin));
    pool.leave(session(1), &group(max));
    assert_eq!(pool.strategy(&group(max)), Strategy::Broadcast);
    // Room comes back by a member in a remembered group, and by setting broadcast.
    pool.join(session(1), &group(0), None).unwrap();
    assert!(pool.set_strategy(&group(max), Strategy::RoundRobin));
    assert!(pool.set_strategy(&group(1), Strategy::Broadcast));
    assert!(pool.set_strategy(&group(max + 1), Strategy::RoundRobin));
    assert!(!pool.set_strategy(&group(max + 2), Strategy::RoundRobin));
}

#[test]
fn names_of_strategies_read_back() {
    for name in ["broadcast", "round_robin", "least_connections", "weighted"] {
        assert_eq!(name.parse::<Strategy>().unwrap().to_string(), name);
    }
    assert!("p2c".parse::<Strategy>().is_err());
}
