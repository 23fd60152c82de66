//! How sessions end, by either side.

use std::time::Duration;

use serde_json::json;
use tidegate_message::{Close, CloseCode};
use tidegate_session::{Feature, Sent, Ticks};
use tidegate_ws::{Event as Frame, Prepared, Role, Socket};
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::peer::{Notes, Peer, Setup, numbered, settle, stream, text, welcome};
use crate::work::Work;

const DRAINING: Close = Close::new(CloseCode::GOING_AWAY, "the gateway is shutting down");

#[tokio::test(start_paused = true)]
async fn a_clients_close_is_echoed_with_its_code() {
    let mut peer = Setup::default().start();
    peer.socket.queue(Prepared::close(4321, "my own reason"));
    let (_, close) = peer.close().await;
    assert_eq!(close.map(|close| close.code), Some(4321));
    let ended = peer.ended().await;
    assert_eq!((ended.close.code, &*ended.close.reason), (CloseCode(4321), "my own reason"));
    assert!(ended.by_client);
}

#[tokio::test(start_paused = true)]
async fn the_gateways_close_comes_after_all_that_waits() {
    let mut peer = Setup::narrow().start();
    for n in 0..90 {
        assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
    }
    peer.handle.end(DRAINING);
    let (seen, close) = peer.close().await;
    let numbers: Vec<u64> = seen.iter().filter_map(|message| message["n"].as_u64()).collect();
    assert_eq!(numbers, (0..90).collect::<Vec<u64>>());
    let close = close.expect("a code");
    assert_eq!((close.code, close.reason.to_string()), (1001, DRAINING.reason.to_string()));
    let ended = peer.ended().await;
    assert_eq!((ended.close, ended.by_client), (DRAINING, false));
}

