//! The HTTP side: publishing, statistics, operations, and what it refuses.

use http::Method;
use serde_json::{Value, json};

use crate::running::{API_KEY, gateway, with_tokens};

#[tokio::test]
async fn publishes_to_a_user_a_group_a_session_and_everyone() {
    let gateway = gateway(with_tokens).await;
    let mut anna = gateway.user("anna").await;
    let (mut ben, welcome) = gateway
        .client_at(&format!("/ws?token={}", crate::running::token(json!({ "sub": "ben" }))))
        .await;
    ben.send_json(json!({ "type": "join", "id": 1, "group": "room" })).await;
    ben.expect("reply").await;
    for (to, content) in [
        (json!({ "user": "anna" }), "user"),
        (json!({ "group": "room" }), "group"),
        (json!({ "session": welcome["session"] }), "session"),
        (json!("all"), "all"),
    ] {
        let answer = gateway.publish(&json!({ "to": to, "content": content }).to_string()).await;
        assert_eq!(answer.status, 202);
        let id = answer.json();
        assert_eq!(id.as_object().unwrap().keys().collect::<Vec<_>>(), ["message_id"]);
        let hearers: &mut [&mut _] = match content {
            "user" => &mut [&mut anna],
            "all" => &mut [&mut anna, &mut ben],
            _ => &mut [&mut ben],
        };
        for client in hearers {
            let message = client.expect("message").await;
            assert_eq!(message["content"], content);
            assert_eq!(message["message_id"], id["message_id"]);
            assert_eq!(message.get("from"), None);
        }
    }
}

#[tokio::test]
async fn translates_the_backends_types_and_keeps_the_gateways_own() {
    let gateway = gateway(|config| {
        config.message_types.insert("msg.created".into(), "message_new".into());
    })
    .await;
    let mut client = gateway.client().await;
    let body = json!({ "to": "all", "type": "msg.created", "content": { "n": 1 } }).to_string();
    assert_eq!(gateway.publish(&body).await.status, 202);
    assert_eq!(client.expect("message_new").await["content"], json!({ "n": 1 }));
    let reserved = json!({ "to": "all", "type": "stream_end", "content": 1 }).to_string();
    let answer = gateway.publish(&reserved).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (422, &json!("reserved_type")));
}

#[tokio::test]
async fn a_bare_string_becomes_a_text_message() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    assert_eq!(gateway.publish(" \"lunch \\u00e4t twelve\"").await.status, 202);
    assert_eq!(client.expect("text_message").await["payload"], "lunch ät twelve");
}

