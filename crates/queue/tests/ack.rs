//! What was sent and not confirmed: when it is sent again, and when it is dead.
#![expect(clippy::disallowed_methods, reason = "a test needs some first Instant")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tidegate_queue::ack::{Due, Stats, Window};
use tidegate_queue::retry::Schedule;
use tidegate_queue::{Error, Refused};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A window with these messages, sent at the time that is returned.
fn window(numbers: impl IntoIterator<Item = u64>) -> (Window<u64>, Instant) {
    let now = Instant::now();
    let mut window = Window::new(Schedule::default(), 1_000, now).expect("a bound");
    numbers.into_iter().for_each(|number| window.track(number, number, now).expect("room"));
    (window, now)
}

/// All that is due: numbers and retries; retry 0 means dead.
fn due(window: &mut Window<u64>, now: Instant) -> Vec<(u64, usize)> {
    let mut due = Vec::new();
    while let Some(next) = window.poll(now) {
        due.push(match next {
            Due::Again { number, retry, .. } => (number, retry),
            Due::Dead { number, .. } => (number, 0),
        });
    }
    due
}

#[test]
fn confirmation_is_cumulative() {
    let (mut window, now) = window([1, 2, 5, 9]);
    assert_eq!(window.confirm_through(6, now), 3);
    assert_eq!(window.iter().collect::<Vec<_>>(), [(9, &9)]);
    assert_eq!(window.confirm_through(6, now), 0);
    assert_eq!(window.confirm_through(u64::MAX, now), 1);
    assert!(window.is_empty());
}

