//! A client that does not read: it slows its own stream, nobody else, and memory stays bounded.

use std::time::Duration;

use serde_json::json;
use tidegate_testkit::upstream::{Script, Upstream, openai_text};

use crate::running::{gateway, route};

#[tokio::test]
async fn a_slow_client_slows_the_upstream_read_and_loses_nothing() {
    let piece = "0123456789".repeat(100);
    let pieces = 20_000;
    let body: String = openai_text(&piece).repeat(pieces) + "data: [DONE]\n\n";
    let cuts: Vec<usize> = (64 * 1024..body.len()).step_by(64 * 1024).collect();
    let upstream = Upstream::start(Script::sse().cut(body.as_bytes(), &cuts, Duration::ZERO)).await;
    let route = route(&upstream.url("/"));
    let gateway = gateway(|config| config.routes = vec![route]).await;
    let mut client = gateway.client().await;
    let mut other = gateway.client().await;
    client.send_json(json!({ "type": "stream", "query": "q" })).await;
    client.expect("stream_start").await;
    // Meanwhile the client reads nothing: the upstream cannot get rid of its 20 MB.
    pause(Duration::from_millis(700)).await;
    assert_eq!(upstream.counts().completed, 0, "the gateway swallowed the whole answer");
    other.send_json(json!({ "type": "ping" })).await;
    other.expect("pong").await;
    let mut text = 0;
    loop {
        let message = client.next_json().await;
        match message["type"].as_str().unwrap() {
            "stream_chunk" => text += message["data"].as_str().unwrap().len(),
            "stream_end" => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(text, piece.len() * pieces);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_closed_and_the_others_miss_nothing() {
    let gateway = gateway(|config| {
        // What the stuck client's outbox holds is full long before its time is over, on a busy machine too.
        config.queue.max_queue_size = 4;
        config.session.write_timeout = Duration::from_secs(2);
        config.session.close_timeout = Duration::from_millis(200);
    })
    .await;
    let _stuck = gateway.client().await;
    let mut reader = gateway.client().await;
    let content = "x".repeat(200_000);
    for n in 0..100 {
        let body = json!({ "to": "all", "content": [n, content] }).to_string();
        assert_eq!(gateway.publish(&body).await.status, 202);
        let message = reader.expect("message").await;
        assert_eq!(message["content"][0], n);
    }
    let stats = gateway.stats_until(|stats| stats["active_connections"] == 1).await;
    assert!(stats["queue"]["non_critical_messages_dropped"].as_u64().unwrap() > 0, "{stats}");
}

#[tokio::test]
async fn what_an_overflow_dropped_is_said_when_there_is_room() {
    let gateway = gateway(|config| config.queue.max_queue_size = 4).await;
    let mut client = gateway.client().await;
    let content = "x".repeat(500_000);
    let mut accepted = 0;
    for n in 0..60 {
        let body = json!({ "to": "all", "content": [n, content] }).to_string();
        accepted += u64::from(gateway.publish(&body).await.status == 202);
    }
    let (mut heard, mut missed, mut last) = (0, 0, -1);
    while heard + missed < accepted {
        let message = client.next_json().await;
        if message["type"] == "gap" {
            assert_eq!(message["reason"], "overflow");
            missed += message["dropped"].as_u64().unwrap();
        } else {
            let n = message["content"][0].as_i64().unwrap();
            assert!(n > last, "{n} after {last}");
            last = n;
            heard += 1;
        }
    }
    assert_eq!((heard + missed, heard > 0, missed > 0), (accepted, true, true));
}

#[expect(clippy::disallowed_methods, reason = "a client that sleeps is what is tested")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
