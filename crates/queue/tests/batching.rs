//! When an outbox is flushed.
#![expect(clippy::disallowed_methods, reason = "a test needs some first Instant")]

mod letter;

use std::time::{Duration, Instant};

use letter::{Letter, chat, critical};
use tidegate_queue::{BatchPolicy, Batcher, Flush, Limits, Outbox};

const DELAY: Duration = Duration::from_millis(50);

/// An outbox, and a batcher that has flushed at the time that is returned.
fn busy() -> (Outbox<Letter>, Batcher, Instant) {
    let (mut batcher, now) = (Batcher::new(BatchPolicy::default()), Instant::now());
    batcher.flushed(now);
    (Outbox::new(Limits::default()), batcher, now)
}

fn put(outbox: &mut Outbox<Letter>, letter: Letter) {
    assert!(outbox.push(letter).is_inside());
}

#[test]
fn an_empty_outbox_is_idle() {
    let (outbox, batcher, now) = busy();
    assert_eq!(batcher.decide(&outbox, now + 2 * DELAY), Flush::Idle);
}

#[test]
fn first_message_of_all_goes_at_once() {
    let (mut outbox, _, now) = busy();
    put(&mut outbox, chat("a"));
    assert_eq!(Batcher::new(BatchPolicy::default()).decide(&outbox, now), Flush::Now);
}

#[test]
fn message_after_a_quiet_time_goes_at_once() {
    let (mut outbox, batcher, now) = busy();
    put(&mut outbox, chat("a"));
    assert_eq!(batcher.decide(&outbox, now + DELAY), Flush::Now);
}

#[test]
fn message_soon_after_a_flush_waits_for_the_rest_of_the_delay() {
    let (mut outbox, batcher, now) = busy();
    put(&mut outbox, chat("a"));
    assert_eq!(batcher.decide(&outbox, now), Flush::At(now + DELAY));
    let almost = now + Duration::from_millis(49);
    assert_eq!(batcher.decide(&outbox, almost), Flush::At(now + DELAY));
}

#[test]
fn ten_messages_go_at_once() {
    let (mut outbox, batcher, now) = busy();
    for _ in 0..9 {
        put(&mut outbox, chat("a"));
    }
    assert_eq!(batcher.decide(&outbox, now), Flush::At(now + DELAY));
    put(&mut outbox, chat("a"));
    assert_eq!(batcher.decide(&outbox, now), Flush::Now);
}

#[test]
fn four_kibibytes_go_at_once() {
    let (mut outbox, batcher, now) = busy();
    put(&mut outbox, chat(&"a".repeat(4095)));
    assert_eq!(batcher.decide(&outbox, now), Flush::At(now + DELAY));
    put(&mut outbox, chat("a"));
    assert_eq!(batcher.decide(&outbox, now), Flush::Now);
}

#[test]
fn nothing_is_held_back_in_an_outbox_that_is_nearly_full() {
    let (_, batcher, now) = busy();
    let mut outbox = Outbox::new(Limits { max_messages: 4, ..Limits::default() });
    (0..3).for_each(|_| put(&mut outbox, chat("a")));
    assert_eq!(batcher.decide(&outbox, now), Flush::At(now + DELAY));
    put(&mut outbox, chat("a"));
    assert_eq!(batcher.decide(&outbox, now), Flush::Now);
}

#[test]
fn critical_message_takes_the_batch_with_it() {
    let (mut outbox, batcher, now) = busy();
    put(&mut outbox, chat("a"));
    put(&mut outbox, critical("b"));
    assert_eq!(batcher.decide(&outbox, now), Flush::Now);
}

#[test]
fn text_of_a_stream_does_not_wait() {
    let (mut outbox, batcher, now) = busy();
    put(&mut outbox, chat("token").key(1).prompt());
    assert_eq!(batcher.decide(&outbox, now), Flush::Now);
}

#[test]
fn delays_of_nothing_and_of_eternity_hold_nothing_back() {
    let (mut outbox, _, now) = busy();
    put(&mut outbox, chat("a"));
    for max_delay in [Duration::ZERO, Duration::MAX] {
        let mut batcher = Batcher::new(BatchPolicy { max_delay, ..BatchPolicy::default() });
        batcher.flushed(now);
        assert_eq!(batcher.decide(&outbox, now), Flush::Now);
    }
}
