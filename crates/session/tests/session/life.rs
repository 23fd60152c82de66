//! Signs of life.

use std::time::Duration;

use serde_json::json;
use tidegate_message::CloseCode;
use tidegate_session::Feature;
use tidegate_ws::{Event as Frame, Prepared};
use tokio::time::Instant;

use crate::peer::{Setup, numbered, pass};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_asked_after_30_seconds() {
    let mut peer = Setup::default().start();
    let start = Instant::now();
    assert!(matches!(peer.frame().await, Frame::Ping(_)));
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(peer.notes.seen().pings, 1);
}

#[tokio::test(start_paused = true)]
async fn its_service_is_told_each_time_that_it_may_rest() {
    let mut peer = Setup::default().start();
    for pings in 1..=3 {
        // Who says something is not quiet.
        for _ in 0..3 {
            pass(SECOND * 20).await;
            peer.say(json!({ "type": "ping" })).await;
            assert_eq!(peer.next().await["type"], "pong");
            assert_eq!(peer.work.rests(), pings - 1);
        }
        assert!(matches!(peer.frame().await, Frame::Ping(_)));
        assert_eq!(peer.work.rests(), pings);
        peer.socket.flush().await.expect("the pong goes");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_answers_lives_and_its_latency_is_told() {
    let mut peer = Setup::default().start();
    for _ in 0..5 {
        assert!(matches!(peer.frame().await, Frame::Ping(_)));
        pass(SECOND * 2).await;
        peer.socket.flush().await.expect("the pong goes");
    }
    pass(SECOND).await;
    assert!(peer.is_running());
    assert_eq!(peer.notes.seen().pongs, [SECOND * 2; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_answers_another_ping_tells_no_latency() {
    let mut peer = Setup::default().start();
    pass(SECOND * 31).await;
    assert_eq!(peer.notes.seen().pings, 1);
    peer.socket.queue(Prepared::pong(b"unasked"));
    peer.socket.flush().await.expect("written");
    pass(SECOND).await;
    assert_eq!(peer.notes.seen().pongs, []);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_answer_is_closed_after_10_more() {
    let mut peer = Setup::default().start();
    let start = Instant::now();
    pass(SECOND * 39).await;
    assert!(peer.is_running() && !peer.handle.is_closed());
    pass(SECOND * 2).await;
    assert!(peer.handle.is_closed(), "{:?}", start.elapsed());
    let (_, close) = peer.close().await;
    assert_eq!(close.map(|close| close.code), Some(CloseCode::GOING_AWAY.0));
    assert_eq!(peer.notes.seen().stale, 1);
    let ended = peer.ended().await;
    assert_eq!((ended.close.code, ended.by_client), (CloseCode::GOING_AWAY, false));
}

#[tokio::test(start_paused = true)]
async fn any_traffic_counts_as_life() {
    let mut peer = Setup::default().start();
    for _ in 0..20 {
        pass(SECOND * 29).await;
        peer.say(json!({"type": "pong"})).await;
    }
    assert_eq!(peer.notes.seen().pings, 0);
    pass(SECOND * 35).await;
    assert_eq!(peer.notes.seen().pings, 1);
    peer.say(json!({"type": "pong"})).await;
    pass(SECOND * 20).await;
    assert!(peer.is_running(), "a message answers a ping too");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_a_client_is_no_life_of_its_own() {
    let peer = Setup::default().start();
    for n in 0..45 {
        let _ = peer.handle.send(numbered(n));
        pass(SECOND).await;
    }
    assert!(peer.handle.is_closed());
}

#[tokio::test(start_paused = true)]
async fn silence_proves_nothing_while_too_many_commands_are_in_work() {
    let mut peer = Setup::default().start();
    for id in 0..8 {
        peer.say(json!({"type": "slow", "id": id})).await;
    }
    pass(SECOND * 300).await;
    assert!(peer.is_running());
    assert_eq!(peer.notes.seen().pings, 0);
    peer.work.release(8);
    let resumed = Instant::now();
    while !matches!(peer.frame().await, Frame::Ping(_)) {}
    assert_eq!(resumed.elapsed().as_secs(), 30, "silence begins anew");
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_could_not_be_read_in_time_counts_when_reading_goes_on() {
    let mut peer = Setup::default().start();
    assert!(matches!(peer.frame().await, Frame::Ping(_)));
    // Commands that stop the reading stand before the pong.
    for id in 0..8 {
        peer.queue(&json!({"type": "slow", "id": id}));
    }
    peer.socket.queue(Prepared::pong(b""));
    peer.socket.flush().await.expect("written");
    pass(SECOND * 60).await;
    peer.work.release(8);
    pass(SECOND).await;
    assert!(peer.is_running() && !peer.handle.is_closed());
}

#[tokio::test(start_paused = true)]
async fn silence_proves_nothing_while_the_service_is_not_ready() {
    let peer = Setup { ready: false, ..Setup::default() }.start();
    pass(SECOND * 300).await;
    assert!(peer.is_running());
    assert_eq!(peer.notes.seen().pings, 0);
}

#[tokio::test(start_paused = true)]
async fn who_agreed_to_json_pings_is_asked_both_ways() {
    let mut peer = Setup::agreed(&[Feature::JsonPing]).start();
    assert!(matches!(peer.frame().await, Frame::Ping(_)));
    assert_eq!(peer.next().await, json!({"type": "ping"}));
    let mut other = Setup::default().start();
    assert!(matches!(other.frame().await, Frame::Ping(_)));
    let _ = other.handle.send(numbered(1));
    assert_eq!(other.next().await["n"], 1, "and nobody else is");
}
