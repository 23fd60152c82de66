//! Requests that are no requests, or two at once.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{
    Before, PATIENCE, UPGRADE, answer, answers, clock, connect, exchange, field, pause, rest,
};
use crate::running::{API_KEY, gateway, with_tokens};

#[tokio::test]
async fn half_an_upgrade_request_is_cut_off_in_time() {
    let gateway = gateway(|config| config.listen.header_timeout = Duration::from_millis(200)).await;
    let before = Before::of(&gateway).await;
    for half in [&UPGRADE[..4], &UPGRADE[..40], UPGRADE] {
        assert_eq!(answer(&gateway, half.as_bytes()).await, "", "{half}");
    }
    // A client that leaves in the middle is no different.
    connect(&gateway).await.write_all(&UPGRADE.as_bytes()[..60]).await.unwrap();
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn header_bytes_one_by_one_do_not_buy_time() {
    let gateway = gateway(|config| config.listen.header_timeout = Duration::from_millis(300)).await;
    let before = Before::of(&gateway).await;
    let mut stream = connect(&gateway).await;
    let began = clock();
    for byte in UPGRADE.as_bytes() {
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        let mut answer = [0];
        match timeout(Duration::from_millis(20), stream.read(&mut answer)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(_)) => panic!("half a request was answered"),
            Err(_) => {}
        }
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(250), "cut off after {took:?}");
    assert!(took < Duration::from_millis(1500), "cut off only after {took:?}");
    drop(stream);
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn a_hundred_thousand_headers_are_refused_unread() {
    let gateway = gateway(|_| {}).await;
    let before = Before::of(&gateway).await;
    let many = |count: usize| -> String {
        let headers: String = (0..count).map(|n| format!("x-{n}: {n}\r\n")).collect();
        format!("{UPGRADE}{headers}\r\n")
    };
    assert!(answer(&gateway, many(101).as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let large = format!("{UPGRADE}x: {}\r\n\r\n", "x".repeat(17 << 10));
    assert!(answer(&gateway, large.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let flood = answer(&gateway, many(100_000).as_bytes()).await;
    assert!(flood.is_empty() || flood.starts_with("HTTP/1.1 431 "), "{flood}");
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn no_second_request_is_smuggled_behind_a_first() {
    let gateway = gateway(|_| {}).await;
    let before = Before::of(&gateway).await;
    let second = "GET /livez HTTP/1.1\r\nHost: gate\r\n\r\n";
    let request = |headers: &str, body: &str| {
        format!(
            "POST /api/v1/publish HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {API_KEY}\r\n\
             {headers}\r\n\r\n{body}{second}"
        )
    };
    // Two lengths of one body: the request is the last of its connection, whoever is right.
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        let text = answer(&gateway, request(headers, "0\r\n\r\n").as_bytes()).await;
        assert_eq!(answers(&text), 1, "{headers}: {text}");
    }
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Content-Length: 99999999999999999999",
        "Content-Length : 5",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "X: folded\r\n Transfer-Encoding: chunked",
        "X: a\0b",
        "X: a\rTransfer-Encoding: chunked",
        "X\x0b: a",
        ": a",
    ] {
        let text = answer(&gateway, request(headers, "0\r\n\r\n").as_bytes()).await;
        assert!(text.starts_with("HTTP/1.1 400 "), "{headers:?}: {text}");
        assert_eq!(answers(&text), 1, "{headers:?}: {text}");
    }
    let old = request("Transfer-Encoding: chunked", "0\r\n\r\n").replacen("1.1", "1.0", 1);
    assert!(answer(&gateway, old.as_bytes()).await.contains(" 400 "));
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn an_upgrade_with_a_body_is_refused() {
    let gateway = gateway(|_| {}).await;
    let before = Before::of(&gateway).await;
    for (headers, body) in [
        ("Content-Length: 4", "\u{1}abc"),
        ("Content-Length: 100000", "abc"),
        ("Transfer-Encoding: chunked", "4\r\nabcd\r\n0\r\n\r\n"),
        ("Content-Length: 4\r\nExpect: 100-continue", ""),
    ] {
        let request = format!("{UPGRADE}{headers}\r\n\r\n{body}");
        let (status, _, problem) = exchange(&mut connect(&gateway).await, &request).await;
        assert_eq!(status, 400, "{headers}");
        assert!(problem.contains("has no body"), "{headers}: {problem}");
    }
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn wrong_methods_and_versions_open_nothing() {
    let gateway = gateway(|_| {}).await;
    let before = Before::of(&gateway).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let request = format!("{UPGRADE}\r\n").replacen("GET", method, 1);
        let (status, head, _) = exchange(&mut connect(&gateway).await, &request).await;
        assert_eq!((status, field(&head, "allow")), (405, Some("get")), "{method}");
    }
    let older = format!("{UPGRADE}\r\n").replacen("1.1", "1.0", 1);
    assert!(answer(&gateway, older.as_bytes()).await.contains(" 400 "));
    for bytes in [
        &b"GET /ws\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"GET /ws HTTP/3.0\r\n\r\n",
        b"GET /ws HTTP/1.12\r\n\r\n",
        b"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\nConnection: close\r\n\r\n",
        b"GET http://[::bad/ws HTTP/1.1\r\nHost: gate\r\n\r\n",
        b"G\x01T /ws HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
    ] {
        let text = answer(&gateway, bytes).await;
        let opened = ["HTTP/1.1 1", "HTTP/1.1 2", "HTTP/1.0 2"].iter().any(|ok| text.contains(ok));
        assert!(!opened, "{}: {text}", String::from_utf8_lossy(bytes));
    }
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn a_key_of_any_other_length_than_sixteen_bytes_is_refused() {
    let gateway = gateway(|_| {}).await;
    let before = Before::of(&gateway).await;
    let with = |key: &str| format!("{}\r\n", UPGRADE.replacen("dGhlIHNhbXBsZSBub25jZQ==", key, 1));
    for length in (0..=48).filter(|length| *length != 16) {
        let request = with(&STANDARD.encode(vec![7; length]));
        let (status, _, body) = exchange(&mut connect(&gateway).await, &request).await;
        assert_eq!(status, 400, "{length} bytes: {body}");
    }
    let twice = "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for key in
        ["dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "!!!!!!!!!!!!!!!!!!!!!!==", twice]
    {
        assert_eq!(exchange(&mut connect(&gateway).await, &with(key)).await.0, 400, "{key}");
    }
    let good = with(&STANDARD.encode([7; 16]));
    assert_eq!(exchange(&mut connect(&gateway).await, &good).await.0, 101);
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn pipelined_upgrades_open_one_session_and_end_it() {
    let gateway = gateway(|_| {}).await;
    let before = Before::of(&gateway).await;
    // What follows an upgrade is frames: `G` has two reserved bits set.
    let text = answer(&gateway, format!("{UPGRADE}\r\n{UPGRADE}\r\n").as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 101 "), "{text}");
    assert_eq!(answers(&text), 1, "{text}");
    // What stands before one is a request like any other.
    let mut stream = connect(&gateway).await;
    let probe = "GET /livez HTTP/1.1\r\nHost: gate\r\n\r\n";
    stream.write_all(format!("{probe}{UPGRADE}\r\n{probe}").as_bytes()).await.unwrap();
    let text = rest(&mut stream).await;
    assert_eq!(answers(&text), 2, "{text}");
    assert!(text.contains("HTTP/1.1 101 "), "{text}");
    drop(stream);
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn a_token_of_a_mebibyte_costs_no_more_than_its_limit() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.anonymous = tidegate::config::Anonymous::Loopback;
    })
    .await;
    let before = Before::of(&gateway).await;
    let token = "A".repeat(1 << 20);
    for request in [
        format!("{UPGRADE}Authorization: Bearer {token}\r\n\r\n"),
        format!("{UPGRADE}Sec-WebSocket-Protocol: tidegate.bearer.{token}\r\n\r\n"),
        format!("{UPGRADE}\r\n").replacen("/ws", &format!("/ws?token={token}"), 1),
    ] {
        let text = answer(&gateway, request.as_bytes()).await;
        let refused = ["", "HTTP/1.1 431 ", "HTTP/1.1 414 "].iter().any(|head| match *head {
            "" => text.is_empty(),
            head => text.starts_with(head),
        });
        assert!(refused, "{text}");
    }
    let mut client = gateway.client().await;
    let began = clock();
    let auth = format!(r#"{{"type":"auth","id":1,"token":"{}"}}"#, &token[..1_000_000]);
    client.send_text(&auth).await;
    assert_eq!(client.expect("error").await["code"], "unauthorized");
    assert!(began.elapsed() < PATIENCE / 5, "{:?}", began.elapsed());
    drop(client);
    pause(Duration::from_millis(1)).await;
    before.assert_restored(&gateway).await;
}
