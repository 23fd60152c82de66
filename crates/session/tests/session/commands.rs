//! Commands that take time.

use std::time::Duration;

use serde_json::json;
use tidegate_queue::Limits;

use crate::peer::{Setup, pass, settle, stream, text};

#[tokio::test(start_paused = true)]
async fn quick_commands_pass_slow_ones() {
    let mut peer = Setup::default().start();
    peer.say(json!({"type": "slow", "id": "slow"})).await;
    peer.say(json!({"type": "ping", "id": "quick"})).await;
    assert_eq!(peer.next().await["id"], "quick");
    peer.work.release(1);
    assert_eq!(peer.next().await, json!({"type": "reply", "id": "slow", "delivered": 1}));
}

#[tokio::test(start_paused = true)]
async fn at_most_eight_are_in_work_and_then_reading_stops_and_goes_on() {
    let mut peer = Setup::default().start();
    for id in 0..12 {
        peer.say(json!({"type": "slow", "id": id})).await;
    }
    peer.say(json!({"type": "ping", "id": "after"})).await;
    settle().await;
    assert_eq!((peer.work.started(), peer.notes.seen().received.len()), (8, 8));
    peer.work.release(1);
    settle().await;
    assert_eq!(peer.work.started(), 9);
    peer.work.release(11);
    let mut ids = Vec::new();
    for _ in 0..13 {
        ids.push(peer.next().await["id"].to_string());
    }
    ids.sort_unstable();
    let mut all: Vec<String> = (0..12).map(|id| id.to_string()).collect();
    all.push("\"after\"".into());
    all.sort_unstable();
    assert_eq!(ids, all);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_done_is_not_held_up_by_what_the_client_goes_on_to_say() {
    let mut peer = Setup::default().start();
    peer.queue(&json!({"type": "slow", "id": "slow"}));
    peer.queue(&json!({"type": "go", "id": "go"}));
    for id in 0..50 {
        peer.queue(&json!({"type": "ping", "id": id}));
    }
    assert_eq!(peer.next().await["id"], "go");
    assert_eq!(peer.next().await["id"], "slow");
}

#[tokio::test(start_paused = true)]
async fn answers_that_find_the_outbox_full_are_not_lost() {
    let limits = Limits { max_messages: 8, ..Limits::default() };
    let mut peer = Setup { limits, ..Setup::narrow() }.start();
    for id in 0..8 {
        peer.say(json!({"type": "slow", "id": id})).await;
    }
    settle().await;
    assert_eq!(peer.work.started(), 8);
    // Streams that nothing may be dropped of fill the outbox while the client does not read.
    for n in 0..12 {
        let _ = peer.handle.offer(text(stream(n), "something to fill the pipe with"));
        settle().await;
    }
    assert!(!peer.handle.has_room(0));
    peer.work.release(8);
    pass(Duration::from_secs(1)).await;
    assert!(
        peer.is_running(),
        "a full outbox is no reason to end a session whose answers are ready"
    );
    peer.say(json!({"type": "ping"})).await;
    let mut ids: Vec<u64> =
        peer.until("pong").await.iter().filter_map(|message| message["id"].as_u64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..8).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn an_answer_larger_than_the_outbox_arrives() {
    let limits = Limits { max_bytes: 100, reserve_bytes: 0, ..Limits::default() };
    let mut peer = Setup { limits, ..Setup::default() }.start();
    let content = "x".repeat(1000);
    peer.say(json!({"type": "message", "id": 1, "content": content})).await;
    peer.say(json!({"type": "ping", "id": 2})).await;
    assert_eq!(peer.next().await["content"], content);
    assert_eq!(peer.next().await["id"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_no_commands_still_lets_one_through() {
    let mut setup = Setup::default();
    setup.settings.max_inflight_commands = 0;
    let mut peer = setup.start();
    peer.say(json!({"type": "ping", "id": 1})).await;
    assert_eq!(peer.next().await["id"], 1);
}
