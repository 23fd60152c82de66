//! When what waits is written, with and without `batch`.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_message::{Class, Priority};
use tidegate_session::{Feature, Message, Outbound, Sent};
use tokio::time::Instant;

use crate::peer::{Peer, Setup, number, numbered, pass, settle, stream, text};

const DELAY: Duration = Duration::from_millis(50);

/// A session that agreed to `batch` and has just said something.
async fn busy() -> Peer {
    let mut peer = Setup::agreed(&[Feature::Batch]).start();
    assert_eq!(peer.handle.send(numbered(0)), Sent::Queued);
    assert_eq!(peer.next().await["n"], 0);
    peer
}

fn numbers(frame: &Value) -> Vec<u64> {
    match frame["messages"].as_array() {
        Some(messages) => messages.iter().filter_map(|message| message["n"].as_u64()).collect(),
        None => frame["n"].as_u64().into_iter().collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_of_a_quiet_session_goes_at_once() {
    let start = Instant::now();
    let mut peer = busy().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    tokio::time::advance(DELAY).await;
    let start = Instant::now();
    assert_eq!(peer.handle.send(numbered(1)), Sent::Queued);
    assert_eq!(peer.next().await["n"], 1);
    assert_eq!(start.elapsed(), Duration::ZERO, "quiet for the delay is quiet again");
}

#[tokio::test(start_paused = true)]
async fn what_follows_waits_for_the_delay_and_leaves_as_one() {
    let mut peer = busy().await;
    let start = Instant::now();
    for n in 1..4 {
        assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
        settle().await;
    }
    let batch = peer.next().await;
    assert_eq!((&batch["type"], numbers(&batch)), (&json!("batch"), vec![1, 2, 3]));
    let waited = start.elapsed();
    assert!(waited >= DELAY && waited < DELAY * 2, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn ten_do_not_wait_and_no_batch_holds_more() {
    let mut peer = busy().await;
    let start = Instant::now();
    for n in 1..=25 {
        assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(numbers(&peer.next().await).len());
    }
    assert_eq!(seen, [10, 10, 5]);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn four_kilobytes_do_not_wait_and_no_batch_holds_more() {
    let mut peer = busy().await;
    let start = Instant::now();
    let big = |n: usize| {
        let json = json!({"type": "message", "n": n, "content": "x".repeat(1500)});
        Outbound::Own(Message::from_json(json.to_string()))
    };
    for n in 1..=3 {
        assert_eq!(peer.handle.send(big(n)), Sent::Queued);
    }
    assert_eq!(numbers(&peer.next().await), [1, 2]);
    assert_eq!(numbers(&peer.next().await), [3]);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_critical_message_takes_along_what_waits() {
    let mut peer = busy().await;
    let start = Instant::now();
    assert_eq!(peer.handle.send(numbered(1)), Sent::Queued);
    settle().await;
    let urgent = number(2).ranked(Class::Critical, Priority::Critical);
    assert_eq!(peer.handle.send(Outbound::Own(urgent)), Sent::Queued);
    assert_eq!(numbers(&peer.next().await), [2, 1], "the critical one first");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn text_of_a_stream_is_not_delayed() {
    let mut peer = busy().await;
    let start = Instant::now();
    for word in ["a", "b", "c"] {
        assert_eq!(peer.handle.send(text(stream(1), word)), Sent::Queued);
        assert_eq!(peer.next().await["data"], word);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_must_be_alone_is_alone_and_keeps_its_place() {
    let mut peer = busy().await;
    for n in 1..=5 {
        let message = Message { batch: n != 3, ..number(n) };
        assert_eq!(peer.handle.send(Outbound::Own(message)), Sent::Queued);
    }
    let frames = [peer.next().await, peer.next().await, peer.next().await];
    assert_eq!(frames.each_ref().map(numbers), [vec![1, 2], vec![3], vec![4, 5]]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_must_be_plain_is_in_no_batch_that_may_be_compressed() {
    let mut peer = Setup::agreed(&[Feature::Batch, Feature::Gzip]).start();
    for n in 1..=3 {
        let message = Message { optimize: n != 2, ..number(n) };
        assert_eq!(peer.handle.send(Outbound::Own(message)), Sent::Queued);
    }
    let frames = [peer.next().await, peer.next().await, peer.next().await];
    assert_eq!(frames.each_ref().map(numbers), [vec![1], vec![2], vec![3]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_due_stays_in_the_outbox_of_a_client_that_takes_nothing() {
    let mut peer = Setup { pipe: 64, ..Setup::agreed(&[Feature::Batch]) }.start();
    for n in 0..2 {
        assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
        settle().await;
    }
    // Its answer, a welcome, is larger than the pipe and goes past the outbox.
    peer.say(json!({"type": "auth", "token": "t"})).await;
    pass(DELAY * 3).await;
    assert_eq!(peer.handle.waiting(), 1);
    assert_eq!(peer.next().await["n"], 0);
    assert_eq!(peer.next().await["type"], "welcome");
    assert_eq!(peer.next().await["n"], 1);
}

#[tokio::test(start_paused = true)]
async fn without_batch_all_that_waits_leaves_at_once_in_one_write() {
    let mut peer = Setup::default().start();
    let start = Instant::now();
    for round in 0..3 {
        for n in 0..70 {
            assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
        }
        for n in 0..70 {
            assert_eq!(peer.next().await["n"], n);
        }
        assert_eq!(peer.writes(), round + 1);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}
