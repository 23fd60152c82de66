//! The planned end: who is told when, who is waited for, and what a second signal does.
#![expect(clippy::disallowed_methods, reason = "the spread is a matter of real time")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_testkit::client::Client;
use tidegate_testkit::upstream::{Script, Upstream, openai_text, sse_event};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::Process;
use crate::running::{gateway, route};

const CLIENTS: usize = 500;
const SPREAD: Duration = Duration::from_secs(3);

/// What one client saw.
struct Seen {
    goaway: Instant,
    closed: Instant,
    window: (u64, u64),
    code: u16,
}

/// A client that costs a socket and a buffer: it reads frames, and says nothing.
struct Raw {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    async fn connect(address: std::net::SocketAddr) -> Self {
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        let request = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        socket.write_all(request.as_bytes()).await.expect("written");
        let mut raw = Self { socket, read: Vec::new() };
        let end = loop {
            if let Some(at) = raw.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            raw.fill().await;
        };
        assert!(raw.read.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&raw.read));
        raw.read.drain(..end);
        assert_eq!(raw.json().await["type"], "welcome");
        raw
    }

    async fn fill(&mut self) {
        let count = self.socket.read_buf(&mut self.read).await.expect("readable");
        assert!(count > 0, "the gateway broke the connection off");
    }

    /// The next frame: its first byte and its payload (RFC 6455 section 5.2; a server's frames are not masked).
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            let (length, head) = match *self.read.as_slice() {
                [_, 126, high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 4),
                [_, length, ..] if length < 126 => (usize::from(length), 2),
                _ => (usize::MAX - 4, 4),
            };
            if self.read.len() >= head + length {
                let frame: Vec<u8> = self.read.drain(..head + length).collect();
                return (frame[0], frame[head..].to_vec());
            }
            self.fill().await;
        }
    }

    async fn json(&mut self) -> Value {
        serde_json::from_slice(&self.frame().await.1).expect("JSON")
    }

    async fn until_closed(mut self) -> Seen {
        let message = self.json().await;
        assert_eq!(message["type"], "goaway", "{message}");
        let goaway = Instant::now();
        let figure = |name: &str| message[name].as_u64().expect("milliseconds");
        let window = (figure("reconnect_after_ms"), figure("jitter_ms"));
        let (first, payload) = self.frame().await;
        assert_eq!(first, 0x88, "a close frame");
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        Seen { goaway, closed: Instant::now(), window, code }
    }
}

/// How far a sample is from an even spread between 0 and `over`, as a share: the largest distance between the two
/// distribution functions (Kolmogorov and Smirnov).
fn unevenness(mut times: Vec<Duration>, over: Duration) -> f64 {
    times.sort_unstable();
    let count = times.len() as f64;
    let distance = |(rank, time): (usize, &Duration)| {
        (rank as f64 / count - time.as_secs_f64() / over.as_secs_f64()).abs()
    };
    times.iter().enumerate().map(distance).fold(0.0, f64::max)
}

fn histogram(times: &[Duration], over: Duration) -> Vec<usize> {
    let mut bins = vec![0; 11];
    for time in times {
        let bin = (time.as_secs_f64() / over.as_secs_f64() * 10.0) as usize;
        bins[bin.min(10)] += 1;
    }
    bins
}

#[tokio::test]
async fn five_hundred_clients_are_told_and_closed_at_a_steady_rate() {
    let settings = ["--set", "drain_timeout=3s", "--set", "drain_notice=500ms"];
    let gateway = Process::start(&settings);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(tokio::spawn(Raw::connect(gateway.address).await.until_closed()));
    }
    let begun = Instant::now();
    gateway.signal("TERM");
    let mut seen = Vec::new();
    for client in clients {
        seen.push(client.await.expect("told and closed"));
    }
    let told: Vec<Duration> = seen.iter().map(|seen| seen.goaway - begun).collect();
    let closed: Vec<Duration> = seen.iter().map(|seen| seen.closed - begun).collect();
    // A tenth off at most: the tests beside this one take their share of the machine.
    let shown = histogram(&told, SPREAD);
    assert!(unevenness(told, SPREAD) < 0.12, "goaways by tenths of the time: {shown:?}");
    let notice = Duration::from_millis(500);
    let after: Vec<Duration> = closed.iter().map(|at| at.saturating_sub(notice)).collect();
    let shown = histogram(&after, SPREAD);
    assert!(unevenness(after, SPREAD) < 0.12, "closes by tenths of the time: {shown:?}");
    for Seen { goaway, closed, window, code } in seen {
        assert_eq!((window, code), ((0, 100), 1001));
        // Told 500 ms before, however late it was heard.
        assert!(closed - goaway > Duration::from_millis(250), "{:?}", closed - goaway);
    }
    let (code, log) = gateway.ended().await;
    assert_eq!(code, Some(0), "{log}");
}

