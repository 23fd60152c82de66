//! The upstream does what its script says, seen by a client that reads bytes off a socket.

#![expect(clippy::unwrap_used, reason = "a test may fail by it")]

use std::time::Duration;

use tidegate_testkit::upstream::{Gate, Script, Upstream, openai_text, sse_event};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn ask(upstream: &Upstream, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(upstream.addr()).await.unwrap();
    let request = format!(
        "POST /chat?x=1 HTTP/1.1\r\nhost: test\r\nx-who: me\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

async fn whole(socket: TcpStream) -> String {
    String::from_utf8(whole_bytes(socket).await).unwrap()
}

async fn whole_bytes(mut socket: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A broken connection may come as a reset; what came before it is what counts.
    let _ = socket.read_to_end(&mut bytes).await;
    bytes
}

async fn until(socket: &mut TcpStream, wanted: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(wanted) {
        let mut bytes = [0; 1024];
        let n = socket.read(&mut bytes).await.unwrap();
        assert!(n > 0, "ended before {wanted:?}: {seen:?}");
        seen.push_str(std::str::from_utf8(&bytes[..n]).unwrap());
    }
    seen
}

#[tokio::test]
async fn answers_by_its_script_and_keeps_the_request() {
    let upstream = Upstream::start(Script::openai(&["Hel", "lo"])).await;
    let answer = whole(ask(&upstream, r#"{"stream":true}"#).await).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: text/event-stream\r\n"), "{answer}");
    assert!(answer.contains(&openai_text("Hel")), "{answer}");
    assert!(answer.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"), "{answer}");

    let [request] = &upstream.requests()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/chat?x=1"));
    assert_eq!(request.header("x-who"), "me");
    assert_eq!(request.json()["stream"], true);
    let counts = upstream.until(|counts| counts.open() == 0).await;
    assert_eq!((counts.accepted, counts.requests, counts.completed, counts.aborted), (1, 1, 1, 0));
}

#[tokio::test]
async fn cuts_the_body_where_it_is_told() {
    let script = Script::text().cut("täglich".as_bytes(), &[2], Duration::ZERO);
    let upstream = Upstream::start(script).await;
    let answer = whole_bytes(ask(&upstream, "").await).await;
    let body = b"\r\n\r\n2\r\nt\xc3\r\n6\r\n\xa4glich\r\n0\r\n\r\n";
    assert!(answer.ends_with(body), "{}", answer.escape_ascii());
}

#[tokio::test]
async fn dies_without_ending_the_body_after_all_it_sent() {
    let upstream =
        Upstream::start(Script::sse().chunk(sse_event("1")).chunk("data: 2").die()).await;
    let answer = whole(ask(&upstream, "").await).await;
    assert!(answer.ends_with("\r\ndata: 2\r\n"), "{answer}");
    assert_eq!(upstream.until(|counts| counts.open() == 0).await.aborted, 0);
}

#[tokio::test]
async fn waits_at_a_gate_and_sends_what_stands_before_it() {
    let gate = Gate::new();
    let upstream = Upstream::start(Script::text().chunk("one").wait(&gate).chunk("two")).await;
    let mut socket = ask(&upstream, "").await;
    assert!(!until(&mut socket, "one").await.contains("two"));
    assert_eq!(upstream.counts().completed, 0);
    gate.open();
    until(&mut socket, "two\r\n0\r\n\r\n").await;
    upstream.until(|counts| counts.completed == 1).await;
}

#[tokio::test]
async fn counts_an_answer_the_client_did_not_wait_for() {
    let forever = Script::text().forever("tick", Duration::from_millis(1));
    for script in [forever, Script::text().chunk("tick").hang()] {
        let upstream = Upstream::start(script).await;
        let mut socket = ask(&upstream, "").await;
        until(&mut socket, "tick").await;
        assert_eq!(upstream.counts().open(), 1);
        drop(socket);
        let counts = upstream.until(|counts| counts.open() == 0).await;
        assert_eq!((counts.aborted, counts.completed), (1, 0));
    }
}

#[tokio::test]
async fn counts_a_client_that_leaves_before_the_head() {
    let upstream = Upstream::start(Script::no_head()).await;
    let socket = ask(&upstream, "").await;
    upstream.until(|counts| counts.requests == 1).await;
    drop(socket);
    assert_eq!(upstream.until(|counts| counts.open() == 0).await.aborted, 1);
}

#[tokio::test]
async fn stops_sending_when_the_client_stops_reading() {
    let script = Script::text().forever(vec![b'x'; 64 * 1024], Duration::ZERO);
    let upstream = Upstream::start(script).await;
    let mut socket = ask(&upstream, "").await;
    until(&mut socket, "xxxx").await;
    let mut before = 0;
    let quiet = async {
        loop {
            tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_millis(100))
                .await;
            let now = upstream.counts().sent_bytes;
            if now == before {
                break;
            }
            before = now;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), quiet).await.expect("it never stopped");
}

#[tokio::test]
async fn refuses_first_and_answers_then() {
    let refusal = Script::error(503).header("retry-after", "1").chunk(r#"{"error":"busy"}"#);
    let upstream = Upstream::start_each(vec![refusal, Script::ndjson().chunk("\"ok\"\n")]).await;
    let first = whole(ask(&upstream, "").await).await;
    assert!(first.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{first}");
    assert!(
        first.contains("retry-after: 1\r\n") && first.contains(r#"{"error":"busy"}"#),
        "{first}"
    );
    for _ in 0..2 {
        let later = whole(ask(&upstream, "").await).await;
        assert!(later.contains("application/x-ndjson") && later.contains("\"ok\"\n"), "{later}");
    }
}

#[tokio::test]
async fn breaks_its_connections_when_dropped() {
    let upstream = Upstream::start(Script::text().chunk("tick").hang()).await;
    let mut socket = ask(&upstream, "").await;
    until(&mut socket, "tick").await;
    drop(upstream);
    let rest = tokio::time::timeout(Duration::from_secs(10), whole(socket)).await;
    assert_eq!(rest.as_deref(), Ok(""));
}
