//! The commands against a running gateway, as processes of their own.

use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::running::{API_KEY, Running, gateway, token, with_tokens};

/// Runs the binary with these arguments and nothing in its environment but these variables.
async fn tidegate(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    let run = tokio::task::spawn_blocking(move || command.output());
    run.await.expect("no panic").expect("the binary starts")
}

/// The same, told of the gateway by its environment.
async fn asked(gateway: &Running, arguments: &[&str]) -> (Option<i32>, String, String) {
    let url = format!("http://{}", gateway.address);
    let environment = [("TIDEGATE_URL", url.as_str()), ("TIDEGATE_API_KEY", API_KEY)];
    told(&tidegate(arguments, &environment).await)
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn ps_lists_connections_for_a_person_and_for_a_program() {
    let gateway = gateway(with_tokens).await;
    let none = asked(&gateway, &["ps"]).await;
    assert_eq!(none, (Some(0), "no connections\n".into(), String::new()));
    let path = format!("/ws?token={}", token(json!({ "sub": "anna" })));
    let (mut anna, welcome) = gateway.client_at(&path).await;
    anna.send_json(json!({ "type": "join", "id": 1, "group": "room" })).await;
    anna.expect("reply").await;
    let (code, out, err) = asked(&gateway, &["ps"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = out.lines().collect();
    let [head, row, sum] = lines.as_slice() else { panic!("{out}") };
    assert!(head.starts_with("SESSION") && head.ends_with("GROUPS"), "{head}");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[..2], [welcome["session"].as_str().unwrap(), "anna"]);
    assert_eq!((cells.last(), *sum), (Some(&"room"), "1 connection"));
    let (code, out, _) = asked(&gateway, &["ps", "--json"]).await;
    let value: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &value["connections"][0]["user"]), (Some(0), &json!("anna")));
}

#[tokio::test]
async fn kick_ends_a_connection_and_says_so_when_there_is_none() {
    let gateway = gateway(|_| {}).await;
    let (mut client, welcome) = gateway.client_at("/ws").await;
    let session = welcome["session"].as_str().unwrap();
    let (code, out, err) =
        asked(&gateway, &["kick", session, "--code", "4002", "--reason", "banned"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, format!("closing {session} with 4002 banned\n"));
    assert_eq!(client.close_frame().await, Some((4002, "banned".to_owned())));
    gateway.stats_until(|stats| stats["active_connections"] == 0).await;
    let (code, out, err) = asked(&gateway, &["kick", session]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("no such connection") && err.contains("404"), "{err}");
    let (code, _, err) = asked(&gateway, &["kick", session, "--code", "1006"]).await;
    assert!(code == Some(1) && err.contains("1006"), "{err}");
    let (code, _, err) = asked(&gateway, &["kick", "no-id"]).await;
    assert!(code == Some(2) && err.contains("16 characters"), "{err}");
}

#[tokio::test]
async fn publish_reaches_its_target() {
    let gateway = gateway(with_tokens).await;
    let mut client = gateway.user("42").await;
    for (arguments, kind, content) in [
        (&["publish", "--user", "42", "hello there"][..], "message", json!("hello there")),
        (
            &["publish", "--all", r#"{"n":1}"#, "--type", "news", "--class", "critical"],
            "news",
            json!({ "n": 1 }),
        ),
        (&["publish", "--all", "--priority", "high", "--text", "7"], "message", json!("7")),
    ] {
        let (code, out, err) = asked(&gateway, arguments).await;
        assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
        let message = client.expect(kind).await;
        assert_eq!(message["content"], content);
        let id = message["message_id"].as_str().unwrap();
        assert_eq!(out, format!("published {id}\n"));
    }
    let (code, out, _) = asked(&gateway, &["publish", "--user", "42", "x", "--json"]).await;
    let id = client.expect("message").await["message_id"].clone();
    assert_eq!(
        (code, serde_json::from_str(&out).ok()),
        (Some(0), Some(json!({ "message_id": id })))
    );
    let (code, _, err) = asked(&gateway, &["publish", "--all", "--type", "stream_end", "x"]).await;
    assert!(code == Some(1) && err.contains("reserved_type"), "{err}");
}

#[tokio::test]
async fn address_and_key_come_from_flags_before_the_environment() {
    let gateway = gateway(|_| {}).await;
    let url = gateway.address.to_string();
    let wrong = [("TIDEGATE_URL", "http://127.0.0.1:1"), ("TIDEGATE_API_KEY", "wrong")];
    let flags = ["ps", "--url", &url, "--key", API_KEY];
    assert_eq!(told(&tidegate(&flags, &wrong).await).0, Some(0));
    let (code, _, err) = told(&tidegate(&flags[..3], &wrong).await);
    assert!(code == Some(1) && err.contains("401"), "{err}");
    let own = [("TIDEGATE_API__KEY", API_KEY)];
    assert_eq!(told(&tidegate(&flags[..3], &own).await).0, Some(0), "the gateway's own variable");
}

#[tokio::test]
async fn what_is_missing_is_said_with_an_exit_code_of_its_own() {
    let (code, _, err) = told(&tidegate(&["ps"], &[]).await);
    assert!(code == Some(2) && err.contains("TIDEGATE_API_KEY"), "{err}");
    let key = [("TIDEGATE_API_KEY", "k")];
    for (arguments, says) in [
        (&["ps", "--url", "https://gate.example.com"][..], "TLS"),
        (&["ps", "--config", "tidegate.toml"], "--url"),
        (&["publish", "no target"], "--user"),
    ] {
        let (code, out, err) = told(&tidegate(arguments, &key).await);
        assert!(code == Some(2) && err.contains(says) && out.is_empty(), "{arguments:?}: {err}");
    }
    let (code, _, err) = told(&tidegate(&["ps", "--url", "http://127.0.0.1:1"], &key).await);
    assert!(code == Some(3) && err.contains("http://127.0.0.1:1"), "{err}");
    let foreign = foreign_server().await;
    let (code, _, err) = told(&tidegate(&["ps", "--url", &foreign.to_string()], &key).await);
    assert!(code == Some(3) && err.contains("not a gateway's"), "{err}");
}

/// A server that answers 200 with something that is no gateway's answer.
#[expect(clippy::disallowed_methods, reason = "the foreign server runs beside the test")]
async fn foreign_server() -> SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n<hi>").await;
        }
    });
    address
}
