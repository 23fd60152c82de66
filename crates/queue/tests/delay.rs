//! Messages for a later time: they leave at it, in order, unless they are cancelled.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_queue::delay::{Delayed, Id};
use tidegate_queue::{Error, Refused};

fn delayed(times: impl IntoIterator<Item = u64>) -> (Delayed<u64>, Vec<Id>) {
    let mut delayed = Delayed::new(100_000).expect("a bound");
    let ids = times.into_iter().map(|at| delayed.schedule(at, at).expect("room")).collect();
    (delayed, ids)
}

fn due(delayed: &mut Delayed<u64>, now: u64) -> Vec<u64> {
    std::iter::from_fn(|| delayed.pop(now))
        .map(|(at, item)| {
            assert!(at <= now);
            item
        })
        .collect()
}

#[test]
fn messages_leave_at_their_time_and_in_order() {
    let (mut delayed, _) = delayed([300, 100, 200_000, 100, 7]);
    assert_eq!(delayed.pop(6), None);
    assert_eq!(due(&mut delayed, 99), [7]);
    assert_eq!(due(&mut delayed, 300), [100, 100, 300]);
    assert!(due(&mut delayed, 199_999).is_empty());
    assert_eq!(due(&mut delayed, u64::MAX), [200_000]);
    assert!(delayed.is_empty());
}

#[test]
fn messages_of_one_time_leave_as_they_were_scheduled() {
    let mut delayed = Delayed::new(10).unwrap();
    delayed.schedule(5_000, 'a').unwrap();
    // Seen from here the same time lies on a lower level of the wheel.
    assert_eq!(delayed.pop(4_990), None);
    delayed.schedule(5_000, 'b').unwrap();
    assert_eq!(delayed.pop(4_999), None);
    delayed.schedule(5_000, 'c').unwrap();
    let out: String = std::iter::from_fn(|| delayed.pop(5_000)).map(|(_, item)| item).collect();
    assert_eq!(out, "abc");
}

#[test]
fn cancelled_message_comes_back_and_does_not_leave() {
    let (mut delayed, ids) = delayed([100, 100, 5_000]);
    assert_eq!(delayed.cancel(ids[0]), Some(100));
    assert_eq!(delayed.cancel(ids[0]), None);
    assert_eq!(delayed.cancel(ids[2]), Some(5_000));
    assert_eq!(due(&mut delayed, 9_999), [100]);
    assert_eq!(delayed.cancel(ids[1]), None);
}

#[test]
fn message_that_is_due_can_still_be_cancelled() {
    let (mut delayed, ids) = delayed([100, 100, 100]);
    assert_eq!(delayed.pop(100), Some((100, 100)));
    assert_eq!(delayed.cancel(ids[1]), Some(100));
    assert_eq!(due(&mut delayed, 100), [100]);
}

#[test]
fn id_of_a_message_that_left_fits_no_later_one() {
    let (mut delayed, ids) = delayed([1]);
    assert_eq!(due(&mut delayed, 1), [1]);
    let later = delayed.schedule(2, 2).unwrap();
    assert_eq!(delayed.cancel(ids[0]), None);
    assert_eq!(delayed.cancel(Id::from_u64(later.to_u64())), Some(2));
    assert_eq!(delayed.cancel(Id::from_u64(u64::MAX)), None);
}

#[test]
fn message_whose_time_has_passed_is_due_at_once() {
    let (mut delayed, _) = delayed([]);
    assert_eq!(delayed.pop(1_000), None);
    for at in [0, 999, 1_000] {
        delayed.schedule(at, at).unwrap();
    }
    assert_eq!(delayed.next(), Some(1_000));
    assert_eq!(delayed.pop(10), Some((0, 0)), "time does not go backwards");
    assert_eq!(due(&mut delayed, 1_000), [999, 1_000]);
}

#[test]
fn far_ends_of_time_are_times_like_others() {
    let (mut delayed, _) = delayed([0, u64::MAX, 1 << 63, (1 << 60) - 1, 1 << 60]);
    assert_eq!(due(&mut delayed, (1 << 60) - 1), [0, (1 << 60) - 1]);
    assert_eq!(due(&mut delayed, u64::MAX - 1), [1 << 60, 1 << 63]);
    assert_eq!(due(&mut delayed, u64::MAX), [u64::MAX]);
}

#[test]
fn full_and_impossible_are_said() {
    let mut delayed = Delayed::new(1).unwrap();
    delayed.schedule(1, 'a').unwrap();
    assert_eq!(delayed.schedule(2, 'b'), Err(Refused { item: 'b', why: Error::Full }));
    assert_eq!(Delayed::<()>::new(0).err(), Some(Error::Zero { field: "max_messages" }));
}

#[test]
fn all_that_is_inside_can_be_listed() {
    let (mut delayed, ids) = delayed([5, 9, 9_999]);
    delayed.cancel(ids[1]);
    let mut listed: Vec<_> = delayed.iter().map(|(id, at, item)| (at, *item, id)).collect();
    listed.sort_unstable_by_key(|(at, ..)| *at);
    assert_eq!(listed, [(5, 5, ids[0]), (9_999, 9_999, ids[2])]);
    assert_eq!(delayed.len(), 2);
}

#[derive(Clone, Debug)]
enum Step {
    Schedule(u64),
    Cancel(usize),
    Advance(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let distance = prop_oneof![0..70_u64, 0..10_000_u64, any::<u64>(), Just(0)];
    let step = prop_oneof![
        4 => distance.clone().prop_map(Step::Schedule),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => distance.prop_map(Step::Advance),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn wheel_does_what_a_sorted_map_does(start in any::<u64>(), steps in steps()) {
        let mut delayed = Delayed::new(1_000).unwrap();
        let mut plain: BTreeMap<(u64, usize), Id> = BTreeMap::new();
        let mut ids = Vec::new();
        let mut now = start;
        // A wheel learns of the time when it is asked.
        prop_assert_eq!(delayed.pop(now), None);
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Schedule(distance) => {
                    let at = now.saturating_add(distance);
                    let id = delayed.schedule(at, number).unwrap();
                    plain.insert((at, number), id);
                    ids.push((at, number, id));
                }
                Step::Cancel(which) if !ids.is_empty() => {
                    let (at, number, id) = ids[which % ids.len()];
                    let expected = plain.remove(&(at, number)).map(|_| number);
                    prop_assert_eq!(delayed.cancel(id), expected);
                }
                Step::Cancel(_) => {}
                Step::Advance(distance) => {
                    if let Some(next) = delayed.next() {
                        prop_assert!(plain.keys().all(|(at, _)| next <= *at));
                    }
                    now = now.saturating_add(distance);
                    let mut left = Vec::new();
                    while let Some((at, number)) = delayed.pop(now) {
                        left.push((at, number));
                        prop_assert!(plain.remove(&(at, number)).is_some());
                    }
                    prop_assert!(left.is_sorted());
                    prop_assert!(plain.keys().all(|(at, _)| *at > now));
                }
            }
            prop_assert_eq!(delayed.len(), plain.len());
            prop_assert_eq!(delayed.next().is_some(), !plain.is_empty());
        }
    }
}