#[tokio::test]
async fn content_passes_byte_for_byte() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    let answer =
        gateway.publish(r#"{"to":"all","content":{"b":1.50,"a":1e400,"a":"\u00e4"}}"#).await;
    assert_eq!(answer.status, 202);
    let tidegate_testkit::client::Incoming::Text(text) = client.next().await else {
        panic!("text")
    };
    assert!(text.contains(r#""content":{"b":1.50,"a":1e400,"a":"\u00e4"}"#), "{text}");
}

#[tokio::test]
async fn refuses_what_it_cannot_publish_and_says_where() {
    let gateway = gateway(|_| {}).await;
    for (body, status, code, says) in [
        ("{", 400, "malformed", "line 1"),
        (r#"{"to":"all"}"#, 400, "malformed", "content"),
        (r#"{"content":1}"#, 400, "malformed", "to"),
        (r#"{"to":"everyone","content":1}"#, 400, "malformed", "`to`"),
        (r#"{"to":"all","content":1,"prioritty":"high"}"#, 400, "malformed", "prioritty"),
        (r#"{"to":"all","content":1,"confirm":true}"#, 422, "unsupported", "confirm"),
        (r#"{"to":"all","content":1,"delay_ms":5}"#, 422, "unsupported", "delay_ms"),
    ] {
        let answer = gateway.publish(body).await;
        let problem = answer.json();
        assert_eq!((answer.status.as_u16(), &problem["code"]), (status, &json!(code)), "{body}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let key = format!("Bearer {API_KEY}");
    let headers = [("authorization", key.as_str()), ("idempotency-key", "1")];
    let body = r#"{"to":"all","content":1}"#;
    let answer = gateway.request(Method::POST, "/api/v1/publish", &headers, body).await;
    assert_eq!(answer.json()["code"], "unsupported");
    let large = format!(r#"{{"to":"all","content":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(gateway.publish(&large).await.json()["code"], "too_large");
}

#[tokio::test]
async fn the_server_api_needs_its_key() {
    let gateway = gateway(|_| {}).await;
    for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", "Basic x")]]
    {
        for (method, path) in [
            (Method::POST, "/api/v1/publish"),
            (Method::GET, "/api/v1/connections"),
            (Method::POST, "/api/websocket/stats/reset"),
        ] {
            let answer = gateway.request(method, path, headers, "").await;
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_said() {
    let gateway = gateway(|_| {}).await;
    assert_eq!(gateway.get("/nowhere").await.json()["code"], "not_found");
    let answer = gateway.request(Method::DELETE, "/api/websocket/health", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.headers["allow"].to_str().unwrap()), (405, "GET"));
}

#[tokio::test]
async fn lists_connections_with_their_facts() {
    let gateway = gateway(with_tokens).await;
    let mut client = gateway.user("42").await;
    client.send_json(json!({ "type": "join", "id": 1, "group": "room" })).await;
    client.expect("reply").await;
    let key = format!("Bearer {API_KEY}");
    let answer = gateway
        .request(Method::GET, "/api/v1/connections", &[("authorization", &key)], "")
        .await
        .json();
    let [connection] = answer["connections"].as_array().unwrap().as_slice() else { panic!("one") };
    assert_eq!((&connection["user"], &connection["groups"]), (&json!("42"), &json!(["room"])));
    assert_eq!(connection["request_count"], 1);
    assert_eq!(connection["is_alive"], true);
    for fact in ["connected_at", "last_activity", "bytes_sent", "bytes_received"] {
        assert!(connection[fact].as_u64().unwrap() > 0, "{fact}");
    }
}

#[tokio::test]
async fn a_reset_sets_the_payload_statistics_to_zero() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "message", "content": 1 })).await;
    client.expect("message").await;
    assert_eq!(gateway.get("/ws/stats").await.json()["total_messages"], 1);
    let key = format!("Bearer {API_KEY}");
    let answer = gateway
        .request(Method::POST, "/api/websocket/stats/reset", &[("authorization", &key)], "")
        .await
        .json();
    assert_eq!(answer["message"], "WebSocket statistics reset successfully");
    assert_eq!(answer["stats"]["total_messages"], 0);
    assert_eq!(answer["stats"]["active_connections"], 1);
}

#[tokio::test]
async fn the_socket_and_every_stats_path_give_the_same_statistics() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    let keys = |stats: &Value| stats.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected = keys(&gateway.get("/api/websocket/stats").await.json());
    for path in ["/ws/stats", "/api/v1/ws/stats"] {
        assert_eq!(keys(&gateway.get(path).await.json()), expected);
    }
    client.send_json(json!({ "type": "get_stats", "id": 1 })).await;
    assert_eq!(keys(&client.expect("stats_response").await["stats"]), expected);
}

#[tokio::test]
async fn operations_need_the_key_where_others_can_listen() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.listen.address = ([0, 0, 0, 0], 0).into();
    })
    .await;
    // The wildcard address is reached by loopback; nothing is sent elsewhere.
    let local = crate::running::at(gateway.address.port());
    for path in ["/metrics", "/api/websocket/stats"] {
        assert_eq!(crate::running::get(local, path).await, 401, "{path}");
    }
    for path in ["/livez", "/readyz", "/api/websocket/health"] {
        assert_eq!(crate::running::get(local, path).await, 200, "{path}");
    }
    assert_eq!(crate::running::get(local, "/").await, 404, "the page is for this machine alone");
}

#[tokio::test]
async fn metrics_are_in_prometheus_form() {
    let gateway = gateway(|_| {}).await;
    let _client = gateway.client().await;
    let answer = gateway.get("/metrics").await;
    assert!(
        answer.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4")
    );
    assert!(answer.body.contains("\n# TYPE tidegate_connections gauge\ntidegate_connections 1\n"));
    for line in answer.body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once(' ').expect("a name and a value");
        assert!(name.starts_with("tidegate_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[tokio::test]
async fn the_page_and_its_files_are_served_with_a_strict_policy() {
    let gateway = gateway(|_| {}).await;
    for (path, media_type) in [
        ("/", "text/html"),
        ("/assets/app.js", "text/javascript"),
        ("/assets/answers.js", "text/javascript"),
        ("/assets/codec.js", "text/javascript"),
        ("/assets/dom.js", "text/javascript"),
        ("/assets/frames.js", "text/javascript"),
        ("/assets/markdown.js", "text/javascript"),
        ("/assets/style.css", "text/css"),
    ] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with(media_type));
        assert!(
            answer.headers["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'self'")
        );
    }
}

#[tokio::test]
async fn the_raw_echo_is_there_only_where_it_is_switched_on() {
    let off = gateway(|_| {}).await;
    assert_eq!(off.get("/echo").await.status, 404);
    let on = gateway(|config| config.dev.echo = true).await;
    let mut client = tidegate_testkit::client::Client::connect(&on.ws("/echo")).await;
    client.send_text("not JSON at all").await;
    assert_eq!(
        client.next().await,
        tidegate_testkit::client::Incoming::Text("not JSON at all".into())
    );
}