#[tokio::test(start_paused = true)]
async fn the_first_request_to_end_wins() {
    let mut peer = Setup::default().start();
    peer.handle.end(DRAINING);
    peer.handle.end(Close::new(CloseCode::NORMAL, "idle"));
    assert_eq!(peer.close().await.1.map(|close| close.code), Some(1001));
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the producer ends with its session")]
async fn a_producer_that_never_ends_does_not_hold_up_the_end() {
    let mut peer = Setup::narrow().start();
    let handle = peer.handle.clone();
    let producer = tokio::spawn(async move {
        while handle.send_waiting(text(stream(1), &"x".repeat(20_000))).await != Sent::Closed {}
    });
    settle().await;
    peer.handle.end(DRAINING);
    let start = Instant::now();
    assert_eq!(peer.close().await.1.map(|close| close.code), Some(1001));
    assert_eq!(peer.ended().await.close, DRAINING);
    producer.await.expect("told that nobody takes anything");
    assert_eq!(start.elapsed().as_millis(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_cannot_hold_up_the_end() {
    let peer = Setup::narrow().start();
    for n in 0..90 {
        assert_eq!(peer.handle.send(numbered(n)), Sent::Queued);
        settle().await;
    }
    assert!(peer.handle.waiting() > 0, "some of it is still in the outbox");
    peer.handle.end(DRAINING);
    let start = Instant::now();
    assert_eq!(peer.ended().await.close, DRAINING);
    assert_eq!(start.elapsed().as_secs(), 5, "close_timeout is for all of it");
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_ready_when_the_gateway_ends_are_still_said() {
    let mut peer = Setup::default().start();
    peer.say(json!({"type": "slow", "id": 1})).await;
    peer.say(json!({"type": "slow", "id": 2})).await;
    settle().await;
    peer.handle.end(DRAINING);
    peer.work.release(1);
    let (seen, close) = peer.close().await;
    assert_eq!(seen, [json!({"type": "reply", "id": 1, "delivered": 1})]);
    assert_eq!(close.map(|close| close.code), Some(1001));
}

#[tokio::test(start_paused = true)]
async fn ten_malformed_messages_in_a_minute_are_answered_and_end_it() {
    let mut peer = Setup::default().start();
    for _ in 0..12 {
        peer.socket.queue(Prepared::text("{"));
    }
    let (seen, close) = peer.close().await;
    assert_eq!(seen.len(), 10);
    assert!(seen.iter().all(|message| message["code"] == "malformed"));
    assert_eq!(close.map(|close| close.code), Some(CloseCode::POLICY.0));
    assert_eq!(peer.ended().await.close.code, CloseCode::POLICY);
}

#[tokio::test(start_paused = true)]
async fn malformed_messages_far_apart_do_not_end_it() {
    let mut peer = Setup::default().start();
    for _ in 0..30 {
        peer.socket.queue(Prepared::text("{"));
        assert_eq!(peer.next().await["code"], "malformed");
        tokio::time::advance(Duration::from_secs(7)).await;
    }
    assert!(peer.is_running());
}

#[tokio::test(start_paused = true)]
async fn a_broken_rule_is_named_and_nothing_else_is_said() {
    let (session, handle, mut client, _) = Setup::agreed(&[Feature::Batch]).session();
    let notes = Notes::default();
    let serve = session.run(Work::new(true), notes.clone(), &Ticks::new().0);
    let talk = async {
        assert_eq!(handle.send(numbered(1)), Sent::Queued);
        settle().await;
        // Held back to make a fuller batch.
        assert_eq!(handle.send(numbered(2)), Sent::Queued);
        settle().await;
        // A text frame without a mask (RFC 6455, 5.1).
        client.write_all(b"\x81\x01x").await.expect("written");
        let mut socket = Socket::new(client, Role::Client, Default::default());
        let mut frames = Vec::new();
        while let Ok(frame) = socket.next().await {
            frames.push(frame);
        }
        frames
    };
    let (ended, frames) = tokio::join!(serve, talk);
    assert_eq!((ended.close.code, ended.by_client), (CloseCode(1002), false));
    let [Frame::Text(_), Frame::Close(Some(close))] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(close.code, 1002);
    assert_eq!(notes.seen().sent.len(), 1, "what was counted as sent was sent");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_1006() {
    let peer = Setup::default().start();
    settle().await;
    let Peer { socket, handle, running, .. } = peer;
    drop(socket);
    let ended = running.await.expect("a session does not panic");
    assert_eq!((ended.close.code, ended.by_client), (CloseCode(1006), true));
    assert!(handle.is_closed());
}

#[tokio::test(start_paused = true)]
async fn after_the_end_the_handle_says_closed() {
    let mut peer = Setup::default().start();
    let handle = peer.handle.clone();
    peer.socket.queue(Prepared::close(1000, ""));
    let _ = peer.close().await;
    let _ = peer.ended().await;
    assert!(handle.is_closed());
    assert!(!handle.has_room(0));
    assert_eq!(handle.send(numbered(1)), Sent::Closed);
    assert_eq!(handle.offer(numbered(1)), Sent::Closed);
    assert_eq!(handle.send_within(numbered(1), Duration::from_secs(1)).await, Sent::Closed);
    assert_eq!(handle.send_waiting(numbered(1)).await, Sent::Closed);
    handle.end(DRAINING);
}

#[tokio::test(start_paused = true)]
async fn while_it_closes_nothing_more_is_taken() {
    let peer = Setup::default().start();
    peer.handle.end(DRAINING);
    settle().await;
    assert!(peer.is_running(), "the client has not answered the close yet");
    assert_eq!(peer.handle.send(numbered(1)), Sent::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_refused_is_told_why() {
    let (mut session, handle, client, _) = Setup::default().session();
    session.greet(Box::new(welcome(Vec::new())));
    let refuse = session.refuse(Close::new(CloseCode::POLICY, "Connection limit reached"));
    let read = async {
        let mut socket = Socket::new(client, Role::Client, Default::default());
        let greeting = socket.next().await.expect("a welcome");
        (greeting, socket.next().await.expect("a close"))
    };
    let ((), (greeting, close)) = tokio::join!(refuse, read);
    assert!(matches!(greeting, Frame::Text(_)));
    let Frame::Close(Some(close)) = close else { panic!("{close:?}") };
    assert_eq!((close.code, close.reason.to_string()), (1008, "Connection limit reached".into()));
    assert!(handle.is_closed());
}
