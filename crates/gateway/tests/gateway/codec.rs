//! Clients that agreed to small payloads decode the same messages as a plain one, and the savings are true.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tidegate_payload_codec::{Codec, Encoding, Form, Kind, Settings};
use tidegate_testkit::client::{Client, Incoming};

use crate::running::{Running, gateway};

fn chat(text: &str) -> Value {
    json!({
        "message_id": "7f3c", "channel_id": "general", "author_type": "user", "author_name": "Anna",
        "content": text, "created_at": "2026-05-04T12:30:00.250Z",
        "metadata": { "model": "small", "provider": "local" },
    })
}

/// Decodes a payload with the codec's own decoder, which is tested against vectors of its own.
fn decode(incoming: Incoming, form: Form) -> (Value, usize) {
    let (bytes, kind) = match incoming {
        Incoming::Text(text) => (Bytes::from(text), Kind::Text),
        Incoming::Binary(bytes) => (bytes, Kind::Binary),
        other => panic!("a message, not {other:?}"),
    };
    let json = Codec::new(Settings::default()).decode(&bytes, kind, form).expect("decodes");
    (serde_json::from_slice(&json).expect("JSON"), bytes.len())
}

async fn agreed(gateway: &Running, features: &str, protocol: &[&str]) -> Client {
    let url = gateway.ws(&format!("/ws?agree={features}"));
    let mut client = Client::connect_with(&url, &[], protocol).await.expect("connects");
    client.next().await;
    client
}

const OPTIMIZED: Form = Form { encoding: Encoding::Json, optimize: true, compression: None };
const PACKED: Form = Form { encoding: Encoding::MessagePack, optimize: false, compression: None };

#[tokio::test]
async fn every_form_says_the_same_and_the_statistics_show_true_savings() {
    let gateway = gateway(|_| {}).await;
    let mut plain = gateway.client().await;
    let mut optimized = agreed(&gateway, "optimize", &[]).await;
    let mut packed = agreed(&gateway, "", &["tidegate.v1.msgpack"]).await;
    let mut both = agreed(&gateway, "optimize", &["tidegate.v1.msgpack"]).await;
    let before = gateway.get("/api/websocket/stats").await.json();
    let content = chat("Does the tide turn before noon?");
    let body = json!({ "to": "all", "type": "broadcast", "content": content }).to_string();
    assert_eq!(gateway.publish(&body).await.status, 202);
    let expected = plain.expect("broadcast").await;
    assert_eq!(expected["content"], content);
    let original = expected.to_string().len();
    let mut sent = original;
    for (client, form) in [
        (&mut optimized, OPTIMIZED),
        (&mut packed, PACKED),
        (&mut both, Form { optimize: true, ..PACKED }),
    ] {
        let (message, bytes) = decode(client.next().await, form);
        assert_eq!(message, expected, "{form:?}");
        assert!(bytes < original, "{form:?}: {bytes} of {original} bytes");
        sent += bytes;
    }
    let after = gateway.get("/api/websocket/stats").await.json();
    let grown = |field: &str| after[field].as_u64().unwrap() - before[field].as_u64().unwrap();
    assert_eq!(grown("total_messages"), 4);
    assert_eq!(grown("total_bytes_original"), 4 * original as u64);
    assert_eq!(grown("total_bytes_optimized"), sent as u64);
}

#[tokio::test]
async fn large_payloads_are_compressed_for_those_who_agreed() {
    let gateway = gateway(|_| {}).await;
    let mut plain = gateway.client().await;
    let mut gzip = agreed(&gateway, "gzip", &[]).await;
    let mut lz4 = agreed(&gateway, "lz4", &["tidegate.v1.msgpack"]).await;
    let content: Vec<Value> = (0..100).map(|n| chat(&format!("message {n}"))).collect();
    let body = json!({ "to": "all", "content": content }).to_string();
    assert_eq!(gateway.publish(&body).await.status, 202);
    let expected = plain.expect("message").await;
    for (client, form, tag) in
        [(&mut gzip, Form::default(), &b"\x01"[..]), (&mut lz4, PACKED, b"\xc1\x02")]
    {
        let incoming = client.next().await;
        let Incoming::Binary(bytes) = &incoming else { panic!("a binary frame") };
        assert!(bytes.starts_with(tag));
        assert!(bytes.len() * 2 < body.len());
        assert_eq!(decode(incoming, form).0, expected);
    }
}

#[tokio::test]
async fn a_burst_is_one_frame_where_batch_is_agreed() {
    let gateway = gateway(|config| config.queue.flush_interval = Duration::from_millis(300)).await;
    let mut client = agreed(&gateway, "batch", &[]).await;
    for n in 0..6 {
        let body = json!({ "to": "all", "content": n }).to_string();
        assert_eq!(gateway.publish(&body).await.status, 202);
    }
    let first = client.next_json().await;
    assert_eq!(first["content"], 0, "the first of a quiet session goes at once");
    let batch = client.next_json().await;
    assert_eq!(batch["type"], "batch");
    let contents: Vec<&Value> =
        batch["messages"].as_array().unwrap().iter().map(|message| &message["content"]).collect();
    assert_eq!(contents, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_publication_may_ask_to_stay_plain_and_alone() {
    let gateway = gateway(|config| config.queue.flush_interval = Duration::from_millis(300)).await;
    let mut client = agreed(&gateway, "optimize,batch", &[]).await;
    for _ in 0..3 {
        let body =
            json!({ "to": "all", "content": chat("plain"), "optimize": false, "batch": false })
                .to_string();
        assert_eq!(gateway.publish(&body).await.status, 202);
    }
    for _ in 0..3 {
        let message = client.expect("message").await;
        assert_eq!(message["content"], chat("plain"));
        assert_eq!(message.get("_v"), None);
    }
}

#[tokio::test]
async fn a_client_may_send_what_it_agreed_to() {
    let gateway = gateway(|_| {}).await;
    let mut client = agreed(&gateway, "", &["tidegate.v1.msgpack"]).await;
    let request = br#"{"type":"message","id":1,"content":{"n":[1,2.5,null,"\u00e4"]}}"#;
    let packed = Codec::new(Settings::default()).transform(request, PACKED).expect("packs");
    client.send_binary(packed).await;
    let (echo, _) = decode(client.next().await, PACKED);
    assert_eq!(echo, serde_json::from_slice::<Value>(request).unwrap());
}

#[tokio::test]
async fn a_hello_changes_the_form_of_what_follows() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    let ask = json!({ "type": "message", "content": chat("hello") });
    client
        .send_json(json!({ "type": "hello", "id": 1, "agree": ["optimize", "delta", "ack"] }))
        .await;
    let welcome = client.expect("welcome").await;
    assert_eq!((&welcome["id"], &welcome["agreed"]), (&json!(1), &json!(["optimize"])));
    client.send_json(ask.clone()).await;
    assert_eq!(client.next_json().await["_v"], 2);
    client.send_json(json!({ "type": "hello", "agree": [] })).await;
    assert_eq!(client.expect("welcome").await["agreed"], json!([]));
    client.send_json(ask).await;
    assert_eq!(client.expect("message").await["content"], chat("hello"));
}

#[tokio::test]
async fn what_is_switched_off_is_not_agreed() {
    let gateway = gateway(|config| {
        config.codec.optimize = false;
        config.codec.gzip = false;
    })
    .await;
    let (_, welcome) = gateway.client_at("/ws?agree=optimize,gzip,batch").await;
    assert_eq!(welcome["agreed"], json!(["batch"]));
}
