//! The limits that many share: a user's sessions, an address's, a route's callers, and the HTTP API's.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tidegate::config::Quota;
use tidegate_testkit::client::Client;
use tidegate_testkit::upstream::{Script, Upstream, openai_text};

use crate::running::{API_KEY, gateway, route, with_tokens};

fn quota(max_requests: u32) -> Option<Quota> {
    Some(Quota { max_requests, ..Quota::default() })
}

async fn echo(client: &mut Client) -> Value {
    client.send_json(json!({ "type": "message", "content": 1 })).await;
    client.next_json().await
}

async fn ask(client: &mut Client) -> Value {
    client.send_json(json!({ "type": "message", "content": "q" })).await;
    client.next_json().await
}

#[tokio::test]
async fn the_sessions_of_a_user_share_the_users_limit() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.rate_limit.user = quota(3);
    })
    .await;
    let (mut phone, mut tab) = (gateway.user("42").await, gateway.user("42").await);
    let mut other = gateway.user("7").await;
    for client in [&mut phone, &mut tab] {
        assert_eq!(echo(client).await["type"], "message");
    }
    assert_eq!(echo(&mut phone).await["type"], "message");
    for client in [&mut phone, &mut tab] {
        let refused = echo(client).await;
        assert_eq!(refused["type"], "rate_limit_error");
        assert!(refused["retry_after"].as_u64().unwrap() >= 58, "{refused}");
        client.send_json(json!({ "type": "ping" })).await;
        client.expect("pong").await;
    }
    assert_eq!(echo(&mut other).await["type"], "message");
    // A new session is no way out.
    drop((phone, tab));
    gateway.stats_until(|stats| stats["active_connections"] == 1).await;
    assert_eq!(echo(&mut gateway.user("42").await).await["type"], "rate_limit_error");
    let stats = gateway.get("/api/websocket/stats").await.json();
    assert_eq!(stats["rate_limit"]["user"], json!({ "allowed": 4, "limited": 3, "blocked": 0 }));
}

#[tokio::test]
async fn an_operator_sees_how_a_key_stands_and_may_forget_it() {
    let gateway = gateway(|config| {
        with_tokens(config);
        let block = Duration::from_secs(30);
        config.rate_limit.user =
            Some(Quota { max_requests: 2, burst: 1, block, ..Quota::default() });
    })
    .await;
    let key = format!("Bearer {API_KEY}");
    let ask = async |method: Method, query: &str| {
        let path = format!("/api/v1/limits{query}");
        gateway.request(method, &path, &[("authorization", &key)], "").await
    };
    let stands = async |query: &str| ask(Method::GET, query).await.json()["user"].clone();
    let mut client = gateway.user("42").await;
    echo(&mut client).await;
    let one = stands("?user=42&ip=127.0.0.1").await;
    for (fact, value) in
        [("max_requests", 2), ("burst", 1), ("window_ms", 60_000), ("remaining", 2)]
    {
        assert_eq!(one[fact], value, "{fact}");
    }
    assert_eq!(one["is_blocked"], false);
    assert!((59_000..=60_000).contains(&one["reset_ms"].as_u64().unwrap()), "{one}");
    for _ in 0..3 {
        echo(&mut client).await;
    }
    let blocked = stands("?user=42").await;
    assert_eq!((&blocked["remaining"], &blocked["is_blocked"]), (&json!(0), &json!(true)));
    assert_eq!(stands("?user=7").await["remaining"], 3);
    let fresh = ask(Method::DELETE, "?user=42").await.json();
    assert_eq!((&fresh["user"]["remaining"], &fresh["ip"]), (&json!(3), &Value::Null));
    assert_eq!(echo(&mut client).await["type"], "message");
    for wrong in ["", "?ip=nowhere", "?user="] {
        assert_eq!(ask(Method::GET, wrong).await.status, 400, "{wrong}");
    }
    let guess = gateway.request(Method::DELETE, "/api/v1/limits?user=42", &[], "").await;
    assert_eq!(guess.status, 401);
}

