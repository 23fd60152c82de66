//! The bodies of statistics and health, kept to the letter. What changes from run to run is masked.

use serde_json::{Value, json};

use crate::running::{gateway, with_tokens};

/// Numbers become their type: the snapshot keeps names and order, not figures.
fn masked(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!("<float>"),
        Value::Number(_) => json!("<integer>"),
        Value::Array(all) => all.iter().map(masked).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), masked(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn statistics_and_health_have_these_bodies() {
    let gateway = gateway(with_tokens).await;
    let mut client = gateway.user("42").await;
    client.send_json(json!({ "type": "ping" })).await;
    client.expect("pong").await;
    let mut stats = gateway.get("/api/websocket/stats").await.json();
    assert_eq!(stats["gateway"]["version"].take(), env!("CARGO_PKG_VERSION"));
    insta::assert_json_snapshot!("stats", masked(&stats));
    let health = gateway.get("/api/websocket/health").await.json();
    insta::assert_json_snapshot!("health", masked(&health));
}

#[tokio::test]
async fn problems_have_this_body() {
    let gateway = gateway(|_| {}).await;
    insta::assert_json_snapshot!("problem", gateway.get("/nowhere").await.json());
}
