//! Publications that are written to sessions at rest, past their outboxes.

use std::time::Duration;

use serde_json::json;

use crate::running::gateway;

/// Publishes now and then to five readers, and says how many of the messages went past an outbox.
async fn written_directly(receivers: usize) -> u64 {
    let gateway = gateway(|config| config.queue.direct_receivers = receivers).await;
    let mut readers = Vec::new();
    for _ in 0..5 {
        readers.push(gateway.client().await);
    }
    for n in 0..20 {
        let body = json!({ "to": "all", "content": n }).to_string();
        let answer = gateway.publish(&body).await;
        assert_eq!(answer.status, 202);
        for reader in &mut readers {
            assert_eq!(reader.expect("message").await["content"], n);
        }
        pause(20).await;
    }
    let stats = gateway.get("/api/websocket/stats").await.json();
    let count = |key: &str| stats["queue"][key].as_u64().expect("a number");
    let [direct, pushed] = ["direct", "pushed"].map(count);
    assert!(direct + pushed >= 100, "each message is counted on one side: {stats}");
    direct
}

#[expect(clippy::disallowed_methods, reason = "real sockets come to rest in real time")]
async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test]
async fn a_calm_room_is_written_to_by_who_publishes() {
    let direct = written_directly(1024).await;
    assert!(direct > 50, "{direct} of 100");
}

#[tokio::test]
async fn no_more_of_a_publication_than_is_allowed() {
    assert_eq!(written_directly(0).await, 0);
    assert!(written_directly(1).await <= 20);
}

#[tokio::test]
async fn each_publisher_is_heard_in_order_and_whole_whoever_writes() {
    const MESSAGES: u64 = 3_000;
    let gateway = gateway(|config| {
        config.queue.max_queue_size = 100_000;
        config.rate_limit.enabled = false;
    })
    .await;
    let mut readers = Vec::new();
    for _ in 0..4 {
        readers.push(gateway.client().await);
    }
    let mut publishers = [gateway.client().await, gateway.client().await];
    for n in 0..MESSAGES {
        for (who, publisher) in publishers.iter_mut().enumerate() {
            // Every now and then one that the system's buffers do not take at once.
            let padding = "x".repeat(if n % 500 == 0 { 60_000 } else { 1 });
            let content = json!([who, n, padding]);
            publisher.send_json(json!({ "type": "broadcast", "content": content })).await;
        }
        if n % 100 == 0 {
            // The readers come to rest.
            pause(5).await;
        }
    }
    for reader in &mut readers {
        let mut next = [0; 2];
        while next != [MESSAGES; 2] {
            let content = reader.expect("broadcast").await["content"].take();
            let who = content[0].as_u64().expect("a number") as usize;
            assert_eq!(content[1], next[who], "of {who}");
            next[who] += 1;
        }
    }
    let stats = gateway.get("/api/websocket/stats").await.json();
    assert!(stats["queue"]["direct"].as_u64() > Some(0), "{stats}");
    assert!(stats["queue"]["pushed"].as_u64() > Some(0), "{stats}");
}
