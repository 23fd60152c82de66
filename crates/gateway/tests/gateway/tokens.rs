//! Tokens: which keys and algorithms count, what a token must say, and how a bad one is refused.

use std::time::Duration;

use jsonwebtoken::Algorithm as Alg;
use serde_json::{Value, json};
use tidegate::config::{Algorithm, AuthKey, Config, Secret, Size};
use tidegate::start::Gateway;
use tidegate_testkit::client::{Client, Incoming};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::issuer::{Issuer, forged, pem, written};
use crate::running::{JWT_SECRET, Running, at, gateway, in_seconds, token, with_tokens};

const HS384: &str = "a secret of at least forty-eight bytes for HS384, as it must be";
const HS512: &str = "a secret of at least sixty-four bytes for HS512, which is quite a lot of text";

fn secret(id: &str, algorithm: Algorithm, secret: &str) -> AuthKey {
    AuthKey {
        id: Some(id.to_owned()),
        algorithm,
        secret: Secret::new(secret),
        public_key_file: None,
    }
}

fn public(issuer: &Issuer, algorithm: Algorithm, file: &str) -> AuthKey {
    AuthKey {
        id: Some(issuer.kid.clone()),
        algorithm,
        public_key_file: Some(written(file, &issuer.pem())),
        ..AuthKey::default()
    }
}

/// What a token in the request is answered with: 200 stands for a `welcome`.
pub(crate) async fn status(gateway: &Running, token: &str) -> u16 {
    match Client::connect_with(&gateway.ws(&format!("/ws?token={token}")), &[], &[]).await {
        Ok(mut client) => {
            client.expect("welcome").await;
            200
        }
        Err(refused) => refused.status.as_u16(),
    }
}

/// How a first message with this token ends: with 0 where it is welcome, or a close code.
pub(crate) async fn in_band(gateway: &Running, token: &str) -> u16 {
    let mut client = Client::connect(&gateway.ws("/ws")).await;
    client.send_json(json!({ "type": "auth", "token": token })).await;
    loop {
        match client.next().await {
            Incoming::Text(_) => return 0,
            Incoming::Close(Some((code, _))) => return code,
            Incoming::Ping(_) | Incoming::Pong(_) => {}
            other => panic!("wanted a message or a close frame, got {other:?}"),
        }
    }
}

async fn both(gateway: &Running, token: &str) -> (u16, u16) {
    (status(gateway, token).await, in_band(gateway, token).await)
}

#[tokio::test]
async fn takes_each_algorithm_with_the_key_that_the_token_names() {
    let issuers = [
        Issuer::shared("plain", Alg::HS256, JWT_SECRET),
        Issuer::shared("middle", Alg::HS384, HS384),
        Issuer::shared("long", Alg::HS512, HS512),
        Issuer::rs256("rsa"),
        Issuer::es256("ec"),
        Issuer::ed25519("ed"),
    ];
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.keys = vec![
            secret("middle", Algorithm::Hs384, HS384),
            secret("long", Algorithm::Hs512, HS512),
            public(&issuers[3], Algorithm::Rs256, "takes-rsa.pem"),
            public(&issuers[4], Algorithm::Es256, "takes-ec.pem"),
            public(&issuers[5], Algorithm::EdDsa, "takes-ed.pem"),
        ];
    })
    .await;
    for issuer in &issuers {
        let claims = json!({ "sub": "42" });
        assert_eq!(both(&gateway, &issuer.token(claims.clone())).await, (200, 0), "{}", issuer.kid);
        let nameless = issuer.token_of(None, claims);
        assert_eq!(status(&gateway, &nameless).await, 200, "{} without a kid", issuer.kid);
    }
}

