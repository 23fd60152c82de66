//! Clients that publish faster than anyone could be written to.
#![expect(clippy::disallowed_methods, reason = "each reader reads in a task of its own")]

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::running::gateway;

/// Who publishes, and to how many.
struct Burst {
    publishers: usize,
    readers: usize,
    /// Of each publisher.
    messages: u64,
    /// Of each message.
    bytes: usize,
}

impl Burst {
    /// Each publishes in one go, and each reader gets all of it, in order, though its outbox holds 100 messages and 1 MiB.
    async fn overflows_nobody(self) {
        let Self { publishers, readers, messages, bytes } = self;
        let gateway = gateway(|config| {
            config.rate_limit.enabled = false;
            config.pool.max_connections_per_user = 1_000;
        })
        .await;
        let (mut all, mut others) = (Vec::new(), Vec::new());
        for _ in 0..readers {
            let mut reader = gateway.client().await;
            reader.send_json(json!({ "type": "join", "id": 1, "group": "room" })).await;
            reader.expect("reply").await;
            all.push(reader);
        }
        for _ in 0..publishers {
            others.push(gateway.client().await);
        }
        let content = "x".repeat(bytes);
        let publishing = others.into_iter().enumerate().map(|(from, mut publisher)| {
            let content = content.clone();
            tokio::spawn(async move {
                for n in 0..messages {
                    let content = json!([from, n, content]);
                    let to = json!({ "group": "room" });
                    let send = json!({ "type": "send", "to": to, "content": content });
                    publisher.send_json(send).await;
                }
                publisher
            })
        });
        let publishing = join_all(publishing.collect::<Vec<_>>());
        let reading = join_all(all.into_iter().map(|mut reader| {
            tokio::spawn(async move {
                let mut next = vec![0; publishers];
                for _ in 0..messages * publishers as u64 {
                    let message = reader.next_json().await;
                    assert_eq!(message["type"], "message", "{message}");
                    let number = |at: usize| message["content"][at].as_u64();
                    let from = number(0).expect("who published") as usize;
                    assert_eq!(number(1), Some(next[from]));
                    next[from] += 1;
                }
            })
        }));
        let (_publishers, read) = tokio::join!(publishing, reading);
        read.into_iter().for_each(|read| read.expect("a reader that got everything"));
        let stats: Value = gateway.get("/api/websocket/stats").await.json();
        assert_eq!(stats["queue"]["overflow_events"], 0, "{stats}");
    }
}

#[tokio::test]
async fn a_burst_overflows_nobody_who_reads() {
    Burst { publishers: 1, readers: 3, messages: 2_000, bytes: 0 }.overflows_nobody().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_burst_to_more_sessions_than_a_thread_has_places_for_overflows_nobody_who_reads() {
    Burst { publishers: 1, readers: 400, messages: 400, bytes: 0 }.overflows_nobody().await;
}

#[tokio::test]
async fn a_burst_of_large_messages_overflows_nobody_who_reads() {
    Burst { publishers: 1, readers: 3, messages: 200, bytes: 60_000 }.overflows_nobody().await;
}

#[tokio::test]
async fn bursts_of_several_at_once_overflow_nobody_who_reads() {
    Burst { publishers: 5, readers: 3, messages: 500, bytes: 0 }.overflows_nobody().await;
}
