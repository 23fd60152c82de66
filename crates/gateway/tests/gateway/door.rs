//! Who is let in: tokens, origins, capacity, sessions per user.

use http::Method;
use serde_json::json;
use tidegate_testkit::client::Client;

use crate::running::{JWT_SECRET, Running, gateway, in_seconds, token, with_tokens};

async fn refused(gateway: &Running, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let refused =
        Client::connect_with(&gateway.ws(path), headers, &[]).await.expect_err("a refusal");
    (refused.status.as_u16(), String::from_utf8_lossy(&refused.body).into_owned())
}

#[tokio::test]
async fn takes_a_token_in_each_of_the_four_ways() {
    let gateway = gateway(with_tokens).await;
    let token = token(json!({ "sub": "42" }));
    let header = format!("Bearer {token}");
    let entry = format!("tidegate.bearer.{token}");
    let query = format!("/ws?token={token}");
    for (path, headers, protocols) in [
        ("/ws", &[("authorization", header.as_str())][..], &[][..]),
        (&query, &[], &[]),
        ("/ws", &[], &["tidegate.v1.json", &entry]),
    ] {
        let mut client = Client::connect_with(&gateway.ws(path), headers, protocols)
            .await
            .expect("the token is good");
        assert_eq!(client.expect("welcome").await["user"], "42");
    }
    let mut client = Client::connect(&gateway.ws("/ws")).await;
    client.send_json(json!({ "type": "auth", "id": 1, "token": token })).await;
    client.send_json(json!({ "type": "ping" })).await;
    let welcome = client.expect("welcome").await;
    assert_eq!((&welcome["user"], &welcome["id"]), (&json!("42"), &json!(1)));
    client.expect("pong").await;
}

#[tokio::test]
async fn a_token_in_a_sub_protocol_is_never_echoed() {
    let gateway = gateway(with_tokens).await;
    let entry = format!("tidegate.bearer.{}", token(json!({ "sub": "42" })));
    let client =
        Client::connect_with(&gateway.ws("/ws"), &[], &[&entry, "tidegate.v1.json"]).await.unwrap();
    assert_eq!(client.header("sec-websocket-protocol"), Some("tidegate.v1.json"));
}

#[tokio::test]
async fn refuses_a_bad_token_before_the_upgrade_and_says_why() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.leeway = std::time::Duration::ZERO;
        config.auth.audience = Some("chat".into());
    })
    .await;
    let good = token(json!({ "sub": "42", "aud": "chat" }));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let damaged = format!("{head}.A{}", &signature[1..]);
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiIsImV4cCI6OTk5OTk5OTk5OX0.";
    for (token, why) in [
        (token(json!({ "sub": "42", "aud": "chat", "exp": in_seconds(-1) })), "expired"),
        (token(json!({ "sub": "42", "aud": "other" })), "audience"),
        (token(json!({ "sub": "", "aud": "chat" })), "sub"),
        (damaged, "signature"),
        (none.to_owned(), "algorithm"),
        ("garbage".to_owned(), "signature"),
    ] {
        let (status, body) = refused(&gateway, &format!("/ws?token={token}"), &[]).await;
        assert_eq!(status, 401, "{token}");
        assert!(body.contains(why), "{why}: {body}");
        assert!(!body.contains(JWT_SECRET));
    }
    let stats = gateway.get("/api/websocket/stats").await.json();
    assert_eq!(stats["refused"]["token"], 6);
}

#[tokio::test]
async fn a_bad_or_missing_first_auth_closes_with_4001() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.auth_timeout = std::time::Duration::from_millis(200);
    })
    .await;
    for first in [
        Some(json!({ "type": "auth", "token": "garbage" })),
        Some(json!({ "type": "message", "content": 1 })),
        None,
    ] {
        let mut client = Client::connect(&gateway.ws("/ws")).await;
        if let Some(first) = first {
            client.send_json(first).await;
        }
        assert_eq!(client.close_frame().await.expect("a close frame").0, 4001);
    }
}

#[tokio::test]
async fn an_identified_session_may_renew_its_token_but_not_become_another() {
    let gateway = gateway(with_tokens).await;
    let mut client = gateway.user("42").await;
    client
        .send_json(json!({ "type": "auth", "id": 1, "token": token(json!({ "sub": "42" })) }))
        .await;
    assert_eq!(client.expect("welcome").await["id"], 1);
    client
        .send_json(json!({ "type": "auth", "id": 2, "token": token(json!({ "sub": "7" })) }))
        .await;
    assert_eq!(client.expect("error").await["code"], "forbidden");
}

