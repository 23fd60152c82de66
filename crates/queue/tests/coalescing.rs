//! What becomes one message.

mod letter;

use letter::{Letter, chat, critical, messages, shed_droppable, typing};
use tidegate_message::Priority;
use tidegate_queue::{Limits, Outbox, Pushed};

fn drain(outbox: &mut Outbox<Letter>) -> Vec<String> {
    std::iter::from_fn(|| outbox.pop()).map(|letter| letter.text).collect()
}

#[test]
fn text_of_one_key_becomes_one_chunk() {
    let mut outbox = Outbox::new(Limits::default());
    assert_eq!(outbox.push(chat("Hello").key(1)), Pushed::Queued);
    assert_eq!(outbox.push(chat(" ").key(1)), Pushed::Coalesced);
    assert_eq!(outbox.push(chat("world").key(1)), Pushed::Coalesced);
    assert_eq!((outbox.len(), outbox.bytes()), (1, 11));
    assert_eq!(drain(&mut outbox), ["Hello world"]);
    assert_eq!(outbox.counters().coalesced, 2);
}

#[test]
fn text_of_another_key_between_does_not_hinder() {
    let mut outbox = Outbox::new(Limits::default());
    for (text, key) in [("a", 1), ("x", 2), ("b", 1), ("y", 2)] {
        assert!(outbox.push(chat(text).key(key)).is_inside());
    }
    assert_eq!(drain(&mut outbox), ["ab", "xy"]);
}

#[test]
fn nothing_is_merged_across_an_event_of_its_key() {
    let mut outbox = Outbox::new(Limits::default());
    for letter in [chat("a").key(1), critical("event").key(1), chat("b").key(1)] {
        assert_eq!(outbox.push(letter), Pushed::Queued);
    }
    assert_eq!(drain(&mut outbox), ["a", "event", "b"]);
}

#[test]
fn letters_without_a_key_stay_apart() {
    let mut outbox = Outbox::new(Limits::default());
    assert_eq!(outbox.push(chat("a")), Pushed::Queued);
    assert_eq!(outbox.push(chat("b")), Pushed::Queued);
}

#[test]
fn letters_of_another_lane_stay_apart() {
    let mut outbox = Outbox::new(Limits::default());
    assert_eq!(outbox.push(chat("a").key(1).priority(Priority::High)), Pushed::Queued);
    assert_eq!(outbox.push(chat("b").key(1)), Pushed::Queued);
}

#[test]
fn a_merge_that_is_refused_queues_both() {
    let mut outbox = Outbox::new(Limits::default());
    assert_eq!(outbox.push(chat("a").key(1)), Pushed::Queued);
    assert_eq!(outbox.push(chat("b").key(1).whole()), Pushed::Queued);
    assert_eq!(drain(&mut outbox), ["a", "b"]);
}

#[test]
fn merging_needs_no_further_message() {
    let mut outbox = Outbox::new(messages(1, 0));
    assert_eq!(outbox.push(chat("a").key(1)), Pushed::Queued);
    assert_eq!(outbox.push(chat("b").key(1)), Pushed::Coalesced);
    assert_eq!(outbox.counters().overflow_events, 0);
}

#[test]
fn merging_stays_within_the_bytes() {
    let mut outbox = Outbox::new(Limits { max_bytes: 4, ..Limits::default() });
    assert_eq!(outbox.push(chat("abc").key(1)), Pushed::Queued);
    assert_eq!(outbox.push(chat("d").key(1)), Pushed::Coalesced);
    assert_eq!(outbox.push(chat("e").key(1)), Pushed::Full(chat("e").key(1)));
    assert_eq!(outbox.bytes(), 4);
}

#[test]
fn shedding_what_stood_between_joins_its_neighbours() {
    let mut outbox = Outbox::new(messages(3, 0));
    for letter in [chat("a").key(1), typing("t").key(1), chat("b").key(1)] {
        assert_eq!(outbox.push(letter), Pushed::Queued);
    }
    assert_eq!(outbox.push(chat("x")), shed_droppable(1));
    assert_eq!(drain(&mut outbox), ["ab", "x"]);
}

#[test]
fn text_that_does_not_wait_stays_urgent_when_merged() {
    let mut outbox = Outbox::new(Limits::default());
    assert!(outbox.push(chat("a").key(1)).is_inside());
    assert!(!outbox.holds_urgent());
    assert!(outbox.push(chat("b").key(1).prompt()).is_inside());
    assert!(outbox.holds_urgent());
}
