//! What is answered at once.

use serde_json::json;
use tidegate_ws::Prepared;

use crate::peer::{Setup, settle};

#[tokio::test(start_paused = true)]
async fn answers_at_once_and_byte_for_byte() {
    let mut peer = Setup::default().start();
    peer.socket
        .queue(Prepared::text(r#"{"type":"message","id":7,"content":{"b": 1.0,"a":"\u00e4"}}"#));
    let start = tokio::time::Instant::now();
    let tidegate_ws::Event::Text(answer) = peer.frame().await else { panic!("text") };
    assert_eq!(&answer[..], r#"{"type":"message","id":7,"content":{"b": 1.0,"a":"\u00e4"}}"#);
    assert_eq!(start.elapsed().as_millis(), 0);
}

#[tokio::test(start_paused = true)]
async fn answers_what_came_together_in_order_and_in_one_write() {
    let mut peer = Setup::default().start();
    for id in 0..50 {
        peer.queue(&json!({"type": "message", "id": id, "content": "x"}));
    }
    for id in 0..50 {
        assert_eq!(peer.next().await["id"], id);
    }
    assert_eq!(peer.writes(), 1);
}

#[tokio::test(start_paused = true)]
async fn answers_all_that_was_said_before_a_close() {
    let mut peer = Setup::default().start();
    for id in 0..5 {
        peer.queue(&json!({"type": "ping", "id": id}));
    }
    peer.socket.queue(Prepared::close(1000, "bye"));
    let (answers, close) = peer.close().await;
    assert_eq!(answers.len(), 5, "{answers:?}");
    assert_eq!(close.map(|close| close.code), Some(1000));
}

#[tokio::test(start_paused = true)]
async fn a_command_done_is_told_only_to_a_client_that_gave_an_id() {
    let mut peer = Setup::default().start();
    peer.say(json!({"type": "go"})).await;
    peer.say(json!({"type": "go", "id": "second"})).await;
    assert_eq!(peer.next().await, json!({"type": "reply", "id": "second"}));
}

#[tokio::test(start_paused = true)]
async fn a_malformed_message_is_refused_with_its_byte_and_the_session_lives() {
    let mut peer = Setup::default().start();
    peer.socket.queue(Prepared::text(r#"{"type":"message","content":tru}"#));
    let refusal = peer.next().await;
    assert_eq!((&refusal["type"], &refusal["code"]), (&json!("error"), &json!("malformed")));
    assert_eq!(refusal["offset"], 31);
    peer.say(json!({"type": "ping"})).await;
    assert_eq!(peer.next().await["type"], "pong");
}

#[tokio::test(start_paused = true)]
async fn the_observer_is_told_of_every_message_and_its_size() {
    let mut peer = Setup::default().start();
    peer.say(json!({"type": "ping"})).await;
    peer.say(json!({"type": "pong"})).await;
    assert_eq!(peer.next().await["type"], "pong");
    settle().await;
    let seen = peer.notes.seen();
    assert_eq!(seen.received, [15, 15]);
    assert_eq!(seen.sent, [(1, 17)], "15 bytes and a header of two");
    assert_eq!((seen.pings, seen.stale), (0, 0));
}
