//! The operator's side of the API: groups, their presence and strategy, and the end of a connection.

use http::Method;
use serde_json::{Value, json};
use tidegate_testkit::client::Client;

use crate::running::{API_KEY, Answered, Running, gateway, token, with_tokens};

const NOBODY: &str = "AAAAAAAAAAAAAAAA";

async fn ask(gateway: &Running, method: Method, path: &str, body: &str) -> Answered {
    let key = format!("Bearer {API_KEY}");
    gateway.request(method, path, &[("authorization", &key)], body).await
}

/// A client of this user that is in `group`, and its session.
async fn member(gateway: &Running, user: &str, group: &str) -> (Client, Value) {
    let path = format!("/ws?token={}", token(json!({ "sub": user })));
    let (mut client, welcome) = gateway.client_at(&path).await;
    client.send_json(json!({ "type": "join", "id": 1, "group": group })).await;
    client.expect("reply").await;
    (client, welcome["session"].clone())
}

#[tokio::test]
async fn lists_groups_and_who_is_in_one() {
    let gateway = gateway(with_tokens).await;
    let (_anna, anna) = member(&gateway, "anna", "room/7 ä").await;
    let (_ben, ben) = member(&gateway, "ben", "room/7 ä").await;
    let (_carl, _) = member(&gateway, "carl", "hall").await;
    let groups = ask(&gateway, Method::GET, "/api/v1/groups", "").await;
    assert_eq!(
        groups.json(),
        json!({ "groups": [
            { "group": "hall", "members": 1, "strategy": "broadcast" },
            { "group": "room/7 ä", "members": 2, "strategy": "broadcast" },
        ] })
    );
    let path = "/api/v1/groups/room%2F7%20%C3%A4/presence";
    assert_eq!(
        ask(&gateway, Method::GET, path, "").await.json(),
        json!({ "group": "room/7 ä", "members": [
            { "user": "anna", "session": anna }, { "user": "ben", "session": ben },
        ] })
    );
    let empty = ask(&gateway, Method::GET, "/api/v1/groups/nobody/presence", "").await;
    assert_eq!(empty.json(), json!({ "group": "nobody", "members": [] }));
}

