//! Clients that publish faster than anyone could be written to.
#![expect(clippy::disallowed_methods, reason = "each reader reads in a task of its own")]

use futures_util::future::join_all;
use serde_json::json;

use crate::running::gateway;

/// One client publishes in one go, and each of `readers` gets all of it though its outbox holds 100.
async fn nothing_overflows(readers: usize, messages: u64) {
    let gateway = gateway(|config| {
        config.rate_limit.enabled = false;
        config.pool.max_connections_per_user = 1_000;
    })
    .await;
    let mut all = Vec::new();
    for _ in 0..readers {
        all.push(gateway.client().await);
    }
    let mut publisher = gateway.client().await;
    let publishing = async {
        for n in 0..messages {
            publisher.send_json(json!({ "type": "broadcast", "content": n })).await;
        }
    };
    let reading = join_all(all.into_iter().map(|mut reader| {
        tokio::spawn(async move {
            for n in 0..messages {
                let message = reader.next_json().await;
                assert_eq!(
                    (&message["type"], &message["content"]),
                    (&json!("broadcast"), &json!(n))
                );
            }
        })
    }));
    let ((), read) = tokio::join!(publishing, reading);
    read.into_iter().for_each(|read| read.expect("a reader that got everything"));
    let stats = gateway.get("/api/websocket/stats").await.json();
    assert_eq!(stats["queue"]["overflow_events"], 0, "{stats}");
}

#[tokio::test]
async fn a_burst_overflows_nobody_who_reads() {
    nothing_overflows(3, 2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_burst_to_more_sessions_than_a_thread_has_places_for_overflows_nobody_who_reads() {
    nothing_overflows(400, 400).await;
}