#[tokio::test]
async fn refuses_what_no_key_stands_for() {
    let (rsa, ec) = (Issuer::rs256("rsa"), Issuer::es256("ec"));
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.keys = vec![
            public(&rsa, Algorithm::Rs256, "refuses-rsa.pem"),
            public(&ec, Algorithm::Es256, "refuses-ec.pem"),
        ];
    })
    .await;
    let claims = json!({ "sub": "42" });
    // The oldest trick: a public key as a shared secret.
    let confused = |secret: &str| Issuer::shared("rsa", Alg::HS256, secret);
    for (what, token) in [
        ("none", forged(r#"{"alg":"none"}"#, &claims)),
        ("none of a known key", forged(r#"{"alg":"NONE","kid":"rsa"}"#, &claims)),
        ("an unknown algorithm", forged(r#"{"alg":"ES384"}"#, &claims)),
        ("a public key as a secret", confused(&rsa.pem()).token(claims.clone())),
        ("a secret under the name of another key", confused(JWT_SECRET).token(claims.clone())),
        ("another key under a known name", Issuer::rs256("rsa").token(claims.clone())),
        (
            "a key under the name of one of another algorithm",
            ec.called("rsa").token(claims.clone()),
        ),
        ("an unknown name", Issuer::es256("other").token(claims.clone())),
        ("another secret", Issuer::shared("", Alg::HS256, HS384).token_of(None, claims.clone())),
        ("HS384 with the key of HS256", {
            Issuer::shared("", Alg::HS384, JWT_SECRET).token_of(None, claims.clone())
        }),
        ("an extension that must be understood", {
            forged(r#"{"alg":"HS256","crit":["b64"]}"#, &claims)
        }),
        ("no head", forged("", &claims)),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
    ] {
        assert_eq!(both(&gateway, &token).await, (401, 4001), "{what}");
    }
    assert_eq!(status(&gateway, &rsa.token(claims)).await, 200);
}

#[tokio::test]
async fn what_a_token_says_of_time_audience_and_issuer_is_checked() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.leeway = Duration::from_secs(60);
        config.auth.audience = Some("chat".into());
        config.auth.issuer = Some("https://login.example.com".into());
    })
    .await;
    let with = |changes: Value| {
        let mut claims = json!({ "sub": "42", "aud": "chat", "iss": "https://login.example.com" });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        token(claims)
    };
    for (changes, expected) in [
        (json!({}), (200, 0)),
        (json!({ "aud": ["mail", "chat"] }), (200, 0)),
        (json!({ "exp": in_seconds(-30) }), (200, 0)),
        (json!({ "exp": in_seconds(-90) }), (401, 4001)),
        (json!({ "exp": null }), (401, 4001)),
        (json!({ "exp": "tomorrow" }), (401, 4001)),
        (json!({ "nbf": in_seconds(30) }), (200, 0)),
        (json!({ "nbf": in_seconds(90) }), (401, 4001)),
        (json!({ "aud": "mail" }), (401, 4001)),
        (json!({ "aud": [] }), (401, 4001)),
        (json!({ "aud": null }), (401, 4001)),
        (json!({ "iss": "https://evil.example.com" }), (401, 4001)),
        (json!({ "iss": null }), (401, 4001)),
        (json!({ "sub": 42 }), (401, 4001)),
        (json!({ "sub": "x".repeat(129) }), (401, 4001)),
        (json!({ "tidegate": { "join": "room" } }), (401, 4001)),
    ] {
        assert_eq!(both(&gateway, &with(changes.clone())).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn a_token_of_a_mebibyte_costs_no_more_than_its_head() {
    let gateway = gateway(with_tokens).await;
    let huge = token(json!({ "sub": "42", "filler": "x".repeat(1 << 20) }));
    for (path, header) in [
        ("/ws".to_owned(), format!("authorization: Bearer {huge}")),
        (format!("/ws?token={huge}"), "accept: */*".to_owned()),
        ("/ws".to_owned(), format!("sec-websocket-protocol: tidegate.bearer.{huge}")),
    ] {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n\r\n",
            gateway.address
        );
        let status = first_line(&gateway, &head).await;
        assert!(status.contains(" 431 ") || status.contains(" 414 "), "{status}");
    }
    assert_eq!(in_band(&gateway, &huge).await, 1009);
}

/// What a head that the gateway does not read to its end is answered with.
async fn first_line(gateway: &Running, head: &str) -> String {
    let stream = TcpStream::connect(gateway.address).await.expect("the gateway listens");
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    let mut lines = BufReader::new(reading);
    // It may be told, and closed, before all is written.
    let (_, read) = tokio::join!(writing.write_all(head.as_bytes()), lines.read_line(&mut line));
    read.expect("an answer");
    line
}

#[tokio::test]
async fn a_token_over_its_limit_is_refused_unread() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.max_token_bytes = Size::from_bytes(512);
    })
    .await;
    let long = token(json!({ "sub": "42", "filler": "x".repeat(512) }));
    assert_eq!(both(&gateway, &long).await, (401, 4001));
    let mut client = gateway.user("42").await;
    client.send_json(json!({ "type": "auth", "id": 1, "token": long })).await;
    let error = client.expect("error").await;
    assert_eq!(error["code"], "unauthorized");
    assert!(error["message"].as_str().unwrap().contains("max_token_bytes"), "{error}");
}

#[tokio::test]
async fn once_known_a_client_may_send_more_than_a_token() {
    let gateway = gateway(with_tokens).await;
    let mut client = Client::connect(&gateway.ws("/ws")).await;
    let long = "x".repeat(100_000);
    client.send_json(json!({ "type": "auth", "token": token(json!({ "sub": "42" })) })).await;
    client.send_json(json!({ "type": "message", "content": long })).await;
    client.expect("welcome").await;
    assert_eq!(client.expect("message").await["content"], long);
}

#[tokio::test]
async fn a_file_that_is_no_public_key_of_its_algorithm_stops_the_start() {
    let (rsa, ed) = (Issuer::rs256("rsa"), Issuer::ed25519("ed"));
    let private = pem("PRIVATE KEY", b"a very private key");
    for (file, text, expected) in [
        ("stop-other.pem", ed.pem(), "no public key for RS256"),
        ("stop-garbage.pem", "garbage".to_owned(), "BEGIN PUBLIC KEY"),
        ("stop-der.pem", pem("PUBLIC KEY", b"garbage"), "no public key for RS256"),
        ("stop-private.pem", private, "holds a private key"),
    ] {
        let mut config = Config::default();
        config.listen.address = at(0);
        config.auth.keys = vec![public(&rsa, Algorithm::Rs256, file)];
        written(file, &text);
        let error = Gateway::bind(config).await.err().expect("a refusal");
        assert!(error.starts_with("auth.keys[0].public_key_file: "), "{error}");
        assert!(error.contains(expected) && !error.contains("very private"), "{error}");
    }
    let mut config = Config::default();
    config.auth.keys = vec![AuthKey {
        algorithm: Algorithm::Rs256,
        public_key_file: Some("nowhere.pem".to_owned()),
        ..AuthKey::default()
    }];
    let error = Gateway::bind(config).await.err().expect("a refusal");
    assert!(error.contains("nowhere.pem: cannot be read"), "{error}");
}
