//! What sessions do: greet, echo, broadcast, send, group, say farewell.

use serde_json::json;

use crate::running::{gateway, token, with_tokens};

#[tokio::test]
async fn welcomes_with_who_one_is_and_how_life_is_shown() {
    let gateway = gateway(|_| {}).await;
    let (_client, welcome) = gateway.client_at("/api/v1/ws").await;
    let session = welcome["session"].as_str().expect("a session");
    assert_eq!(welcome["protocol"], "tidegate.v1");
    assert_eq!(welcome["user"], format!("anon:{session}"));
    assert_eq!(welcome["heartbeat"], json!({ "interval_ms": 30_000, "timeout_ms": 10_000 }));
    assert_eq!(welcome["agreed"], json!([]));
    assert_eq!(welcome.get("positions"), None);
    assert_eq!(welcome.get("resume_token"), None);
}

#[tokio::test]
async fn echoes_a_message_byte_for_byte_with_its_id() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    client.send_text(r#"{"type":"message","id":"a","content":{"n":1.50e3,"n":[ ]}}"#).await;
    let tidegate_testkit::client::Incoming::Text(text) = client.next().await else {
        panic!("a text frame");
    };
    assert_eq!(text, r#"{"type":"message","id":"a","content":{"n":1.50e3,"n":[ ]}}"#);
}

#[tokio::test]
async fn broadcasts_to_all_but_the_sender_and_the_excluded() {
    let gateway = gateway(|_| {}).await;
    let mut sender = gateway.client().await;
    let mut other = gateway.client().await;
    let (mut excluded, welcome) = gateway.client_at("/ws").await;
    let exclude = json!([{ "session": welcome["session"] }]);
    sender
        .send_json(json!({ "type": "broadcast", "id": 1, "content": "hi", "exclude": exclude }))
        .await;
    let reply = sender.expect("reply").await;
    assert_eq!((&reply["id"], &reply["delivered"]), (&json!(1), &json!(1)));
    let heard = other.expect("broadcast").await;
    assert_eq!(heard["content"], "hi");
    assert_eq!(heard["message_id"], reply["message_id"]);
    // What comes next to the others is this, and not the broadcast.
    for client in [&mut sender, &mut excluded] {
        client.send_json(json!({ "type": "ping" })).await;
        client.expect("pong").await;
    }
}

#[tokio::test]
async fn sends_to_a_user_on_all_devices_and_to_one_session() {
    let gateway = gateway(with_tokens).await;
    let mut sender = gateway.user("1").await;
    let mut phone = gateway.user("42").await;
    let (mut laptop, welcome) =
        gateway.client_at(&format!("/ws?token={}", token(json!({ "sub": "42" })))).await;
    sender
        .send_json(json!({ "type": "send", "id": 1, "to": { "user": "42" }, "content": "both" }))
        .await;
    assert_eq!(sender.expect("reply").await["delivered"], 2);
    for device in [&mut phone, &mut laptop] {
        let message = device.expect("message").await;
        assert_eq!((&message["content"], &message["from"]), (&json!("both"), &json!("1")));
    }
    let to = json!({ "session": welcome["session"] });
    sender.send_json(json!({ "type": "send", "id": 2, "to": to, "content": "one" })).await;
    assert_eq!(sender.expect("reply").await["delivered"], 1);
    assert_eq!(laptop.expect("message").await["content"], "one");
    sender
        .send_json(json!({ "type": "send", "id": 3, "to": { "user": "7" }, "content": "x" }))
        .await;
    assert_eq!(sender.expect("reply").await["delivered"], 0);
}

#[tokio::test]
async fn groups_are_joined_looked_into_addressed_and_left() {
    let gateway = gateway(with_tokens).await;
    let (mut anna, mut ben) = (gateway.user("anna").await, gateway.user("ben").await);
    for client in [&mut anna, &mut ben] {
        client.send_json(json!({ "type": "join", "id": 1, "group": "room" })).await;
        assert_eq!(client.expect("reply").await["group"], "room");
    }
    anna.send_json(json!({ "type": "presence", "id": 2, "group": "room" })).await;
    let presence = anna.expect("presence").await;
    let mut users: Vec<&str> = presence["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["user"].as_str().unwrap())
        .collect();
    users.sort_unstable();
    assert_eq!(users, ["anna", "ben"]);
    ben.send_json(
        json!({ "type": "send", "id": 3, "to": { "group": "room" }, "content": "hello" }),
    )
    .await;
    assert_eq!(anna.expect("message").await["content"], "hello");
    assert_eq!(ben.next_json().await["content"], "hello");
    assert_eq!(ben.expect("reply").await["delivered"], 2);
    anna.send_json(json!({ "type": "leave", "id": 4, "group": "room" })).await;
    anna.expect("reply").await;
    anna.send_json(json!({ "type": "leave", "id": 5, "group": "room" })).await;
    assert_eq!(anna.expect("error").await["code"], "not_found");
}

#[tokio::test]
async fn a_session_that_is_gone_leaves_its_groups() {
    let gateway = gateway(with_tokens).await;
    let (mut anna, mut ben) = (gateway.user("anna").await, gateway.user("ben").await);
    for client in [&mut anna, &mut ben] {
        client.send_json(json!({ "type": "join", "id": 1, "group": "room" })).await;
        client.expect("reply").await;
    }
    drop(ben);
    gateway.stats_until(|stats| stats["active_connections"] == 1).await;
    anna.send_json(json!({ "type": "presence", "group": "room" })).await;
    assert_eq!(anna.expect("presence").await["members"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn answers_pings_of_both_kinds() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "ping", "id": 5 })).await;
    assert_eq!(client.expect("pong").await["id"], 5);
    client.ping(b"beat").await;
    assert_eq!(client.next().await, tidegate_testkit::client::Incoming::Pong("beat".into()));
}

#[tokio::test]
async fn a_drain_says_goaway_and_closes_with_1001() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    let stopped = gateway.stop();
    let seen = async {
        let goaway = client.expect("goaway").await;
        assert_eq!(goaway["resume"], false);
        assert_eq!(client.close_frame().await.expect("a close frame").0, 1001);
    };
    tokio::join!(stopped, seen);
}

