//! What a session may do: by its last token, over the configuration; and what it learns from a refusal.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::config::Config;
use tidegate_testkit::client::Client;

use crate::running::{Running, gateway, in_seconds, token, with_tokens};

fn few_rights(config: &mut Config) {
    with_tokens(config);
    config.authorize.join = vec!["hall".to_owned()];
    config.authorize.send = vec![];
    config.authorize.broadcast = false;
}

async fn with(gateway: &Running, user: &str, rights: Value) -> Client {
    let token = token(json!({ "sub": user, "tidegate": rights }));
    gateway.client_at(&format!("/ws?token={token}")).await.0
}

/// The answer to a command.
async fn ask(client: &mut Client, command: Value) -> Value {
    let mut command = command;
    command["id"] = json!(1);
    client.send_json(command).await;
    client.next_message().await
}

async fn renew(client: &mut Client, claims: Value) {
    let welcome = ask(client, json!({ "type": "auth", "token": token(claims) })).await;
    assert_eq!(welcome["type"], "welcome", "{welcome}");
}

#[tokio::test]
async fn a_refusal_names_the_rule_that_it_is_by() {
    let gateway = gateway(few_rights).await;
    let mut client = with(&gateway, "42", json!({ "send": ["user:7"], "weight": 3 })).await;
    for (command, rule) in [
        (json!({ "type": "join", "group": "room" }), "`authorize.join`"),
        (json!({ "type": "presence", "group": "room" }), "`authorize.join`"),
        (json!({ "type": "broadcast", "content": 1 }), "`authorize.broadcast`"),
        (json!({ "type": "send", "to": { "user": "8" }, "content": 1 }), "`tidegate.send`"),
        (json!({ "type": "join", "group": "hall", "weight": 4 }), "`tidegate.weight`"),
    ] {
        let error = ask(&mut client, command.clone()).await;
        assert_eq!(error["code"], "forbidden", "{command}");
        assert!(error["message"].as_str().unwrap().contains(rule), "{error}");
    }
    for command in [
        json!({ "type": "join", "group": "hall", "weight": 3 }),
        json!({ "type": "send", "to": { "user": "7" }, "content": 1 }),
        json!({ "type": "send", "to": { "user": "42" }, "content": 1 }),
    ] {
        let answer = ask(&mut client, command.clone()).await;
        assert!(answer["type"] == "reply" || answer["type"] == "message", "{answer}");
        if answer["type"] == "message" {
            client.expect("reply").await;
        }
    }
}

#[tokio::test]
async fn the_rights_of_a_newer_token_are_in_force_at_once() {
    let gateway = gateway(few_rights).await;
    let mut client = with(&gateway, "42", json!({ "join": ["room-*", "hall"] })).await;
    let broadcast = json!({ "type": "broadcast", "content": 1 });
    for group in ["room-1", "room-2", "hall"] {
        assert_eq!(
            ask(&mut client, json!({ "type": "join", "group": group })).await["type"],
            "reply"
        );
    }
    assert_eq!(ask(&mut client, broadcast.clone()).await["code"], "forbidden");

    renew(
        &mut client,
        json!({ "sub": "42", "tidegate": { "broadcast": true, "join": ["room-2"] } }),
    )
    .await;
    assert_eq!(ask(&mut client, broadcast.clone()).await["type"], "reply");
    let error = ask(&mut client, json!({ "type": "join", "group": "room-1" })).await;
    assert!(error["message"].as_str().unwrap().contains("`tidegate.join`"), "{error}");
    for (group, heard) in [("room-1", 0), ("hall", 0), ("room-2", 1)] {
        let to = json!({ "to": { "group": group }, "content": group });
        assert_eq!(gateway.publish(&to.to_string()).await.status, 202);
        if heard == 1 {
            assert_eq!(client.expect("message").await["content"], group);
        }
    }

    renew(&mut client, json!({ "sub": "42" })).await;
    assert_eq!(ask(&mut client, broadcast).await["code"], "forbidden");
    assert_eq!(ask(&mut client, json!({ "type": "join", "group": "hall" })).await["type"], "reply");
}

#[tokio::test]
async fn a_refused_token_changes_nothing() {
    let gateway = gateway(few_rights).await;
    let mut client = with(&gateway, "42", json!({ "broadcast": true })).await;
    for (token, code) in [
        (token(json!({ "sub": "7", "tidegate": { "broadcast": false } })), "forbidden"),
        (token(json!({ "sub": "42", "exp": in_seconds(-3600) })), "unauthorized"),
        ("garbage".to_owned(), "unauthorized"),
    ] {
        assert_eq!(ask(&mut client, json!({ "type": "auth", "token": token })).await["code"], code);
        let answer = ask(&mut client, json!({ "type": "broadcast", "content": 1 })).await;
        assert_eq!(answer["type"], "reply", "{answer}");
    }
}

#[tokio::test]
async fn a_newer_token_that_ends_sooner_ends_the_session_sooner() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.expiry_grace = Duration::ZERO;
    })
    .await;
    let mut client = gateway.user("42").await;
    renew(&mut client, json!({ "sub": "42", "exp": in_seconds(1) })).await;
    assert_eq!(client.close_frame().await, Some((4101, "token expired".to_owned())));
}

#[tokio::test]
async fn what_must_not_be_seen_is_answered_like_what_is_not_there() {
    let gateway = gateway(few_rights).await;
    let mut insider = with(&gateway, "insider", json!({ "join": ["*"] })).await;
    let welcome = ask(&mut insider, json!({ "type": "hello" })).await;
    let session = welcome["session"].as_str().unwrap().to_owned();
    ask(&mut insider, json!({ "type": "join", "group": "secret" })).await;
    let mut outsider = gateway.user("outsider").await;
    let nobody = "AAAAAAAAAAAAAAAA";
    for (there, not_there) in [
        (
            json!({ "type": "presence", "group": "secret" }),
            json!({ "type": "presence", "group": "nothing" }),
        ),
        (
            json!({ "type": "join", "group": "secret" }),
            json!({ "type": "join", "group": "nothing" }),
        ),
        (
            json!({ "type": "leave", "group": "secret" }),
            json!({ "type": "leave", "group": "nothing" }),
        ),
        (
            json!({ "type": "send", "to": { "user": "insider" }, "content": 1 }),
            json!({ "type": "send", "to": { "user": "nothing" }, "content": 1 }),
        ),
        (
            json!({ "type": "send", "to": { "session": session }, "content": 1 }),
            json!({ "type": "send", "to": { "session": nobody }, "content": 1 }),
        ),
        (
            json!({ "type": "cancel", "stream": session }),
            json!({ "type": "cancel", "stream": nobody }),
        ),
    ] {
        let mut answers = Vec::new();
        for command in [there, not_there] {
            let answer = ask(&mut outsider, command).await.to_string();
            answers.push(
                ["secret", "insider", &session, nobody]
                    .iter()
                    .fold(answer, |answer, name| answer.replace(name, "nothing")),
            );
        }
        assert_eq!(answers[0], answers[1]);
        assert!(answers[0].contains("\"error\""), "{}", answers[0]);
    }
}

#[tokio::test]
async fn of_the_users_in_the_statistics_a_session_sees_itself() {
    let gateway = gateway(|config| {
        few_rights(config);
        config.listen.address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    })
    .await;
    let _other = gateway.user("other").await;
    let mut client = gateway.user("42").await;
    let answer = ask(&mut client, json!({ "type": "get_stats" })).await;
    assert_eq!(answer["stats"]["connections_by_user"], json!({ "42": 1 }));
    assert_eq!(answer["stats"]["total_users"], 2);
}
