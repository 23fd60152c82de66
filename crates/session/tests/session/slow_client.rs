//! Clients that take little or nothing of what is written to them.

use std::time::Duration;

use serde_json::json;
use tidegate_message::{Class, CloseCode, Priority};
use tidegate_payload_codec::Encoding;
use tidegate_queue::Limits;
use tidegate_session::{Feature, Features, Message, Outbound, Sent};
use tokio::time::Instant;

use crate::peer::{Setup, number, numbered, pass, settle, stream, text};

fn critical(n: usize, priority: Priority) -> Outbound {
    let class = if priority == Priority::Critical { Class::Coalescible } else { Class::Critical };
    Outbound::Own(number(n).ranked(class, priority))
}

#[tokio::test(start_paused = true)]
async fn one_for_which_a_critical_message_does_not_fit_is_closed_with_4200() {
    for priority in [Priority::Normal, Priority::Critical] {
        let limits = Limits { max_messages: 2, reserve_messages: 2, ..Limits::default() };
        let mut peer = Setup { limits, ..Setup::default() }.start();
        for n in 0..4 {
            assert_eq!(peer.handle.send(critical(n, priority)), Sent::Queued);
        }
        assert_eq!(peer.handle.offer(critical(4, priority)), Sent::Full);
        settle().await;
        assert!(peer.is_running(), "an offer ends nothing");
        let _ = peer.until("message").await;
        for n in 0..5 {
            let sent = peer.handle.send(critical(n, priority));
            assert_eq!(sent, if n < 4 { Sent::Queued } else { Sent::Full });
        }
        let (seen, close) = peer.close().await;
        assert_eq!(close.map(|close| close.code), Some(CloseCode::SLOW_CONSUMER.0));
        assert_eq!(seen.len(), 3, "what waits would stand in the way of the close: {seen:?}");
        assert_eq!(peer.ended().await.close.code, CloseCode::SLOW_CONSUMER);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_nothing_for_10_seconds_is_closed_with_4200() {
    let peer = Setup::narrow().start();
    let start = Instant::now();
    for n in 0..9 {
        assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
    }
    pass(Duration::from_millis(9_900)).await;
    assert!(!peer.handle.is_closed());
    let ended = peer.ended().await;
    assert_eq!((ended.close.code, ended.by_client), (CloseCode::SLOW_CONSUMER, false));
    assert_eq!(start.elapsed().as_secs(), 15, "and 5 for the close handshake");
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_a_little_again_and_again_is_slow_but_alive() {
    let mut peer = Setup::narrow().start();
    for n in 0..60 {
        assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
    }
    for n in 0..60 {
        assert_eq!(peer.next().await["n"], n);
        peer.say(json!({"type": "pong"})).await;
        pass(Duration::from_secs(3)).await;
    }
    assert!(peer.is_running());
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_read_is_not_read_and_loses_no_answer() {
    let mut peer = Setup { pipe: 1024, ..Setup::default() }.start();
    for id in 0..1000 {
        peer.queue(&json!({"type": "message", "id": id, "content": "a dozen bytes"}));
    }
    {
        // Written as far as the session reads; nothing is read.
        let writing = peer.socket.flush();
        assert!(tokio::time::timeout(Duration::from_secs(1), writing).await.is_err());
    }
    let read = peer.notes.seen().received.len();
    assert!((100..200).contains(&read), "an outbox, and what the pipe and the line hold: {read}");
    for id in 0..1000 {
        assert_eq!(peer.next().await["id"], id);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_too_large_for_the_outbox_do_not_pile_up_for_one_that_does_not_read() {
    let limits = Limits { max_bytes: 100, reserve_bytes: 0, ..Limits::default() };
    let mut peer = Setup { limits, ..Setup::narrow() }.start();
    for id in 0..100 {
        peer.queue(&json!({"type": "message", "id": id, "content": "x".repeat(500)}));
    }
    {
        let writing = peer.socket.flush();
        assert!(tokio::time::timeout(Duration::from_secs(1), writing).await.is_err());
    }
    let read = peer.notes.seen().received.len();
    assert!(read < 5, "one on its way, one that waits: {read}");
    for id in 0..100 {
        assert_eq!(peer.next().await["id"], id);
    }
}

#[tokio::test(start_paused = true)]
async fn welcomes_do_not_pile_up_for_one_that_does_not_read() {
    let mut peer = Setup::narrow().start();
    for _ in 0..1500 {
        peer.queue(&json!({"type": "hello", "agree": []}));
    }
    {
        let writing = peer.socket.flush();
        assert!(tokio::time::timeout(Duration::from_secs(1), writing).await.is_err());
    }
    let read = peer.notes.seen().received.len();
    assert!(read < 600, "64 KiB of them: {read}");
    for _ in 0..1500 {
        assert_eq!(peer.next().await["type"], "welcome");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_is_said_before_what_follows() {
    let limits = Limits { max_messages: 10, ..Limits::default() };
    let mut peer = Setup { limits, ..Setup::narrow() }.start();
    assert_eq!(peer.handle.send(text(stream(1), &"x".repeat(100))), Sent::Queued);
    settle().await;
    for n in 0..25 {
        assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
    }
    let typing = number(99).ranked(Class::Droppable, Priority::Normal);
    assert_eq!(peer.handle.send(Outbound::Own(typing)), Sent::Dropped);
    assert_eq!(peer.next().await["type"], "stream_chunk");
    assert_eq!(peer.next().await, json!({"type": "gap", "reason": "overflow", "dropped": 15}));
    for n in 15..25 {
        assert_eq!(peer.next().await["n"], n);
    }
    assert_eq!(peer.handle.send(numbered(25)), Sent::Queued);
    assert_eq!(peer.next().await["n"], 25, "a gap is said once");
    assert_eq!(peer.handle.counters().shed, 16);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_encoded_is_said_too() {
    let mut peer = Setup { encoding: Encoding::MessagePack, ..Setup::default() }.start();
    assert_eq!(peer.handle.send(Outbound::Own(Message::from_json("no JSON"))), Sent::Queued);
    assert_eq!(peer.next().await, json!({"type": "gap", "reason": "overflow", "dropped": 1}));
    let features = Features::NONE.with(Feature::Batch);
    let mut peer = Setup { encoding: Encoding::MessagePack, features, ..Setup::default() }.start();
    for _ in 0..2 {
        assert_eq!(peer.handle.send(Outbound::Own(Message::from_json("no JSON"))), Sent::Queued);
    }
    assert_eq!(peer.next().await, json!({"type": "gap", "reason": "overflow", "dropped": 2}));
}

#[tokio::test(start_paused = true)]
async fn sending_waits_for_room_as_long_as_it_is_told() {
    let limits = Limits { max_messages: 1, ..Limits::default() };
    let peer = Setup { limits, ..Setup::narrow() }.start();
    for n in 0..3 {
        let _ = peer.handle.send(text(stream(n), &"x".repeat(100)));
        settle().await;
    }
    let start = Instant::now();
    let sent = peer.handle.send_within(numbered(1), Duration::from_secs(1)).await;
    assert_eq!((sent, start.elapsed().as_secs()), (Sent::Full, 1));
}
