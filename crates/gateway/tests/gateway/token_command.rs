//! `tidegate token`, as it is called on a command line.

use std::process::{Command, Output};

use serde_json::json;
use tidegate::config::{Algorithm, AuthKey, Secret};

use crate::issuer::{Issuer, written};
use crate::running::{JWT_SECRET, gateway, with_tokens};

const HS512: &str = "a secret of at least sixty-four bytes for HS512, which is quite a lot of text";

fn tidegate(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn made(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = tidegate(variables, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a token in UTF-8").trim_end().to_owned()
}

#[tokio::test]
async fn its_token_opens_the_door_with_the_rights_that_were_asked_for() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.audience = Some("chat".to_owned());
        config.auth.issuer = Some("https://login.example.com".to_owned());
        config.authorize.join = vec![];
        config.authorize.send = vec![];
        config.authorize.broadcast = false;
    })
    .await;
    let token = made(
        &[
            ("TIDEGATE_AUTH__JWT_SECRET", JWT_SECRET),
            ("TIDEGATE_AUTH__AUDIENCE", "chat"),
            ("TIDEGATE_AUTH__ISSUER", "https://login.example.com"),
        ],
        &[
            "token",
            "--user",
            "42",
            "--ttl",
            "1h",
            "--join",
            "room-*",
            "--join",
            "hall",
            "--send",
            "user:*",
            "--broadcast",
            "--weight",
            "7",
        ],
    );
    let (mut client, welcome) = gateway.client_at(&format!("/ws?token={token}")).await;
    assert_eq!(welcome["user"], "42");
    for command in [
        json!({ "type": "join", "group": "room-1", "weight": 7 }),
        json!({ "type": "join", "group": "hall" }),
        json!({ "type": "send", "to": { "user": "7" }, "content": 1 }),
        json!({ "type": "broadcast", "content": 1 }),
    ] {
        let mut command = command;
        command["id"] = json!(1);
        client.send_json(command).await;
        client.expect("reply").await;
    }
    client.send_json(json!({ "type": "join", "id": 2, "group": "cellar" })).await;
    assert_eq!(client.expect("error").await["code"], "forbidden");
}

#[tokio::test]
async fn it_signs_with_the_key_that_is_named() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.keys = vec![AuthKey {
            id: Some("long".to_owned()),
            algorithm: Algorithm::Hs512,
            secret: Secret::new(HS512),
            ..AuthKey::default()
        }];
    })
    .await;
    let variables = [
        ("TIDEGATE_AUTH__JWT_SECRET", "another secret than that of the gateway"),
        ("TIDEGATE_AUTH__KEYS__0__ID", "long"),
        ("TIDEGATE_AUTH__KEYS__0__ALGORITHM", "HS512"),
        ("TIDEGATE_AUTH__KEYS__0__SECRET", HS512),
    ];
    let named = made(&variables, &["token", "--user", "42", "--key", "long"]);
    assert_eq!(crate::tokens::status(&gateway, &named).await, 200);
    let unnamed = made(&variables, &["token", "--user", "42"]);
    assert_eq!(crate::tokens::status(&gateway, &unnamed).await, 401);
    let first = made(&variables[1..], &["token", "--user", "42"]);
    assert_eq!(crate::tokens::status(&gateway, &first).await, 200);
}

#[test]
fn says_what_is_missing_and_never_what_is_secret() {
    let secret = [("TIDEGATE_AUTH__JWT_SECRET", JWT_SECRET)];
    let file = written("command.pem", &Issuer::es256("ec").pem());
    let public = [
        ("TIDEGATE_AUTH__KEYS__0__ALGORITHM", "ES256"),
        ("TIDEGATE_AUTH__KEYS__0__PUBLIC_KEY_FILE", file.as_str()),
    ];
    for (variables, arguments, expected) in [
        (&[][..], &["token", "--user", "42"][..], "set auth.jwt_secret"),
        (&public, &["token", "--user", "42"], "public keys alone"),
        (&secret, &["token", "--user", "42", "--key", "k"], "no key \"k\" with a secret"),
        (&secret, &["token"], "--user"),
        (&secret, &["token", "--user", ""], "--user"),
        (&secret, &["token", "--user", "42", "--ttl", "0s"], "at least one second"),
        (&secret, &["token", "--user", "42", "--ttl", "soon"], "at least one second"),
        (&secret, &["token", "--user", "42", "--weight", "0"], "--weight"),
        (
            &[("TIDEGATE_AUTH__JWT_SECRET", "short-secret")],
            &["token", "--user", "42"],
            "at least 32",
        ),
    ] {
        let output = tidegate(variables, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(!said.contains(JWT_SECRET) && !said.contains("short-secret"), "{said}");
    }
}
