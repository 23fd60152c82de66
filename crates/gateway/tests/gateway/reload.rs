//! Another configuration while sessions go on: what changes, what waits for a restart, and what is refused.
#![expect(
    clippy::disallowed_methods,
    reason = "a gateway with a file runs in a task beside the test"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tidegate::config::{Config, Sources};
use tidegate::start::Gateway;
use tidegate_testkit::client::{Client, Incoming};

use crate::process::Process;
use crate::running::{API_KEY, Answered, JWT_SECRET, Running, gateway, serve};

/// A gateway whose configuration is in a file of its own.
pub(crate) struct Reloading {
    pub(crate) running: Running,
    file: PathBuf,
    key: &'static str,
}

fn file(name: &str, text: &str) -> PathBuf {
    let name = format!("reload-{}-{name}.toml", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("cargo's folder for test files can be written to");
    path
}

impl Reloading {
    pub(crate) async fn start(name: &str, text: &str) -> Self {
        let file = file(name, text);
        let flags = [("listen.address", "127.0.0.1:0"), ("drain_timeout", "1s")];
        let sources = Sources {
            file: Some(file.clone()),
            flags: flags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
            ..Sources::default()
        };
        let config = Config::load(&sources).expect("a right file").config;
        let gateway = Gateway::bind(config).await.expect("it listens").reloading(sources, None);
        Self { running: serve(gateway), file, key: API_KEY }
    }

    /// Writes another file and has it read.
    pub(crate) async fn reload(&self, text: &str) -> Answered {
        std::fs::write(&self.file, text).expect("written");
        let key = format!("Bearer {}", self.key);
        let headers = [("authorization", key.as_str())];
        self.running.request(Method::POST, "/api/v1/config/reload", &headers, "").await
    }
}

impl Drop for Reloading {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// A file with the API key of these tests and what else is given.
pub(crate) fn with_key(more: &str) -> String {
    format!("{more}\n[api]\nkey = \"{API_KEY}\"\n")
}

fn change(key: &str, from: &str, to: &str) -> Value {
    json!({ "key": key, "from": from, "to": to })
}

async fn echo(client: &mut Client) -> Value {
    client.send_json(json!({ "type": "message", "content": 1 })).await;
    client.next_json().await
}

#[tokio::test]
async fn limits_change_for_sessions_that_ask_later_and_the_answer_says_what_changed() {
    let gateway = Reloading::start("limits", &with_key("")).await;
    let mut old = gateway.running.client().await;
    assert_eq!(echo(&mut old).await["type"], "message");
    let answer = gateway
        .reload(&with_key("[rate_limit]\nmax_requests = 1\nburst = 0\n[queue]\nbatch_size = 3"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.json(),
        json!({
            "changed": [
                change("rate_limit.max_requests", "30", "1"),
                change("rate_limit.burst", "5", "0"),
                change("queue.batch_size", "10", "3"),
            ],
            "restart": [],
        })
    );
    let mut new = gateway.running.client().await;
    assert_eq!(echo(&mut new).await["type"], "message");
    assert_eq!(echo(&mut new).await["type"], "rate_limit_error");
    for _ in 0..3 {
        assert_eq!(echo(&mut old).await["type"], "message", "the limit of its first command");
    }
    let again = gateway
        .reload(&with_key("[rate_limit]\nmax_requests = 1\nburst = 0\n[queue]\nbatch_size = 3"))
        .await;
    assert_eq!(again.json(), json!({ "changed": [], "restart": [] }));
}

#[tokio::test]
async fn routes_and_origins_change_while_sessions_go_on() {
    let gateway = Reloading::start("routes", &with_key("")).await;
    let mut client = gateway.running.client().await;
    let page = [("origin", "https://chat.example.com")];
    let url = gateway.running.ws("/ws");
    assert_eq!(Client::connect_with(&url, &page, &[]).await.expect_err("foreign").status, 403);
    let upstream = tidegate_testkit::upstream::Upstream::start(
        tidegate_testkit::upstream::Script::text().chunk("from the route"),
    )
    .await;
    let routes = format!(
        "[listen]\nallowed_origins = [\"https://chat.example.com\"]\n[[routes]]\nname = \"a\"\nupstream = \"{}\"\n\
         request = \"json\"\nresponse = \"text\"\nvocabulary = \"text\"\ndefault = true\nheaders = {{ x = \"hidden one\" }}",
        upstream.url("/")
    );
    let answer = gateway.reload(&with_key(&routes)).await.json();
    assert_eq!(answer["changed"][1], json!({ "key": "routes[0]", "from": null, "to": "\"a\"" }));
    client.send_json(json!({ "type": "message", "id": 1, "content": "q" })).await;
    assert_eq!(client.expect("message").await["content"], "from the route");
    Client::connect_with(&url, &page, &[]).await.expect("listed now").expect("welcome").await;
    let answer = gateway.reload(&with_key(&routes.replace("hidden one", "hidden two"))).await;
    let headers = r#"{ "x" = "***" }"#;
    assert_eq!(answer.json()["changed"], json!([change("routes[0].headers", headers, headers)]));
    let answer = gateway.reload(&with_key("")).await.json();
    assert_eq!(answer["changed"][1], json!({ "key": "routes[0]", "from": "\"a\"", "to": null }));
    assert_eq!(echo(&mut client).await["content"], 1, "without a route it is an echo again");
}

#[tokio::test]
async fn keys_change_and_are_never_shown() {
    let mut gateway = Reloading::start("keys", &with_key("")).await;
    let text = format!("[auth]\njwt_secret = \"{JWT_SECRET}\"\n[api]\nkey = \"the next key\"\n");
    let answer = gateway.reload(&text).await;
    assert_eq!(
        answer.json()["changed"],
        json!([
            change("auth.jwt_secret", "\"\"", "\"***\""),
            change("api.key", "\"***\"", "\"***\"")
        ])
    );
    gateway.running.user("42").await;
    assert_eq!(gateway.reload(&text).await.status, 401, "the old key is worth nothing now");
    gateway.key = "the next key";
    assert_eq!(gateway.reload(&text).await.status, 200);
    let answer = gateway.reload("").await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("api.key"), "{}", answer.body);
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_stays() {
    let gateway = Reloading::start("restart", &with_key("")).await;
    let text =
        with_key("workers = 3\n[pool]\nmax_connections = 7\n[heartbeat]\nping_timeout = \"5s\"");
    let answer = gateway.reload(&text).await.json();
    assert_eq!(
        answer["restart"],
        json!([change("workers", "0", "3"), change("pool.max_connections", "1000", "7")])
    );
    assert_eq!(answer["changed"], json!([change("heartbeat.ping_timeout", "\"10s\"", "\"5s\"")]));
    let stats = gateway.running.get("/api/websocket/stats").await.json();
    assert_eq!(stats["pool"]["max_connections"], 1000);
    let (_client, welcome) = gateway.running.client_at("/ws").await;
    assert_eq!(welcome["heartbeat"]["timeout_ms"], 5000);
    let again = gateway.reload(&text).await.json();
    assert_eq!(again["restart"].as_array().unwrap().len(), 2, "it is still to be restarted");
}

#[tokio::test]
async fn a_bad_file_is_refused_whole_with_what_check_config_says() {
    let gateway = Reloading::start("bad", &with_key("")).await;
    let bad =
        with_key("drain_timeout = 10\n[rate_limit]\nmax_reqests = 1\nmax_requests = 1\nburst = 0");
    let answer = gateway.reload(&bad).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["code"].as_str()),
        (422, Some("invalid_config"))
    );
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let said = answer.json()["detail"].as_str().unwrap().to_owned();
    let sources = Sources { file: Some(gateway.file.clone()), ..Sources::default() };
    assert_eq!(said, Config::load(&sources).expect_err("wrong").to_string());
    for (bad, says) in [
        ("log = \"tidegate=loud\"", "log"),
        // Fits with the value in the file, not with the one that stays in force.
        (
            "[queue]\nmax_queue_bytes = \"64KiB\"\n[stream]\nmax_event_bytes = \"1KiB\"\n[codec]\nmax_message_bytes = \"1KiB\"",
            "restart",
        ),
        (
            "[[routes]]\nname = \"a\"\nupstream = \"http://127.0.0.1:1/\"\nheaders = { \"a b\" = \"x\" }",
            "a b",
        ),
    ] {
        let answer = gateway.reload(&with_key(bad)).await;
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(answer.status == 422 && detail.contains(says), "{detail}");
    }
    std::fs::remove_file(&gateway.file).expect("it was there");
    let mut client = gateway.running.client().await;
    for _ in 0..5 {
        assert_eq!(echo(&mut client).await["type"], "message", "nothing of it is in force");
    }
}

/// What a client of these features hears of one publication, as it comes.
async fn heard(gateway: &Reloading, client: &mut Client) -> Incoming {
    let body = json!({ "to": "all", "content": { "session_id": "x".repeat(20_000), "created_at": "2024-03-14T09:01:28.500Z" } });
    assert_eq!(gateway.running.publish(&body.to_string()).await.status, 202);
    loop {
        match client.next().await {
            Incoming::Ping(_) | Incoming::Pong(_) => {}
            other => return other,
        }
    }
}

#[tokio::test]
async fn an_optimization_that_is_switched_off_ends_at_once_in_living_sessions() {
    let gateway = Reloading::start("off", &with_key("")).await;
    let (mut client, welcome) = gateway.running.client_at("/ws?agree=optimize,gzip,batch").await;
    assert_eq!(welcome["agreed"], json!(["optimize", "batch", "gzip"]));
    assert!(matches!(heard(&gateway, &mut client).await, Incoming::Binary(_)), "gzip");
    gateway.reload(&with_key("[codec]\ngzip = false")).await;
    let Incoming::Text(text) = heard(&gateway, &mut client).await else {
        panic!("no gzip any more")
    };
    assert!(text.starts_with(r#"{"_v":2"#), "{}", &text[..40]);
    let off = with_key("[codec]\ngzip = false\noptimize = false\nbatch = false\nlz4 = false");
    let answer = gateway.reload(&off).await.json();
    assert_eq!(answer["changed"][0], change("codec.optimize", "true", "false"));
    let Incoming::Text(text) = heard(&gateway, &mut client).await else { panic!("plain JSON") };
    assert!(text.starts_with(r#"{"type":"message""#), "{}", &text[..40]);
    // What the client still writes as agreed is read as agreed.
    client.send_text(r#"{"_v":2,"type":"message","id":1,"content":{"ts":1710406888500}}"#).await;
    let echo = client.expect("message").await;
    assert_eq!(echo["content"], json!({ "created_at": "2024-03-14T09:01:28.500Z" }));
    client.send_json(json!({ "type": "hello", "agree": ["optimize", "json_ping"] })).await;
    assert_eq!(client.expect("welcome").await["agreed"], json!(["json_ping"]));
    let (mut other, welcome) = gateway.running.client_at("/ws?agree=batch").await;
    assert_eq!(welcome["agreed"], json!([]));
    gateway.reload(&with_key("")).await;
    other.send_json(json!({ "type": "hello", "agree": ["optimize"] })).await;
    assert_eq!(other.expect("welcome").await["agreed"], json!(["optimize"]));
}

#[tokio::test]
async fn a_gateway_without_sources_says_so() {
    let gateway = gateway(|_| {}).await;
    let key = format!("Bearer {API_KEY}");
    let path = "/api/v1/config/reload";
    let answer = gateway.request(Method::POST, path, &[("authorization", &key)], "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["code"].as_str()),
        (422, Some("unsupported"))
    );
    assert_eq!(gateway.request(Method::POST, path, &[], "").await.status, 401);
}

#[tokio::test]
async fn sighup_reloads_and_logs_the_difference_and_a_bad_file_changes_nothing() {
    let secret = "a route's password nobody may read";
    let route = |name: &str| {
        format!(
            "[[routes]]\nname = \"{name}\"\nupstream = \"http://127.0.0.1:1/\"\nheaders = {{ a = \"{secret}\" }}\n"
        )
    };
    let path = file("hup", &route("one"));
    let gateway = Process::start(&["--config", path.to_str().expect("a name in UTF-8")]);
    let mut client = Client::connect(&format!("ws://{}/ws", gateway.address)).await;
    client.expect("welcome").await;
    std::fs::write(&path, format!("log = \"debug\"\nworkers = 1\n{}", route("two")))
        .expect("written");
    gateway.signal("HUP");
    let log = until(&gateway, "configuration reloaded").await;
    for line in [
        r#"configuration: log: "info" -> "debug""#,
        "configuration: workers: 0 -> 1 needs a restart",
        r#"configuration: routes[0].name: "one" -> "two""#,
    ] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    // What is logged has changed: each request is a line now.
    Client::connect(&format!("ws://{}/ws", gateway.address)).await;
    until(&gateway, "DEBUG").await;
    std::fs::write(&path, "log = 7\nlgo = \"x\"\n").expect("written");
    gateway.signal("HUP");
    let log = until(&gateway, "not reloaded").await;
    assert!(log.contains("unknown key `lgo`; did you mean `log`?"), "{log}");
    assert!(!log.contains(secret), "{log}");
    client.send_json(json!({ "type": "ping" })).await;
    client.expect("pong").await;
    let _ = std::fs::remove_file(&path);
    drop(client);
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.0, Some(0));
}

/// The log, once it has these words.
async fn until(gateway: &Process, words: &str) -> String {
    for _ in 0..1_000 {
        let log = gateway.log();
        if log.contains(words) {
            return log;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{words:?} is not in {}", gateway.log());
}
