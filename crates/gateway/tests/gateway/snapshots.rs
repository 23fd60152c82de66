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

/// What a client says in one session, one command of each kind and each kind of refusal.
const COMMANDS: [&str; 20] = [
    r#"{"type":"hello","id":1,"agree":["optimize","teleport"]}"#,
    r#"{"type":"hello","id":"two","agree":[]}"#,
    r#"{"type":"message","id":3,"content":{"n":1.0}}"#,
    r#"{"type":"message","content":"without an id"}"#,
    r#"{"type":"ping","id":5}"#,
    r#"{"type":"join","id":6,"group":"room"}"#,
    r#"{"type":"presence","id":7,"group":"room"}"#,
    r#"{"type":"send","id":8,"to":{"user":"nobody"},"content":1}"#,
    r#"{"type":"broadcast","id":9,"content":1}"#,
    r#"{"type":"leave","id":10,"group":"room"}"#,
    r#"{"type":"leave","id":11,"group":"room"}"#,
    r#"{"type":"stream","id":12,"query":"q","route":"nowhere"}"#,
    r#"{"type":"cancel","id":13,"stream":"AAAAAAAAAAAAAAAA"}"#,
    r#"{"type":"auth","id":14,"token":"x"}"#,
    r#"{"type":"resume","id":15}"#,
    r#"{"type":"send","id":16,"to":{"user":"42"},"content":1,"confirm":true}"#,
    r#"{"type":"send","id":17,"to":"42","content":1}"#,
    r#"{"type":"teleport","id":18}"#,
    r#"{"type":"message","id":19,"content":tru}"#,
    r#"{"type":"message","id":20,"content":"over the limit"}"#,
];

#[tokio::test]
async fn wire_messages_have_this_form() {
    let gateway = gateway(|config| {
        config.rate_limit.max_requests = 12;
        config.rate_limit.burst = 0;
    })
    .await;
    let (mut client, welcome) = gateway.client_at("/ws").await;
    let mut transcript = format!("< {welcome}\n");
    for command in COMMANDS {
        client.send_text(command).await;
        let tidegate_testkit::client::Incoming::Text(answer) = client.next().await else {
            panic!("an answer to {command}");
        };
        transcript += &format!("> {command}\n< {answer}\n");
    }
    let session = welcome["session"].as_str().expect("a session");
    let transcript = transcript.replace(session, "<session>");
    insta::with_settings!({ filters => vec![(r#""message_id":"[\w-]{16}""#, r#""message_id":"<id>""#)] }, {
        insta::assert_snapshot!("wire", transcript);
    });
}