#[tokio::test]
async fn an_expired_session_ends_with_4101_unless_its_token_was_renewed() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.leeway = std::time::Duration::ZERO;
        config.auth.expiry_grace = std::time::Duration::ZERO;
    })
    .await;
    let short = || token(json!({ "sub": "42", "exp": in_seconds(2) }));
    let (mut expires, _) = gateway.client_at(&format!("/ws?token={}", short())).await;
    let (mut renews, _) = gateway.client_at(&format!("/ws?token={}", short())).await;
    renews.send_json(json!({ "type": "auth", "token": token(json!({ "sub": "42" })) })).await;
    renews.expect("welcome").await;
    assert_eq!(expires.close_frame().await, Some((4101, "token expired".to_owned())));
    renews.send_json(json!({ "type": "ping" })).await;
    renews.expect("pong").await;
}

#[tokio::test]
async fn rights_come_from_the_token_and_a_refusal_names_the_right() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.authorize.join = vec![];
        config.authorize.send = vec![];
        config.authorize.broadcast = false;
    })
    .await;
    let claims = json!({ "sub": "42", "tidegate": { "join": ["room-*"] } });
    let (mut client, _) = gateway.client_at(&format!("/ws?token={}", token(claims))).await;
    client.send_json(json!({ "type": "join", "id": 1, "group": "room-7" })).await;
    client.expect("reply").await;
    for (command, right) in [
        (json!({ "type": "join", "group": "hall" }), "join"),
        (json!({ "type": "presence", "group": "hall" }), "join"),
        (json!({ "type": "broadcast", "content": 1 }), "broadcast"),
        (json!({ "type": "send", "to": { "user": "7" }, "content": 1 }), "send"),
    ] {
        client.send_json(command).await;
        let error = client.expect("error").await;
        assert_eq!(error["code"], "forbidden");
        assert!(error["message"].as_str().unwrap().contains(&format!("`{right}`")), "{error}");
    }
}

#[tokio::test]
async fn refuses_foreign_origins_and_takes_loopback_and_listed_ones() {
    let gateway =
        gateway(|config| config.listen.allowed_origins = vec!["https://chat.example.com".into()])
            .await;
    let (status, body) = refused(&gateway, "/ws", &[("origin", "https://evil.example.com")]).await;
    assert_eq!(status, 403);
    assert!(body.contains("origin_not_allowed"), "{body}");
    for origin in ["http://localhost:3000", "https://chat.example.com"] {
        let client = Client::connect_with(&gateway.ws("/ws"), &[("origin", origin)], &[]).await;
        client.expect("the origin is allowed").expect("welcome").await;
    }
}

#[tokio::test]
async fn the_sixth_session_of_a_user_is_told_so() {
    let gateway = gateway(with_tokens).await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(gateway.user("42").await);
    }
    let url = gateway.ws(&format!("/ws?token={}", token(json!({ "sub": "42" }))));
    let mut sixth = Client::connect(&url).await;
    assert_eq!(sixth.close_frame().await, Some((1008, "Connection limit reached".to_owned())));
    gateway.user("7").await;
    drop(sessions);
    gateway.stats_until(|stats| stats["active_connections"] == 0).await;
    gateway.user("42").await;
}

#[tokio::test]
async fn over_capacity_a_margin_is_told_and_the_rest_gets_503() {
    let gateway = gateway(|config| config.pool.max_connections = 2).await;
    let inside = [gateway.client().await, gateway.client().await];
    let mut margin = Vec::new();
    for _ in 0..16 {
        margin.push(Client::connect(&gateway.ws("/ws")).await);
    }
    let (status, body) = refused(&gateway, "/ws", &[]).await;
    assert_eq!(status, 503);
    assert!(body.contains("at_capacity"), "{body}");
    for client in &mut margin {
        assert_eq!(client.close_frame().await, Some((1008, "Server at capacity".to_owned())));
    }
    assert_eq!(gateway.get("/readyz").await.status, 200, "the API is served all the same");
    drop((inside, margin));
    gateway.stats_until(|stats| stats["active_connections"] == 0).await;
    gateway.client().await;
}

#[tokio::test]
async fn a_bad_upgrade_says_what_is_wrong() {
    let gateway = gateway(|_| {}).await;
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let version = ("sec-websocket-version", "13");
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    let post =
        gateway.request(Method::POST, "/ws", &[upgrade[0], upgrade[1], key, version], "").await;
    assert_eq!((post.status.as_u16(), post.headers["allow"].to_str().unwrap()), (405, "GET"));
    let old = gateway
        .request(
            Method::GET,
            "/ws",
            &[upgrade[0], upgrade[1], key, ("sec-websocket-version", "8")],
            "",
        )
        .await;
    assert_eq!(old.status, 426);
    assert_eq!(old.headers["sec-websocket-version"], "13");
    let plain = gateway.request(Method::GET, "/ws", &[], "").await;
    assert!([400, 426].contains(&plain.status.as_u16()), "{}", plain.status);
    let short = [upgrade[0], upgrade[1], ("sec-websocket-key", "c2hvcnQ="), version];
    assert_eq!(gateway.request(Method::GET, "/ws", &short, "").await.status, 400);
    assert_eq!(old.headers["content-type"], "application/problem+json");
}
