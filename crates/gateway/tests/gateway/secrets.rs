//! No secret comes out again: not in logs at their most talkative, not in answers, figures, errors or `check-config`.

use std::net::SocketAddr;
use std::process::Stdio;

use http::Method;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tidegate_testkit::client::Client;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::issuer::{Issuer, forged, key_set, written};
use crate::publisher::{Publisher, Says};

const SHARED: &str = "the-shared-secret-of-more-than-32-bytes";
const LONG: &str = "the-longer-secret-of-the-second-key-which-has-48-bytes-or-more";
const API_KEY: &str = "the-key-of-the-api";
const HEADER: &str = "the-key-of-the-upstream";
const QUERY: &str = "the-key-in-the-query";

fn config(publisher: &Publisher) -> String {
    format!(
        r#"
        log = "trace"
        drain_timeout = "1s"
        [listen]
        address = "127.0.0.1:0"
        [auth]
        anonymous = false
        jwt_secret = "{SHARED}"
        jwks_url = "{}?key={QUERY}"
        jwks_min_interval = "50ms"
        [[auth.keys]]
        id = "second"
        algorithm = "HS384"
        secret = "{LONG}"
        [api]
        key = "{API_KEY}"
        [[routes]]
        name = "nowhere"
        upstream = "http://127.0.0.1:9/?key={QUERY}"
        headers = {{ Authorization = "Bearer {HEADER}" }}
        default = true
        "#,
        publisher.url()
    )
}

/// The binary with everything that it says.
struct Process {
    child: Child,
    address: SocketAddr,
    said: String,
}

impl Process {
    async fn start(file: &str) -> Self {
        let mut child = tidegate(&["--config", file]).spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stdout.as_mut().expect("a pipe")).lines();
        let mut said = String::new();
        loop {
            let line = lines.next_line().await.expect("a log in UTF-8").expect("an announcement");
            said.push_str(&line);
            if let Some((_, address)) = line.split_once("http://")
                && let Some((address, _)) = address.split_once("/api/websocket/health")
            {
                let address = address.parse().expect("an address");
                return Self { child, address, said };
            }
        }
    }

    /// What it has said in its whole life.
    async fn stop(mut self) -> String {
        let mut log = self.child.stderr.take().expect("a pipe");
        self.child.start_kill().expect("it runs");
        log.read_to_string(&mut self.said).await.expect("a log in UTF-8");
        self.said
    }

    async fn request(&self, method: Method, path: &str, authorization: &str) -> String {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", authorization)
            .body(Full::<bytes::Bytes>::from("{"))
            .expect("a request");
        let client = HttpClient::builder(TokioExecutor::new()).build_http();
        let (head, body) = client.request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        format!("{head:?} {}", String::from_utf8_lossy(&body))
    }
}

fn tidegate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.env_clear().args(arguments).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Brings a token in each of the four ways, then in a session that is there, and gives all that is answered.
async fn knock(process: &Process, token: &str) -> String {
    let url = format!("ws://{}/ws", process.address);
    let (header, entry) = (format!("Bearer {token}"), format!("tidegate.bearer.{token}"));
    let mut answers = String::new();
    for (url, headers, protocols) in [
        (&url, &[("authorization", header.as_str())][..], &[][..]),
        (&format!("{url}?token={token}"), &[], &[]),
        (&url, &[], &["tidegate.v1.json", &entry]),
    ] {
        match Client::connect_with(url, headers, protocols).await {
            Ok(mut client) => {
                let protocol = client.header("sec-websocket-protocol").map(str::to_owned);
                client.send_json(json!({ "type": "auth", "id": 1, "token": token })).await;
                client.send_json(json!({ "type": "message", "id": 2, "content": 1 })).await;
                client.send_json(json!({ "type": "get_stats", "id": 3 })).await;
                for _ in 0..4 {
                    answers.push_str(&client.next_json().await.to_string());
                }
                answers.push_str(&format!("{protocol:?}"));
            }
            Err(refused) => answers.push_str(&format!(
                "{:?} {}",
                refused.headers,
                String::from_utf8_lossy(&refused.body)
            )),
        }
    }
    let mut client = Client::connect(&url).await;
    client.send_json(json!({ "type": "auth", "token": token })).await;
    answers.push_str(&format!("{:?}", client.next().await));
    answers
}