#[tokio::test]
async fn an_idle_session_is_closed_and_one_in_a_group_is_not() {
    let gateway = gateway(|config| {
        config.pool.idle_timeout = std::time::Duration::from_millis(300);
        config.pool.cleanup_interval = std::time::Duration::from_millis(50);
    })
    .await;
    let (mut idle, mut member) = (gateway.client().await, gateway.client().await);
    member.send_json(json!({ "type": "join", "id": 1, "group": "room" })).await;
    member.expect("reply").await;
    assert_eq!(idle.close_frame().await, Some((1000, "idle".to_owned())));
    member.send_json(json!({ "type": "ping" })).await;
    member.expect("pong").await;
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_given_up() {
    let gateway = gateway(|config| {
        config.heartbeat.ping_interval = std::time::Duration::from_millis(100);
        config.heartbeat.ping_timeout = std::time::Duration::from_millis(100);
        config.session.close_timeout = std::time::Duration::from_millis(100);
    })
    .await;
    // This client reads nothing, so that it answers no ping.
    let _deaf = gateway.client().await;
    gateway.stats_until(|stats| stats["active_connections"] == 0).await;
}

#[tokio::test]
async fn a_client_that_answers_pings_lives_and_json_pings_come_where_agreed() {
    let gateway = gateway(|config| {
        config.heartbeat.ping_interval = std::time::Duration::from_millis(100);
        config.heartbeat.ping_timeout = std::time::Duration::from_secs(5);
    })
    .await;
    let (mut client, _) = gateway.client_at("/ws?agree=json_ping").await;
    for _ in 0..3 {
        client.expect("ping").await;
        client.send_json(json!({ "type": "pong" })).await;
    }
}
