//! The request limit: refusals say when, the connection stays open, free commands pass.

use std::time::Duration;

use serde_json::json;
use tidegate_testkit::client::Client;

use crate::running::gateway;

async fn echo(client: &mut Client, id: u32) -> serde_json::Value {
    client.send_json(json!({ "type": "message", "id": id, "content": id })).await;
    client.next_json().await
}

#[tokio::test]
async fn the_shipped_limit_is_thirty_five_at_once() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    for id in 0..35 {
        assert_eq!(echo(&mut client, id).await["type"], "message", "request {id}");
    }
    let refused = echo(&mut client, 35).await;
    assert_eq!(refused["type"], "rate_limit_error");
    assert_eq!(refused["message"], "Too many requests");
    assert_eq!(refused["id"], 35);
    assert!(refused["retry_after"].as_u64().unwrap() >= 30);
    client.send_json(json!({ "type": "ping" })).await;
    client.expect("pong").await;
}

#[tokio::test]
async fn after_the_time_it_said_a_request_passes_again() {
    let gateway = gateway(|config| {
        config.rate_limit.max_requests = 3;
        config.rate_limit.window = Duration::from_millis(400);
        config.rate_limit.burst = 0;
        config.rate_limit.block = Duration::ZERO;
    })
    .await;
    let mut client = gateway.client().await;
    for id in 0..3 {
        assert_eq!(echo(&mut client, id).await["type"], "message");
    }
    let refused = echo(&mut client, 3).await;
    assert_eq!(refused["retry_after"], 1);
    wait(Duration::from_secs(1)).await;
    assert_eq!(echo(&mut client, 4).await["type"], "message");
}

#[tokio::test]
async fn what_counts_still_counts_after_a_silence_in_which_the_client_was_asked_for_a_sign_of_life()
{
    let gateway = gateway(|config| {
        config.heartbeat.ping_interval = Duration::from_millis(100);
        config.rate_limit.max_requests = 3;
        config.rate_limit.burst = 0;
        config.rate_limit.block = Duration::ZERO;
        config.rate_limit.window = Duration::from_secs(4);
    })
    .await;
    let mut client = gateway.client().await;
    for id in 0..3 {
        assert_eq!(echo(&mut client, id).await["type"], "message");
    }
    silence(&mut client, Duration::from_secs(1)).await;
    assert_eq!(echo(&mut client, 3).await["type"], "rate_limit_error");
    // All of it is forgotten in the end, and then the limits are made anew.
    silence(&mut client, Duration::from_secs(5)).await;
    for (id, expected) in (4..).zip(["message", "message", "message", "rate_limit_error"]) {
        assert_eq!(echo(&mut client, id).await["type"], expected);
    }
}

/// Answers pings, and says nothing for so long.
async fn silence(client: &mut Client, time: Duration) {
    let answered = tokio::time::timeout(time, client.next_json()).await;
    assert!(answered.is_err(), "{answered:?}");
}

#[tokio::test]
async fn one_client_over_its_limit_does_not_touch_another() {
    let gateway = gateway(|config| config.rate_limit.max_requests = 1).await;
    let (mut greedy, mut modest) = (gateway.client().await, gateway.client().await);
    for id in 0..20 {
        echo(&mut greedy, id).await;
    }
    assert_eq!(echo(&mut greedy, 20).await["type"], "rate_limit_error");
    assert_eq!(echo(&mut modest, 1).await["type"], "message");
    let stats = gateway.get("/api/websocket/stats").await.json();
    assert!(stats["rate_limit"]["blocked"].as_u64().unwrap() >= 14, "{stats}");
}

#[tokio::test]
async fn bytes_have_a_limit_of_their_own_which_free_commands_pass_and_the_next_one_pays() {
    let gateway = gateway(|config| {
        config.codec.max_message_bytes = tidegate::config::Size::from_bytes(4096);
        config.rate_limit.max_bytes = tidegate::config::Size::from_bytes(4096);
    })
    .await;
    let mut client = gateway.client().await;
    let large = json!({ "type": "message", "content": "x".repeat(1900) });
    for passes in [true, true, false] {
        client.send_json(large.clone()).await;
        let expected = if passes { "message" } else { "rate_limit_error" };
        client.expect(expected).await;
    }
    // The session's requests are far from their limit: a short one fits as well.
    assert_eq!(echo(&mut client, 1).await["type"], "message");
    client.send_json(json!({ "type": "ping", "padding": "x".repeat(1000) })).await;
    client.expect("pong").await;
    assert_eq!(echo(&mut client, 2).await["type"], "rate_limit_error");
    let other = echo(&mut gateway.client().await, 1).await;
    assert_eq!(other["type"], "message");
}

#[tokio::test]
async fn switched_off_nothing_is_limited() {
    let gateway = gateway(|config| config.rate_limit.enabled = false).await;
    let mut client = gateway.client().await;
    for id in 0..100 {
        assert_eq!(echo(&mut client, id).await["type"], "message");
    }
}

#[expect(clippy::disallowed_methods, reason = "the limit runs on the real clock of a real gateway")]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
