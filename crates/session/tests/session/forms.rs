//! The form in which a client gets its messages.

use std::sync::Arc;

use serde_json::json;
use tidegate_payload_codec::{Codec, Encoding};
use tidegate_session::{Feature, Features, Message, Outbound, Sent, Shared};
use tidegate_ws::{Event as Frame, Prepared};

use crate::peer::{Peer, Setup, numbered, welcome};

fn chat() -> Message {
    Message::from_json(
        json!({"type": "message", "message_id": "m1", "created_at": "2024-03-14T09:01:28.500Z"})
            .to_string(),
    )
}

async fn raw(peer: &mut Peer) -> String {
    match peer.frame().await {
        Frame::Text(text) => text.to_string(),
        other => panic!("wanted text: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_hello_switches_the_form_right_after_its_welcome() {
    let mut peer = Setup::default().start();
    assert_eq!(peer.handle.send(Outbound::Own(chat())), Sent::Queued);
    assert_eq!(raw(&mut peer).await.as_bytes(), &chat().json[..], "nothing is agreed yet");
    peer.queue(&json!({"type": "hello", "agree": ["optimize", "batch", "teleport"]}));
    peer.queue(&json!({"type": "ping"}));
    let welcome = raw(&mut peer).await;
    assert!(welcome.starts_with(r#"{"type":"welcome""#), "plain: {welcome}");
    assert!(welcome.ends_with(r#""agreed":["optimize","batch"]}"#), "{welcome}");
    assert_eq!(peer.handle.send(Outbound::Own(chat())), Sent::Queued);
    let batch = raw(&mut peer).await;
    let start = r#"{"type":"batch","messages":[{"type":"pong"},{"_v":2,"#;
    assert!(batch.starts_with(start), "{batch}");
    // And back again.
    peer.queue(&json!({"type": "hello", "agree": []}));
    assert!(raw(&mut peer).await.contains(r#""agreed":[]"#));
    assert_eq!(peer.handle.send(Outbound::Own(chat())), Sent::Queued);
    assert_eq!(raw(&mut peer).await.as_bytes(), &chat().json[..]);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_welcome_lists_what_is_in_force() {
    let mut peer = Setup::agreed(&[Feature::JsonPing, Feature::Lz4]).start();
    peer.say(json!({"type": "auth", "token": "t"})).await;
    assert_eq!(peer.next().await["agreed"], json!(["lz4", "json_ping"]));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_must_be_plain_is_plain() {
    let mut peer = Setup::agreed(&[Feature::Optimize]).start();
    let message = Message { optimize: false, ..chat() };
    assert_eq!(peer.handle.send(Outbound::Own(message)), Sent::Queued);
    assert_eq!(raw(&mut peer).await.as_bytes(), &chat().json[..]);
}

#[tokio::test(start_paused = true)]
async fn a_messagepack_session_speaks_messagepack_both_ways() {
    let setup = Setup { encoding: Encoding::MessagePack, ..Setup::default() };
    let (mut session, handle, client, _) = setup.session();
    session.greet(Box::new(welcome(Vec::new())));
    drop((session, handle, client));
    let mut peer = setup.start();
    let asked = json!({"type": "message", "id": "a", "content": {"deep": [1, -2.5, null, "ä"]}});
    let form = peer.form;
    let packed = peer.codec.transform(asked.to_string().as_bytes(), form).expect("packs");
    peer.socket.queue(Prepared::binary(packed));
    let Frame::Binary(answer) = peer.frame().await else { panic!("binary") };
    let json =
        peer.codec.decode(&answer, tidegate_payload_codec::Kind::Binary, form).expect("unpacks");
    let answer: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(answer, asked);
    peer.socket.queue(Prepared::binary(&b"\xc1\x07"[..]));
    assert_eq!(peer.next().await["code"], "malformed");
    peer.queue(&json!({"type": "ping"}));
    assert_eq!(peer.next().await["type"], "pong", "text frames are JSON there too");
}

#[tokio::test(start_paused = true)]
async fn a_shared_message_is_encoded_once_for_all_sessions_of_one_form() {
    let codec = Arc::new(Codec::new(Default::default()));
    let mut peers: Vec<Peer> = (0..5)
        .map(|_| {
            let features = Features::NONE.with(Feature::Gzip);
            Setup { codec: Arc::clone(&codec), features, ..Setup::default() }.start()
        })
        .collect();
    let mut plain = Setup { codec: Arc::clone(&codec), ..Setup::default() }.start();
    let content = "tides ".repeat(4000);
    let json = json!({"type": "broadcast", "content": content}).to_string();
    let shared = Arc::new(Shared::new(Message::from_json(json)));
    for peer in peers.iter().chain([&plain]) {
        assert_eq!(peer.handle.send(Outbound::Shared(Arc::clone(&shared))), Sent::Queued);
    }
    for peer in &mut peers {
        assert_eq!(peer.next().await["content"], content);
    }
    assert_eq!(plain.next().await["content"], content);
    let stats = codec.stats().snapshot();
    assert_eq!((stats.total_messages, stats.compressed_messages), (6, 1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_compressed_as_a_whole() {
    let mut peer = Setup::agreed(&[Feature::Batch, Feature::Lz4]).start();
    for n in 0..10 {
        let json = json!({"type": "message", "n": n, "content": "tides ".repeat(50)}).to_string();
        assert_eq!(peer.handle.send(Outbound::Own(Message::from_json(json))), Sent::Queued);
    }
    assert_eq!(peer.handle.send(numbered(10)), Sent::Queued);
    let Frame::Binary(frame) = peer.frame().await else { panic!("compressed") };
    assert!(frame.len() < 1000, "{}", frame.len());
    assert_eq!(peer.next().await["n"], 10);
    let stats = peer.codec.stats().snapshot();
    assert_eq!((stats.total_messages, stats.compressed_messages), (11, 1));
}