#[tokio::test]
async fn the_users_of_an_address_share_its_limit_and_it_takes_nothing_of_theirs() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.rate_limit.user = quota(3);
        config.rate_limit.ip = quota(4);
    })
    .await;
    let (mut one, mut other) = (gateway.user("1").await, gateway.user("2").await);
    for _ in 0..2 {
        for client in [&mut one, &mut other] {
            assert_eq!(echo(client).await["type"], "message");
        }
    }
    for client in [&mut one, &mut other] {
        assert_eq!(echo(client).await["type"], "rate_limit_error");
    }
    let limits = &gateway.get("/api/websocket/stats").await.json()["rate_limit"];
    assert_eq!(limits["ip"], json!({ "allowed": 4, "limited": 2, "blocked": 0 }));
    assert_eq!(limits["user"]["limited"], 0, "the users have not used up their own");
}

#[tokio::test]
async fn a_route_is_asked_so_often_by_all_together() {
    let body = openai_text("hi") + "data: [DONE]\n\n";
    let upstream = Upstream::start(Script::sse().cut(body.as_bytes(), &[], Duration::ZERO)).await;
    let mut route = route(&upstream.url("/"));
    route.rate_limit = quota(2);
    let gateway = gateway(|config| config.routes = vec![route]).await;
    let (mut one, mut other) = (gateway.client().await, gateway.client().await);
    assert_eq!(ask(&mut one).await["content"], "hi");
    other.send_json(json!({ "type": "stream", "query": "q" })).await;
    assert_eq!(other.answer().await.text, "hi");
    assert_eq!(ask(&mut other).await["type"], "rate_limit_error");
    one.send_json(json!({ "type": "stream", "query": "q", "id": 7 })).await;
    assert_eq!(one.expect("rate_limit_error").await["id"], 7);
    assert_eq!(upstream.counts().completed, 2, "refused questions are not asked");
    let stats = gateway.stats_until(|stats| stats["streams"]["active"] == 0).await;
    assert_eq!(stats["rate_limit"]["routes"], json!({ "allowed": 2, "limited": 2, "blocked": 0 }));
    // What asks no route is not limited by one.
    one.send_json(json!({ "type": "join", "id": 1, "group": "room" })).await;
    one.expect("reply").await;
}

#[tokio::test]
async fn the_http_api_says_what_is_left_and_then_429() {
    let gateway = gateway(|config| config.rate_limit.api = quota(3)).await;
    let health = "/api/websocket/health";
    for left in [2, 1, 0] {
        let answer = gateway.get(health).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["ratelimit-policy"], r#""api";q=3;w=60"#);
        let state = answer.headers["ratelimit"].to_str().unwrap();
        assert!(state.starts_with(&format!(r#""api";r={left};t="#)), "{state}");
    }
    let refused = gateway.get(health).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["code"], "rate_limited");
    assert!((50..=60).contains(&refused.headers["retry-after"].to_str().unwrap().parse().unwrap()));
    assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with(r#""api";r=0;t="#));
    // Guesses at the key are limited like everything else from there; its holder is counted alone.
    let guess = [("authorization", "Bearer guess")];
    let guessed = gateway.request(Method::GET, "/api/v1/connections", &guess, "").await;
    assert_eq!(guessed.status, 429);
    let published = gateway.publish(r#"{"to":"all","content":1}"#).await;
    assert_eq!(published.status, 202);
    assert!(published.headers["ratelimit"].to_str().unwrap().starts_with(r#""api";r=2"#));
    for path in ["/livez", "/readyz"] {
        let answer = gateway.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.headers.get("ratelimit")),
            (200, None),
            "{path}"
        );
    }
    // Nothing of this touches sessions.
    drop(gateway.client().await);
}

#[tokio::test]
async fn the_key_is_limited_too_and_other_callers_are_not() {
    let gateway = gateway(|config| config.rate_limit.api = quota(1)).await;
    let publish = || gateway.publish(r#"{"to":"all","content":1}"#);
    assert_eq!(publish().await.status, 202);
    assert_eq!(publish().await.status, 429);
    assert_eq!(gateway.get("/api/websocket/health").await.status, 200);
}

#[tokio::test]
async fn handshakes_of_all_together_have_a_limit() {
    let gateway = gateway(|config| config.listen.max_handshakes_per_second = 2).await;
    let (_one, _other) = (gateway.client().await, gateway.client().await);
    let refused = Client::connect_with(&gateway.ws("/ws"), &[], &[]).await.unwrap_err();
    assert_eq!(
        (refused.status.as_u16(), &refused.headers["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    assert_eq!(gateway.get("/readyz").await.status, 200, "the API is served all the same");
}
