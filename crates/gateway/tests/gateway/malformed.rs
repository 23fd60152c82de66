//! Broken input: the stated answer to each, and the gateway goes on.

use bytes::Bytes;
use serde_json::json;
use tidegate_testkit::client::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::running::{Running, gateway};

/// The gateway still serves.
async fn lives(gateway: &Running) {
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "ping" })).await;
    client.expect("pong").await;
}

#[tokio::test]
async fn a_broken_message_is_answered_and_the_connection_lives() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    let deep =
        format!(r#"{{"type":"message","content":{}1{}}}"#, "[".repeat(1000), "]".repeat(1000));
    for (text, code) in [
        (r#"{"type":"message","content":tru}"#, "malformed"),
        ("[1,2]", "malformed"),
        (&deep, "malformed"),
        (r#"{"type":7}"#, "invalid_field"),
        (r#"{"type":"send","to":"42","content":1}"#, "invalid_field"),
        (r#"{"type":"teleport"}"#, "unknown_type"),
        (r#"{"type":"resume","session":"x"}"#, "unsupported"),
        (r#"{"type":"cancel","stream":"AAAAAAAAAAAAAAAA"}"#, "not_found"),
        (r#"{"type":"stream","query":"q","route":"nowhere"}"#, "not_found"),
    ] {
        client.send_text(text).await;
        let error = client.expect("error").await;
        assert_eq!(error["code"], code, "{error}");
    }
    client.send_json(json!({ "type": "ping" })).await;
    client.expect("pong").await;
}

#[tokio::test]
async fn the_tenth_malformed_message_in_a_minute_ends_the_connection() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    for _ in 0..10 {
        client.send_text("{").await;
    }
    for _ in 0..10 {
        client.expect("error").await;
    }
    assert_eq!(client.close_frame().await, Some((1008, "too many malformed messages".to_owned())));
    lives(&gateway).await;
}

#[tokio::test]
async fn two_mebibytes_end_the_connection_with_1009() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    client.send_text(&format!(r#"{{"type":"message","content":"{}"}}"#, "x".repeat(2 << 20))).await;
    assert_eq!(client.close_frame().await.expect("a close frame").0, 1009);
    lives(&gateway).await;
}

#[tokio::test]
async fn binary_garbage_on_a_json_session_is_answered() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    for bytes in [&b"\x00\x01\x02"[..], b"\x01not gzip", b"\x02\x04\0\0\0\xff", b""] {
        client.send_binary(Bytes::from_static(bytes)).await;
        assert_eq!(client.expect("error").await["code"], "malformed");
    }
}

#[tokio::test]
async fn a_payload_that_grows_beyond_the_limit_ends_the_connection_with_1009() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    let form = tidegate_payload_codec::Form {
        compression: Some(tidegate_payload_codec::Compression::Gzip),
        ..Default::default()
    };
    let codec = tidegate_payload_codec::Codec::new(tidegate_payload_codec::Settings::default());
    let bomb = codec.compress(Bytes::from(vec![b' '; 64 << 20]), form);
    assert!(bomb.bytes.len() < 100_000);
    client.send_binary(bomb.bytes).await;
    assert_eq!(client.close_frame().await.expect("a close frame").0, 1009);
    lives(&gateway).await;
}

/// A raw connection after its upgrade, to send frames that no library would.
async fn raw(gateway: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).await.expect("connects");
    let head = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        gateway.address
    );
    stream.write_all(head.as_bytes()).await.expect("writes");
    let mut seen = Vec::new();
    while !seen.windows(9).any(|window| window == b"agreed\":[") {
        let mut buffer = [0; 1024];
        let n = stream.read(&mut buffer).await.expect("reads");
        assert_ne!(n, 0, "the upgrade was refused: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..n]);
    }
    assert!(seen.starts_with(b"HTTP/1.1 101 "));
    stream
}

/// The close code that the gateway answers these bytes with.
async fn closed_with(gateway: &Running, bytes: &[u8]) -> u16 {
    let mut stream = raw(gateway).await;
    stream.write_all(bytes).await.expect("writes");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("reads to the end");
    let close = answer.iter().position(|byte| *byte == 0x88).expect("a close frame");
    u16::from_be_bytes([answer[close + 2], answer[close + 3]])
}

#[tokio::test]
async fn a_violation_of_the_protocol_ends_with_its_close_code() {
    let gateway = gateway(|_| {}).await;
    for (bytes, code) in [
        (&b"\x81\x02hi"[..], 1002),                          // not masked
        (b"\x81\x81\0\0\0\0\xff", 1007),                     // not UTF-8
        (b"\x83\x80\0\0\0\0", 1002),                         // a reserved op code
        (b"\xc1\x80\0\0\0\0", 1002),                         // a reserved bit
        (b"\x09\x80\0\0\0\0", 1002),                         // a ping in fragments
        (b"\x81\xfe\0\x01\0\0\0\0x", 1002),                  // a length that is not minimal
        (b"\x81\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0", 1009), // 2 GiB announced
        (b"\x88\x82\0\0\0\0\x03\xed", 1002),                 // close code 1005
    ] {
        assert_eq!(closed_with(&gateway, bytes).await, code, "{bytes:02x?}");
    }
    lives(&gateway).await;
}

#[tokio::test]
async fn bytes_cut_anywhere_are_read_all_the_same() {
    let gateway = gateway(|config| config.rate_limit.enabled = false).await;
    let mut stream = raw(&gateway).await;
    let text = br#"{"type":"message","content":"\u00e4"}"#;
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 1, 2, 3, 4];
    frame.extend(text.iter().enumerate().map(|(i, byte)| byte ^ [1, 2, 3, 4][i % 4]));
    for byte in &frame {
        stream.write_all(&[*byte]).await.expect("writes");
        stream.flush().await.expect("flushes");
    }
    let mut header = [0; 2];
    stream.read_exact(&mut header).await.expect("reads");
    let mut echo = vec![0; usize::from(header[1])];
    stream.read_exact(&mut echo).await.expect("reads");
    assert_eq!(echo, text);
}

#[tokio::test]
async fn half_a_request_and_silence_are_cut_off() {
    let gateway =
        gateway(|config| config.listen.header_timeout = std::time::Duration::from_millis(200))
            .await;
    let mut stream = TcpStream::connect(gateway.address).await.expect("connects");
    stream.write_all(b"GET /ws HTTP/1.1\r\nHo").await.expect("writes");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the gateway closes");
    let _ = Client::connect(&gateway.ws("/ws")).await;
}