#[test]
fn confirmation_is_selective() {
    let (mut window, now) = window([1, 2, 3]);
    assert_eq!(window.confirm(2, now), Some(2));
    assert_eq!(window.confirm(2, now), None);
    assert_eq!(window.confirm(7, now), None);
    assert_eq!(window.iter().map(|(number, _)| number).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(window.confirm_through(3, now), 2);
}

#[test]
fn unconfirmed_message_is_sent_again_four_times_and_is_dead_then() {
    let (mut window, now) = window([7]);
    let mut times = Vec::new();
    while let Some(next) = window.next() {
        assert_eq!(due(&mut window, next - MS), []);
        times.push(((next - now).as_millis(), due(&mut window, next)));
    }
    let expected = [(5_500, 1), (11_500, 2), (18_500, 3), (28_500, 4), (33_500, 0)];
    assert_eq!(times, expected.map(|(time, retry)| (time, vec![(7, retry)])));
    let stats = window.stats();
    assert_eq!((stats.messages_timeout, stats.messages_retried, stats.messages_dead), (5, 4, 1));
}

#[test]
fn messages_are_due_in_the_order_of_their_times() {
    let (mut window, now) = window([1]);
    assert_eq!(due(&mut window, now + MS * 5_500), [(1, 1)]);
    window.track(2, 2, now + MS * 5_600).unwrap();
    assert_eq!(window.next(), Some(now + MS * 11_100));
    assert_eq!(due(&mut window, now + MS * 11_499), [(2, 1)]);
    assert_eq!(due(&mut window, now + MS * 11_500), [(1, 2)]);
}

#[test]
fn dead_message_is_given_back() {
    let (mut window, now) = window([7]);
    let dead = (1..=5).find_map(|_| match window.poll(now + SECOND * 100) {
        Some(Due::Dead { number, item }) => Some((number, item)),
        _ => None,
    });
    assert_eq!(dead, None, "each time it is sent again its clock starts anew");
    for _ in 0..3 {
        let next = window.next().unwrap();
        let _ = window.poll(next);
    }
    let last = window.next().unwrap();
    assert_eq!(window.poll(last), Some(Due::Dead { number: 7, item: 7 }));
    assert!(window.is_empty());
}

#[test]
fn clock_stands_still_while_the_other_side_is_away() {
    let (mut window, now) = window([1]);
    window.pause(now + SECOND * 5);
    assert_eq!((window.next(), due(&mut window, now + SECOND * 3_000)), (None, vec![]));
    window.resume(now + SECOND * 3_000);
    assert_eq!(window.next(), Some(now + SECOND * 3_000 + MS * 500));
    assert_eq!(due(&mut window, now + SECOND * 3_000 + MS * 499), []);
    assert_eq!(due(&mut window, now + SECOND * 3_000 + MS * 500), [(1, 1)]);
}

#[test]
fn pause_within_a_pause_changes_nothing() {
    let (mut window, now) = window([1]);
    window.pause(now + SECOND);
    window.pause(now + SECOND * 2);
    window.resume(now + SECOND * 10);
    window.resume(now + SECOND * 11);
    assert_eq!(window.next(), Some(now + SECOND * 9 + MS * 5_500));
}

#[test]
fn time_that_goes_backwards_stands_still() {
    let (mut window, now) = window([]);
    window.track(1, 1, now + SECOND * 10).unwrap();
    window.track(2, 2, now).unwrap();
    assert_eq!(window.next(), Some(now + MS * 15_500));
    assert_eq!(due(&mut window, now + MS * 15_500), [(1, 1), (2, 1)]);
}

#[test]
fn average_counts_from_the_first_sending() {
    let (mut window, now) = window([1, 2]);
    assert_eq!(window.confirm(1, now + MS * 100), Some(1));
    assert_eq!(due(&mut window, now + MS * 5_500), [(2, 1)]);
    assert_eq!(window.confirm(2, now + MS * 6_100), Some(2));
    let expected = Stats {
        messages_confirmed: 2,
        messages_timeout: 1,
        messages_retried: 1,
        messages_dead: 0,
        average_confirmation_time: MS * 3_100,
    };
    assert_eq!(window.stats(), expected);
}

#[test]
fn late_confirmation_counts_as_a_time_out_too() {
    let (mut window, now) = window([1]);
    assert_eq!(window.confirm(1, now + MS * 5_200), Some(1));
    assert_eq!((window.stats().messages_timeout, window.stats().messages_confirmed), (1, 1));
}

#[test]
fn full_window_and_falling_numbers_give_the_message_back() {
    let now = Instant::now();
    let mut window = Window::new(Schedule::default(), 2, now).unwrap();
    window.track(5, 'a', now).unwrap();
    let why = Error::NotRising { number: 5, last: 5 };
    assert_eq!(window.track(5, 'b', now), Err(Refused { item: 'b', why }));
    window.track(6, 'c', now).unwrap();
    assert_eq!(window.track(7, 'd', now), Err(Refused { item: 'd', why: Error::Full }));
    assert_eq!(window.confirm(5, now), Some('a'));
    window.track(7, 'd', now).unwrap();
    assert_eq!(window.len(), 2);
}

#[test]
fn impossible_schedules_and_windows_name_their_field() {
    let year = Duration::from_secs(366 * 24 * 60 * 60);
    assert_eq!(Schedule::new(Duration::ZERO, &[]), Err(Error::ZeroTimeout));
    assert_eq!(Schedule::new(year, &[]), Err(Error::TooLong { field: "timeout" }));
    assert_eq!(Schedule::new(SECOND, &[year]), Err(Error::TooLong { field: "intervals" }));
    let window = Window::<()>::new(Schedule::default(), 0, Instant::now());
    assert_eq!(window.err(), Some(Error::Zero { field: "max_messages" }));
}

#[test]
fn schedule_without_retries_is_one_time_out() {
    let now = Instant::now();
    let mut window = Window::new(Schedule::new(SECOND, &[]).unwrap(), 9, now).unwrap();
    window.track(1, 1, now).unwrap();
    assert_eq!(due(&mut window, now + MS * 999), []);
    assert_eq!(due(&mut window, now + SECOND), [(1, 0)]);
}

#[derive(Clone, Debug)]
enum Step {
    Track(u64),
    Confirm(u64),
    Through(u64),
    Poll,
    Pause(bool),
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let step = prop_oneof![
        4 => (1..4_u64).prop_map(Step::Track),
        2 => (0..80_u64).prop_map(Step::Confirm),
        1 => (0..80_u64).prop_map(Step::Through),
        4 => Just(Step::Poll),
        1 => any::<bool>().prop_map(Step::Pause),
    ];
    prop::collection::vec((step, 0..4_000_u64), 1..200)
}

proptest! {
    /// Beside the plainest thing that could work: a map that is searched.
    #[test]
    fn window_does_what_a_searched_map_does(steps in steps()) {
        let schedule = Schedule::default();
        let start = Instant::now();
        let mut window = Window::new(schedule.clone(), 30, start).unwrap();
        // Number to (retry, due), on the window's own clock.
        let mut plain: BTreeMap<u64, (usize, Duration)> = BTreeMap::new();
        let (mut now, mut clock, mut paused, mut last) = (start, Duration::ZERO, false, 0);
        for (step, later) in steps {
            now += MS * later as u32;
            if !paused {
                clock += MS * later as u32;
            }
            match step {
                Step::Track(above) if plain.len() < 30 => {
                    last += above;
                    prop_assert!(window.track(last, last, now).is_ok());
                    plain.insert(last, (0, clock + schedule.after(0).unwrap()));
                }
                Step::Track(above) => prop_assert!(window.track(last + above, 0, now).is_err()),
                Step::Confirm(number) => {
                    let expected = plain.remove(&number).map(|_| number);
                    prop_assert_eq!(window.confirm(number, now), expected);
                }
                Step::Through(number) => {
                    let left = plain.split_off(&(number + 1));
                    prop_assert_eq!(window.confirm_through(number, now), plain.len());
                    plain = left;
                }
                Step::Pause(pauses) => {
                    if pauses { window.pause(now) } else { window.resume(now) }
                    paused = pauses;
                }
                Step::Poll => {
                    let mut seen = due(&mut window, now);
                    seen.sort_unstable();
                    let mut expected = Vec::new();
                    if !paused {
                        for (number, (retry, due)) in &mut plain {
                            if *due <= clock {
                                let again = schedule.after(*retry).map(|_| *retry + 1);
                                expected.push((*number, again.unwrap_or(0)));
                                *retry = again.unwrap_or(usize::MAX);
                                let wait = schedule.after(*retry).unwrap_or(schedule.timeout());
                                *due = clock + wait;
                            }
                        }
                    }
                    prop_assert_eq!(seen, expected);
                    plain.retain(|_, (retry, _)| *retry != usize::MAX);
                }
            }
            let next = plain.values().map(|(_, due)| *due).min().filter(|_| !paused);
            prop_assert_eq!(window.next().map(|at| at - now + clock), next.map(|due| due.max(clock)));
            prop_assert_eq!(window.len(), plain.len());
            prop_assert!(window.iter().map(|(number, _)| number).eq(plain.keys().copied()));
        }
    }
}