#[tokio::test]
async fn a_strategy_that_is_set_hands_each_message_to_one_in_turn() {
    let gateway = gateway(with_tokens).await;
    let path = "/api/v1/groups/desk/strategy";
    // It may be set before anybody is there.
    let set = ask(&gateway, Method::PUT, path, r#"{"strategy":"round_robin"}"#).await;
    assert_eq!(set.status, 200);
    assert_eq!(set.json(), json!({ "group": "desk", "strategy": "round_robin" }));
    let (mut anna, _) = member(&gateway, "anna", "desk").await;
    let (mut ben, _) = member(&gateway, "ben", "desk").await;
    for content in 0..4 {
        let body = json!({ "to": { "group": "desk" }, "content": content }).to_string();
        assert_eq!(gateway.publish(&body).await.status, 202);
    }
    for client in [&mut anna, &mut ben] {
        let first = client.expect("message").await["content"].as_u64().unwrap();
        let second = client.expect("message").await["content"].as_u64().unwrap();
        assert_eq!(second, first + 2, "every other message");
    }
    let groups = ask(&gateway, Method::GET, "/api/v1/groups", "").await.json();
    assert_eq!(groups["groups"][0]["strategy"], "round_robin");
    ask(&gateway, Method::PUT, path, r#"{"strategy":"broadcast"}"#).await;
    gateway.publish(r#"{"to":{"group":"desk"},"content":"all"}"#).await;
    assert_eq!(anna.expect("message").await["content"], "all");
    assert_eq!(ben.expect("message").await["content"], "all");
}

#[tokio::test]
async fn a_wrong_strategy_or_group_is_refused() {
    let gateway = gateway(|_| {}).await;
    let long = format!("/api/v1/groups/{}/strategy", "x".repeat(129));
    for (path, body, says) in [
        ("/api/v1/groups/desk/strategy", r#"{"strategy":"fastest"}"#, "round_robin"),
        ("/api/v1/groups/desk/strategy", r#"{"strategie":"broadcast"}"#, "strategie"),
        ("/api/v1/groups/desk/strategy", "", "EOF"),
        ("/api/v1/groups/a%0Ab/strategy", r#"{"strategy":"broadcast"}"#, "control"),
        ("/api/v1/groups/%ff/strategy", r#"{"strategy":"broadcast"}"#, "UTF-8"),
        (&long, r#"{"strategy":"broadcast"}"#, "128"),
    ] {
        let answer = ask(&gateway, Method::PUT, path, body).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status.as_u16(), &problem["code"]),
            (400, &json!("malformed")),
            "{path}"
        );
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
}

#[tokio::test]
async fn ends_a_connection_with_the_code_and_reason_it_is_given() {
    let gateway = gateway(with_tokens).await;
    for (query, body, code, reason) in [
        ("", "", 1000, "closed by an operator"),
        ("?code=4002&reason=banned%20for%20a%20day", "", 4002, "banned for a day"),
        ("", r#"{"code":1008,"reason":"no"}"#, 1008, "no"),
    ] {
        let (mut client, session) = member(&gateway, "42", "room").await;
        let session = session.as_str().unwrap();
        let path = format!("/api/v1/connections/{session}");
        let facts = ask(&gateway, Method::GET, &path, "").await.json();
        assert_eq!((&facts["user"], &facts["groups"]), (&json!("42"), &json!(["room"])));
        let answer = ask(&gateway, Method::DELETE, &format!("{path}{query}"), body).await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.json(), json!({ "session": session, "code": code, "reason": reason }));
        assert_eq!(client.close_frame().await, Some((code, reason.to_owned())));
        gateway.stats_until(|stats| stats["active_connections"] == 0).await;
        assert_eq!(ask(&gateway, Method::GET, &path, "").await.status, 404);
        assert_eq!(ask(&gateway, Method::DELETE, &path, "").await.json()["code"], "not_found");
    }
}

#[tokio::test]
async fn a_connection_is_not_ended_by_a_request_that_is_wrong() {
    let gateway = gateway(|_| {}).await;
    let (mut client, welcome) = gateway.client_at("/ws").await;
    let path = format!("/api/v1/connections/{}", welcome["session"].as_str().unwrap());
    for query in ["?code=1006", "?code=3000", "?code=x", "?kode=4000"] {
        let answer = ask(&gateway, Method::DELETE, &format!("{path}{query}"), "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].as_str()),
            (400, Some("malformed"))
        );
    }
    for nobody in [NOBODY, "no-id", "%20"] {
        let path = format!("/api/v1/connections/{nobody}");
        assert_eq!(ask(&gateway, Method::DELETE, &path, "").await.status, 404, "{nobody}");
    }
    client.send_json(json!({ "type": "ping" })).await;
    client.expect("pong").await;
}

#[tokio::test]
async fn what_an_operator_may_do_needs_the_key_and_its_method() {
    let gateway = gateway(|_| {}).await;
    for (method, path) in [
        (Method::GET, "/api/v1/groups"),
        (Method::GET, "/api/v1/groups/room/presence"),
        (Method::PUT, "/api/v1/groups/room/strategy"),
        (Method::GET, "/api/v1/connections/AAAAAAAAAAAAAAAA"),
        (Method::DELETE, "/api/v1/connections/AAAAAAAAAAAAAAAA"),
    ] {
        assert_eq!(gateway.request(method, path, &[], "").await.status, 401, "{path}");
        let answer = ask(&gateway, Method::PATCH, path, "").await;
        assert_eq!(answer.json()["code"], "method_not_allowed", "{path}");
    }
    let answer = ask(&gateway, Method::POST, "/api/v1/connections/AAAAAAAAAAAAAAAA", "").await;
    assert_eq!(answer.headers["allow"], "GET, DELETE");
    for nowhere in ["/api/v1/groups/", "/api/v1/groups/room", "/api/v1/groups//presence"] {
        assert_eq!(ask(&gateway, Method::GET, nowhere, "").await.status, 404, "{nowhere}");
    }
}
