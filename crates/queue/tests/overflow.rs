//! What goes when there is no room.

mod letter;

use letter::{Letter, chat, critical, messages, shed_coalescible, shed_droppable, typing};
use tidegate_message::{Class, Priority};
use tidegate_queue::{Limits, Outbox, Pushed};

fn holding(limits: Limits, letters: impl IntoIterator<Item = Letter>) -> Outbox<Letter> {
    let mut outbox = Outbox::new(limits);
    for letter in letters {
        assert_eq!(outbox.push(letter), Pushed::Queued);
    }
    outbox
}

fn drain(outbox: &mut Outbox<Letter>) -> Vec<String> {
    std::iter::from_fn(|| outbox.pop()).map(|letter| letter.text).collect()
}

#[test]
fn oldest_droppable_is_shed_first() {
    let mut outbox = holding(messages(3, 0), [chat("a"), typing("t1"), typing("t2")]);
    assert_eq!(outbox.push(chat("b")), shed_droppable(1));
    assert_eq!(drain(&mut outbox), ["a", "t2", "b"]);
    assert_eq!(outbox.take_dropped(), 0);
}

#[test]
fn oldest_of_the_lowest_priority_is_shed_next_and_told() {
    let low = |text| chat(text).priority(Priority::Low);
    let mut outbox = holding(messages(4, 0), [chat("n1"), low("l1"), low("l2"), chat("n2")]);
    assert_eq!(outbox.push(chat("n3")), shed_coalescible(1));
    assert_eq!(outbox.push(chat("n4")), shed_coalescible(1));
    assert_eq!(outbox.push(chat("n5")), shed_coalescible(1));
    assert_eq!(outbox.take_dropped(), 3);
    assert_eq!(outbox.take_dropped(), 0);
    assert_eq!(drain(&mut outbox), ["n2", "n3", "n4", "n5"]);
}

#[test]
fn nothing_more_urgent_is_shed() {
    let high = |letter: Letter| letter.priority(Priority::High);
    let mut outbox = holding(messages(2, 0), [high(chat("h")), high(typing("t"))]);
    assert_eq!(outbox.push(chat("n")), Pushed::Dropped);
    assert_eq!(drain(&mut outbox), ["h", "t"]);
    assert_eq!(outbox.take_dropped(), 1);
}

#[test]
fn droppable_replaces_an_older_one_but_nothing_else() {
    let mut outbox = holding(messages(2, 0), [typing("t1"), chat("a")]);
    assert_eq!(outbox.push(typing("t2")), shed_droppable(1));
    assert_eq!(drain(&mut outbox), ["a", "t2"]);
    let mut outbox = holding(messages(1, 0), [chat("a")]);
    assert_eq!(outbox.push(typing("t")), Pushed::Dropped);
    assert_eq!(drain(&mut outbox), ["a"]);
    assert_eq!(outbox.take_dropped(), 0);
}

#[test]
fn letters_with_a_key_are_not_shed_and_come_back() {
    let mut outbox = holding(messages(2, 0), [chat("a").key(1), chat("b").key(2)]);
    let late = chat("c").key(3);
    assert_eq!(outbox.push(late.clone()), Pushed::Full(late));
    assert_eq!(outbox.push(chat("d")), Pushed::Dropped);
    assert_eq!(drain(&mut outbox), ["a", "b"]);
}

#[test]
fn critical_uses_the_reserve_before_anything_is_shed() {
    let mut outbox = holding(messages(1, 1), [chat("a")]);
    assert_eq!(outbox.push(critical("c1")), Pushed::Queued);
    assert_eq!(outbox.counters().critical_messages_preserved, 1);
    assert_eq!(outbox.push(critical("c2")), shed_coalescible(1));
    assert_eq!(outbox.push(critical("c3")), Pushed::Full(critical("c3")));
    assert_eq!(drain(&mut outbox), ["c1", "c2"]);
    assert_eq!(outbox.counters().critical_messages_preserved, 2);
}

#[test]
fn letters_in_the_reserve_cost_a_newcomer_one_place_only() {
    let mut outbox = holding(
        messages(3, 3),
        ["a", "b", "c"].map(chat).into_iter().chain(["x", "y"].map(critical)),
    );
    assert_eq!(outbox.push(chat("d")), shed_coalescible(1));
    assert_eq!(drain(&mut outbox), ["x", "y", "b", "c", "d"]);
}

#[test]
fn droppable_one_that_came_when_there_was_none_is_shed_first_again() {
    let mut outbox = holding(messages(2, 0), [chat("a"), chat("b")]);
    assert_eq!(outbox.push(chat("c")), shed_coalescible(1), "nothing droppable is inside");
    assert_eq!(outbox.pop().map(|letter| letter.text).as_deref(), Some("b"));
    assert_eq!(outbox.push(typing("t")), Pushed::Queued);
    assert_eq!(outbox.push(chat("d")), shed_droppable(1));
    assert_eq!(drain(&mut outbox), ["c", "d"]);
}

#[test]
fn droppable_one_in_a_more_urgent_lane_is_not_forgotten() {
    let urgent = typing("t").priority(Priority::High);
    let mut outbox = holding(messages(2, 0), [urgent, chat("a")]);
    assert_eq!(outbox.push(chat("b")), shed_coalescible(1), "what is more urgent stays");
    assert_eq!(outbox.push(chat("c").priority(Priority::High)), shed_droppable(1));
    assert_eq!(drain(&mut outbox), ["c", "b"]);
}

#[test]
fn nothing_is_shed_in_vain() {
    let limits = Limits { max_bytes: 10, reserve_bytes: 0, ..Limits::default() };
    let mut outbox = holding(limits, [typing("ttttt"), chat("aaaaa").key(1)]);
    let large = chat("0123456").key(2);
    assert_eq!(outbox.push(large.clone()), Pushed::Full(large));
    assert_eq!(outbox.push(chat("0123456")), Pushed::Dropped);
    assert_eq!(drain(&mut outbox), ["ttttt", "aaaaa"]);
}

#[test]
fn bytes_are_made_free_by_as_many_as_it_takes() {
    let limits = Limits { max_bytes: 6, ..Limits::default() };
    let mut outbox = holding(limits, ["aa", "bb", "cc"].map(chat));
    assert_eq!(outbox.push(chat("ddd")), shed_coalescible(2));
    assert_eq!(drain(&mut outbox), ["cc", "ddd"]);
}

#[test]
fn room_is_told_by_class() {
    let mut outbox = holding(messages(1, 1), []);
    assert!(outbox.has_room(1_048_576, Class::Coalescible));
    assert!(!outbox.has_room(1_048_577, Class::Coalescible));
    assert!(outbox.has_room(1_048_577, Class::Critical));
    assert!(outbox.push(chat("a")).is_inside());
    assert!(!outbox.has_room(1, Class::Droppable) && outbox.has_room(1, Class::Critical));
}

#[test]
fn overflows_are_counted_once_each() {
    let mut outbox = holding(messages(1, 1), [chat("a")]);
    let _ = outbox.push(typing("dropped"));
    let _ = outbox.push(critical("in the reserve"));
    let _ = outbox.push(chat("for the first"));
    let _ = outbox.push(chat("full").key(1));
    let counters = outbox.counters();
    assert_eq!(counters.overflow_events, 4);
    assert_eq!((counters.pushed, counters.shed), (5, 3));
    assert_eq!(counters.non_critical_messages_dropped, 3);
    assert_eq!(drain(&mut outbox), ["in the reserve", "full"]);
}