fn assert_silent(what: &str, said: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!said.contains(secret), "{what} tells {secret}: {said}");
    }
}

#[tokio::test]
async fn secrets_and_tokens_stay_where_they_are() {
    let ec = Issuer::es256("ec");
    let publisher = Publisher::new(Says::Body(key_set(&[&ec]))).await;
    let file = written("secrets.toml", &config(&publisher));
    let process = Process::start(&file).await;
    let shared = Issuer::shared("k", jsonwebtoken::Algorithm::HS256, SHARED);
    let tokens = [
        shared.token_of(None, json!({ "sub": "42" })),
        ec.token(json!({ "sub": "42" })),
        Issuer::es256("unknown").token(json!({ "sub": "42" })),
        shared.token_of(None, json!({ "sub": "42", "exp": 1 })),
        forged(r#"{"alg":"none"}"#, &json!({ "sub": "42" })),
        "a-token-that-is-none".to_owned(),
    ];
    let mut secrets = vec![SHARED, LONG, API_KEY, HEADER, QUERY];
    secrets.extend(tokens.iter().map(|token| token.rsplit('.').next().unwrap()));

    for token in &tokens {
        assert_silent("the door", &knock(&process, token).await, &secrets);
    }
    publisher.say(Says::Body(format!("{{ {QUERY} {SHARED}")));
    let before = publisher.asked();
    while publisher.asked() == before {
        assert_silent("the door", &knock(&process, &tokens[2]).await, &secrets);
    }
    assert_silent("the door", &knock(&process, &tokens[2]).await, &secrets);
    for path in [
        "/metrics",
        "/api/websocket/stats",
        "/api/websocket/health",
        "/api/v1/connections",
        "/api/v1/publish",
        "/",
        "/livez",
        "/readyz",
        "/nowhere",
    ] {
        for (method, key) in
            [(Method::GET, API_KEY), (Method::POST, API_KEY), (Method::GET, "wrong-key")]
        {
            let answer = process.request(method, path, &format!("Bearer {key}")).await;
            assert_silent(path, &answer, &secrets);
            assert!(!answer.contains("wrong-key"), "{answer}");
        }
    }
    let said = process.stop().await;
    assert!(
        said.contains("TRACE") && said.contains("keys cannot be fetched"),
        "the log is whole: {said}"
    );
    assert_silent("the log", &said, &secrets);
}

#[tokio::test]
async fn check_config_and_errors_show_no_secret() {
    let publisher = Publisher::new(Says::Silence).await;
    let right = config(&publisher);
    let secrets = [SHARED, LONG, API_KEY, HEADER];
    for (name, text, succeeds) in [
        ("shown", right.clone(), true),
        ("line", right.replace(&format!("\"{SHARED}\""), SHARED), false),
        ("open", right.replace(&format!("{LONG}\""), LONG), false),
        ("list", right.replace(&format!("\"{API_KEY}\""), &format!("[\"{API_KEY}\"]")), false),
        (
            "table",
            right.replace(&format!("\"Bearer {HEADER}\""), &format!("[\"{HEADER}\"]")),
            false,
        ),
        ("unknown", right.replace("jwt_secret", "jwt_sercet"), false),
        ("algorithm", right.replace("HS384", "RS256"), false),
        ("short", right.replace("HS384", "HS512").replace("or-more", ""), false),
    ] {
        let file = written(&format!("secrets-{name}.toml"), &text);
        let output = tidegate(&["check-config", &file]).output().await.expect("the binary runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.success(), succeeds, "{name}: {said}");
        assert_silent(name, &said, &secrets);
        assert!(!said.contains("the-longer-secret"), "{name}: {said}");
    }
}
