//! TLS: what is agreed, what is resumed, what is replaced, and what is turned away.

use std::time::Duration;

use http::{Request, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::HandshakeKind;
use tidegate_server::{Error, Settings, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::serving::{Running, ask, bound, connector, pair, rest, run, settings, shake, tls};

async fn tcp(server: &Running) -> TcpStream {
    TcpStream::connect(server.address).await.expect("connects")
}

/// An HTTP/2 client over TLS, its connection driven in a task.
async fn h2(
    server: &Running,
    pair: &crate::serving::Pair,
) -> (
    hyper::client::conn::http2::SendRequest<Empty<bytes::Bytes>>,
    tokio::task::JoinHandle<hyper::Result<()>>,
) {
    let stream = shake(&connector(pair, &["h2"]), tcp(server).await).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    #[expect(clippy::disallowed_methods, reason = "hyper's client is driven beside the test")]
    let driven = tokio::spawn(connection);
    (client, driven)
}

#[tokio::test]
async fn the_protocol_is_agreed_by_alpn() {
    let pair = pair();
    let server = run(bound(Settings::default()).await.tls(tls(&pair)));
    for protocols in [&["http/1.1"][..], &[]] {
        let stream = shake(&connector(&pair, protocols), tcp(&server).await).await.expect("TLS");
        let answer = ask(stream, "").await;
        assert!(answer.contains("HTTP/1.1 Some(\"here\")"), "{answer}");
    }
    let (mut client, _driven) = h2(&server, &pair).await;
    let request = Request::get("https://here/").body(Empty::new()).unwrap();
    let response = client.send_request(request).await.expect("an answer");
    assert_eq!(response.version(), Version::HTTP_2);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.ends_with(b"HTTP/2.0 Some(\"here\")"), "{body:?}");
    let neither = shake(&connector(&pair, &["smtp"]), tcp(&server).await).await;
    assert!(neither.is_err(), "no protocol in common is no connection");
}

#[tokio::test]
async fn a_client_that_comes_back_resumes_until_the_certificate_is_replaced() {
    let (first, second) = (pair(), pair());
    let tls = tls(&first);
    let server = run(bound(Settings::default()).await.tls(tls.clone()));
    let client = connector(&first, &[]);
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let mut stream = shake(&client, tcp(&server).await).await.expect("TLS");
        // The tickets come behind the handshake, with the first bytes that are read.
        ask(&mut stream, "").await;
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(expected));
    }
    let old = shake(&client, tcp(&server).await).await.expect("TLS");
    tls.replace(second.chain.as_bytes(), second.key.as_bytes()).expect("a pair");
    assert!(shake(&client, tcp(&server).await).await.is_err(), "the new one is not trusted");
    shake(&connector(&second, &[]), tcp(&server).await).await.expect("the new certificate");
    assert!(ask(old, "").await.contains("200 OK"), "the open connection goes on");
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_and_the_old_one_stays() {
    let (good, other) = (pair(), pair());
    let tls = tls(&good);
    let server = run(bound(Settings::default()).await.tls(tls.clone()));
    for (chain, key) in [
        ("", good.key.as_str()),
        (good.chain.as_str(), ""),
        (&good.key, &good.chain),
        (&good.chain, &other.key),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &good.key),
        ("-----BEGIN CERTIFICATE-----\n????\n", &good.key),
    ] {
        let error = tls.replace(chain.as_bytes(), key.as_bytes()).expect_err("of no use");
        assert!(matches!(error, Error::Pem { .. } | Error::Certificate(_)), "{error}");
        assert!(Tls::from_pem(chain.as_bytes(), key.as_bytes()).is_err());
        let stream = shake(&connector(&good, &[]), tcp(&server).await).await.expect("TLS");
        assert!(ask(stream, "").await.contains("200 OK"));
    }
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_told_so() {
    let server = run(bound(settings()).await.tls(tls(&pair())));
    let answer = ask(tcp(&server).await, "").await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(body.contains("\"code\":\"tls_required\"") && body.ends_with('}'), "{body}");
    let length = format!("Content-Length: {}\r\n", body.len());
    assert!(answer.contains(&length), "{answer}");
}

#[tokio::test]
async fn garbage_is_turned_away_without_a_word() {
    let pair = pair();
    let server = run(bound(settings()).await.tls(tls(&pair)));
    for garbage in [&b"\0\0\0\0"[..], b"\xff\xfe\xfd", b"hello\r\n\r\n"] {
        let mut stream = tcp(&server).await;
        stream.write_all(garbage).await.unwrap();
        assert_eq!(rest(stream).await, "");
    }
    let mut stream = tcp(&server).await;
    stream.write_all(b"\x16\x03\x01\0\x05hello").await.unwrap();
    assert!(!rest(stream).await.contains("HTTP"), "at most an alert");
    shake(&connector(&pair, &[]), tcp(&server).await).await.expect("others are served");
}

#[tokio::test]
async fn half_a_handshake_ends_with_its_time_and_holds_up_nobody() {
    let pair = pair();
    let server = run(bound(settings()).await.tls(tls(&pair)));
    let mut halves = Vec::new();
    for half in [&b""[..], b"\x16", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"] {
        let mut stream = tcp(&server).await;
        stream.write_all(half).await.unwrap();
        halves.push(stream);
    }
    let stream = shake(&connector(&pair, &[]), tcp(&server).await).await.expect("TLS");
    assert!(ask(stream, "").await.contains("200 OK"));
    for stream in halves {
        assert_eq!(rest(stream).await, "");
    }
}

#[tokio::test]
async fn an_http2_connection_without_requests_is_ended() {
    let pair = pair();
    let server = run(bound(settings()).await.tls(tls(&pair)));
    let (mut client, driven) = h2(&server, &pair).await;
    let request = Request::get("https://here/").body(Empty::new()).unwrap();
    client.send_request(request).await.expect("an answer");
    let ended = tokio::time::timeout(Duration::from_secs(10), driven).await;
    ended.expect("it ends in time").expect("no panic").expect("with a GOAWAY");
    let stream = shake(&connector(&pair, &["h2"]), tcp(&server).await).await.expect("TLS");
    // One that never says a word of HTTP/2.
    let mut all = Vec::new();
    let mut stream = stream;
    let read = stream.read_to_end(&mut all);
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await.expect("it ends in time");
}

#[tokio::test]
async fn a_stop_waits_for_no_handshake() {
    let server = run(bound(Settings::default()).await.tls(tls(&pair())));
    let half = tcp(&server).await;
    // Once another one is served, the half one has been accepted.
    ask(tcp(&server).await, "").await;
    server.stop.send(()).expect("it runs");
    let ended = tokio::time::timeout(Duration::from_secs(5), server.task).await;
    ended.expect("it does not wait for the handshake").expect("no panic");
    drop(half);
}

#[tokio::test]
async fn plaintext_is_spoken_beside_tls_where_that_is_asked_for() {
    let pair = pair();
    let server = bound(Settings::default()).await.tls(tls(&pair));
    let server = run(server.plaintext(([127, 0, 0, 1], 0).into()).await.expect("a free port"));
    let beside = server.plaintext.expect("a second address");
    assert_ne!(beside, server.address);
    let plain = TcpStream::connect(beside).await.expect("connects");
    assert!(ask(plain, "").await.contains("200 OK"));
    let stream = shake(&connector(&pair, &[]), tcp(&server).await).await.expect("TLS");
    assert!(ask(stream, "").await.contains("200 OK"));
}
