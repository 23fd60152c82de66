//! Deliveries to many, while many come and go: who stays is reached once, and nobody waits.

mod fixture;

use std::collections::BTreeMap;

use fixture::{group, limits, member, reached, registry, session, user};
use proptest::prelude::*;
use tidegate_pool::{Exclude, Limits, Pool, Strategy as Way, Target};

fn add(pool: &Pool<u32>, number: u32) {
    pool.insert(member(0, number), number).expect("there is room");
    pool.join(session(number), &group(1), None).expect("it has just come");
}

fn filled(count: u32) -> Pool<u32> {
    let limits = Limits { max_groups_per_session: 9, ..limits(1_000_000, 1_000_000) };
    let pool = registry(limits);
    (0..count).for_each(|number| add(&pool, number));
    pool
}

/// What happens in the middle of a delivery, to the n-th session that is reached.
#[derive(Clone, Debug)]
enum Change {
    Leave(u32),
    Rejoin(u32),
    Remove(u32),
    Come(u32),
}

fn changes() -> impl Strategy<Value = BTreeMap<usize, Vec<Change>>> {
    let who = || 0..250_u32;
    let change = prop_oneof![
        3 => who().prop_map(Change::Leave),
        1 => who().prop_map(Change::Rejoin),
        3 => who().prop_map(Change::Remove),
        1 => (300..350_u32).prop_map(Change::Come),
    ];
    prop::collection::btree_map(0..200_usize, prop::collection::vec(change, 1..40), 0..12)
}

proptest! {
    #[test]
    fn who_was_there_and_stays_is_reached_once_and_nobody_twice(
        count in 0..250_u32,
        changes in changes(),
    ) {
        for target in [Target::Group(group(1)), Target::User(user(0))] {
            let pool = filled(count);
            let (mut times, mut touched) = (BTreeMap::<u32, u32>::new(), Vec::new());
            let mut at = 0;
            pool.for_each(&target, &Exclude::NONE, |_, &number| {
                *times.entry(number).or_default() += 1;
                for change in changes.get(&at).into_iter().flatten() {
                    match *change {
                        Change::Leave(who) => {
                            pool.leave(session(who), &group(1));
                            touched.push(who);
                        }
                        Change::Rejoin(who) => {
                            if pool.leave(session(who), &group(1)) {
                                pool.join(session(who), &group(1), None).expect("it is there");
                                touched.push(who);
                            }
                        }
                        Change::Remove(who) => {
                            pool.remove(session(who));
                            touched.push(who);
                        }
                        Change::Come(who) => {
                            // It may have come already.
                            if pool.insert(member(0, who), who).is_ok() {
                                pool.join(session(who), &group(1), None).expect("it is there");
                            }
                        }
                    }
                }
                at += 1;
            });
            prop_assert!(times.values().all(|&times| times == 1), "{:?}", times);
            for number in (0..count).filter(|number| !touched.contains(number)) {
                prop_assert!(times.contains_key(&number), "{} was passed over", number);
            }
            prop_assert!(times.keys().all(|&number| number < count), "one came later");
        }
    }

    /// A group that has seen many is as good as a new one.
    #[test]
    fn what_many_left_behind_does_not_show(left in prop::collection::vec(0..400_u32, 0..600)) {
        let pool = filled(400);
        let mut there: Vec<u32> = (0..400).collect();
        for number in left {
            pool.remove(session(number));
            there.retain(|&other| other != number);
        }
        prop_assert_eq!(reached(&pool, &Target::Group(group(1)), &Exclude::NONE), there.clone());
        let present = pool.presence(&group(1)).into_iter().map(|(_, id)| id).collect::<Vec<_>>();
        prop_assert_eq!(present, there.iter().map(|&number| session(number)).collect::<Vec<_>>());
        prop_assert!(pool.set_strategy(&group(1), Way::RoundRobin));
        let mut turns: Vec<u32> = (0..there.len())
            .flat_map(|_| reached(&pool, &Target::Group(group(1)), &Exclude::NONE))
            .collect();
        turns.sort_unstable();
        prop_assert_eq!(turns, there);
    }
}

#[test]
fn a_turn_is_not_lost_when_others_leave() {
    let pool = filled(100);
    assert!(pool.set_strategy(&group(1), Way::RoundRobin));
    let next = || reached(&pool, &Target::Group(group(1)), &Exclude::NONE)[0];
    assert_eq!((0..50).map(|_| next()).collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    // Those before the turn leave, so that places move.
    (0..49).for_each(|number| drop(pool.remove(session(number))));
    (60..90).for_each(|number| drop(pool.remove(session(number))));
    assert_eq!(
        (0..12).map(|_| next()).collect::<Vec<_>>(),
        [50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 90, 91]
    );
}

#[test]
fn one_that_left_in_the_middle_is_not_reached_any_more() {
    for target in [Target::Group(group(1)), Target::User(user(0)), Target::All] {
        let pool = filled(100);
        let mut times = 0;
        let reached = pool.for_each(&target, &Exclude::NONE, |id, _| {
            times += 1;
            for number in (0..100).filter(|&number| session(number) != id) {
                pool.remove(session(number));
            }
        });
        assert_eq!((reached, times, pool.len()), (1, 1, 1), "{target:?}");
    }
}

#[test]
fn long_lists_of_the_excluded_hide_nobody_behind_them() {
    let pool = filled(1_000);
    let sessions: Vec<_> = (0..999).map(session).collect();
    let exclude = Exclude { sessions: &sessions, ..Exclude::NONE };
    assert_eq!(reached(&pool, &Target::Group(group(1)), &exclude), [999]);
    assert_eq!(reached(&pool, &Target::User(user(0)), &exclude), [999]);
}
