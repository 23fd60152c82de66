//! What leaves first.

mod letter;

use letter::{Letter, chat, critical};
use tidegate_message::Priority;
use tidegate_queue::{Limits, Outbox};

fn leaves(letters: impl IntoIterator<Item = Letter>) -> Vec<String> {
    let mut outbox = Outbox::new(Limits::default());
    for letter in letters {
        assert!(outbox.push(letter).is_inside());
    }
    drain(&mut outbox)
}

fn drain(outbox: &mut Outbox<Letter>) -> Vec<String> {
    std::iter::from_fn(|| outbox.pop()).map(|letter| letter.text).collect()
}

#[test]
fn leaves_by_priority_and_then_by_age() {
    let letters = [
        chat("low").priority(Priority::Low),
        chat("normal 1"),
        chat("high").priority(Priority::High),
        chat("critical").priority(Priority::Critical),
        chat("normal 2"),
    ];
    assert_eq!(leaves(letters), ["critical", "high", "normal 1", "normal 2", "low"]);
}

#[test]
fn critical_class_goes_first_whatever_its_priority() {
    assert_eq!(
        leaves([
            chat("high").priority(Priority::High),
            critical("class").priority(Priority::Low),
            critical("both").priority(Priority::Critical),
        ]),
        ["class", "both", "high"]
    );
}

#[test]
fn critical_lifts_what_its_key_holds_before_it() {
    let letters = [
        chat("other").whole(),
        chat("a1").key(1).whole(),
        chat("b1").key(2).whole(),
        chat("a2").key(1).whole().priority(Priority::Low),
        critical("a3").key(1),
        chat("a4").key(1).whole(),
    ];
    assert_eq!(leaves(letters), ["a1", "a2", "a3", "other", "b1", "a4"]);
}

#[test]
fn lifted_letters_stand_behind_what_waited_in_the_urgent_lane() {
    let letters = [
        critical("x"),
        chat("a1").key(1).whole().priority(Priority::Low),
        chat("h").priority(Priority::High),
        chat("a2").key(1).whole().priority(Priority::High),
    ];
    assert_eq!(leaves(letters), ["x", "h", "a1", "a2"]);
}

#[test]
fn less_urgent_letter_of_a_key_waits_behind_its_earlier_ones() {
    let letters =
        [critical("a1").key(1), chat("b").key(2), chat("a2").key(1).priority(Priority::Low)];
    assert_eq!(leaves(letters), ["a1", "b", "a2"]);
}

#[test]
fn letters_from_several_lanes_are_lifted_and_merged_in_order() {
    let letters = [
        chat("Hel").key(1),
        chat("other"),
        chat("lo").key(1).priority(Priority::Low),
        critical("end").key(1),
    ];
    assert_eq!(leaves(letters), ["Hello", "end", "other"]);
}

#[test]
fn batch_takes_at_least_one_and_then_stays_within_its_bounds() {
    let mut outbox = Outbox::new(Limits::default());
    for text in ["too long", "ab", "cd", "ef", "g"] {
        assert!(outbox.push(chat(text)).is_inside());
    }
    let mut batch = Vec::new();
    let mut next = |messages, bytes| {
        batch.clear();
        outbox.pop_batch(messages, bytes, &mut batch);
        batch.iter().map(|letter| letter.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(next(10, 4), ["too long"]);
    assert_eq!(next(10, 4), ["ab", "cd"]);
    assert_eq!(next(1, 4), ["ef"]);
    assert_eq!(next(0, 0), ["g"]);
    assert!(next(10, 4).is_empty());
}

#[test]
fn accounts_are_zero_when_all_has_left() {
    let mut outbox = Outbox::new(Limits::default());
    for letter in [chat("a").key(1).prompt(), critical("b").key(1), chat("c")] {
        assert!(outbox.push(letter).is_inside());
    }
    assert_eq!((outbox.len(), outbox.bytes()), (3, 3));
    assert!(outbox.holds_critical() && outbox.holds_urgent());
    assert_eq!(drain(&mut outbox), ["a", "b", "c"]);
    assert_eq!((outbox.len(), outbox.bytes()), (0, 0));
    assert!(!outbox.holds_critical() && !outbox.holds_urgent() && outbox.is_empty());
}

#[test]
fn an_empty_outbox_is_small() {
    assert_eq!(size_of::<Outbox<Letter>>(), 88);
}