#[tokio::test]
async fn while_it_drains_it_says_so_and_takes_nobody_in() {
    let mut gateway = gateway(|config| config.drain_notice = Duration::from_secs(1)).await;
    let mut client = gateway.client().await;
    gateway.ask_to_stop();
    client.expect("goaway").await;
    let ready = gateway.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()["code"].as_str()), (503, Some("draining")));
    // Within 2 s, 1 s and 500 ms it is gone.
    let after: u64 = ready.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=4).contains(&after), "{after}");
    assert_eq!(gateway.get("/livez").await.status, 200);
    let refused = Client::connect_with(&gateway.ws("/ws"), &[], &[]).await.expect_err("refused");
    assert_eq!(refused.status, 503);
    assert!(refused.headers.contains_key("retry-after"));
    client.send_json(json!({ "type": "ping" })).await;
    client.expect("pong").await;
    assert_eq!(client.close_frame().await, Some((1001, "the gateway is shutting down".into())));
    gateway.stop().await;
}

#[tokio::test]
async fn a_run_ends_before_its_session_is_closed_and_one_that_does_not_is_cut() {
    let script = |pause| {
        let end = openai_text("done") + &sse_event("[DONE]");
        Script::sse().chunk(openai_text("nearly ")).pause(pause).chunk(end)
    };
    let (short, long) = (
        Upstream::start(script(Duration::from_millis(900))).await,
        Upstream::start(script(Duration::from_secs(60))).await,
    );
    let gateway = gateway(|config| {
        let named = |name: &str, upstream: &Upstream| tidegate::config::Route {
            name: name.to_owned(),
            default: false,
            ..route(&upstream.url("/"))
        };
        config.routes = vec![named("short", &short), named("long", &long)];
        config.drain_timeout = Duration::from_millis(1_500);
    })
    .await;
    let mut clients = [gateway.client().await, gateway.client().await];
    for (client, route) in clients.iter_mut().zip(["short", "long"]) {
        client.send_json(json!({ "type": "stream", "query": "q", "route": route })).await;
        client.expect("stream_start").await;
        client.expect("stream_chunk").await;
    }
    let begun = Instant::now();
    let [mut short, mut long] = clients;
    let whole = async {
        short.expect("goaway").await;
        assert_eq!(short.wait_for("stream_end").await["complete"], true);
        assert_eq!(short.close_frame().await.expect("a close frame").0, 1001);
        begun.elapsed()
    };
    let cut = async {
        long.expect("goaway").await;
        assert_eq!(long.close_frame().await.expect("a close frame").0, 1001);
        begun.elapsed()
    };
    let ((), whole, cut) = tokio::join!(gateway.stop(), whole, cut);
    assert!(whole < cut, "{whole:?} {cut:?}");
    assert!(cut >= Duration::from_millis(1_500), "{cut:?}");
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_says_that_it_was_not_orderly() {
    let gateway = Process::start(&["--set", "drain_timeout=10m", "--set", "drain_notice=10m"]);
    let mut client = Raw::connect(gateway.address).await;
    let begun = Instant::now();
    gateway.signal("INT");
    assert_eq!(client.json().await["type"], "goaway");
    gateway.signal("TERM");
    let (code, log) = gateway.ended().await;
    assert_eq!(code, Some(1));
    assert!(log.contains("second signal"), "{log}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn without_sessions_it_stops_at_once_and_exits_with_zero() {
    let gateway = Process::start(&["--set", "drain_timeout=10m"]);
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.0, Some(0));
}
