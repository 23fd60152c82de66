//! The server over real sockets on loopback: requests, bounds, upgrades, and its end.
#![expect(
    clippy::disallowed_methods,
    reason = "the server runs in a task of its own beside the test"
)]

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tidegate_server::{
    Body, BodyError, Error, Incoming, Peer, Problem, Server, Settings, Upgrade, read_body,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tower_service::Service;

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Answers by path.
#[derive(Clone, Default)]
struct Paths {
    gate: Arc<Notify>,
}

impl Service<Request<Incoming>> for Paths {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Answer {
        let gate = Arc::clone(&self.gate);
        Box::pin(async move { Ok(answer(request, &gate).await) })
    }
}

async fn answer(mut request: Request<Incoming>, gate: &Notify) -> Response<Body> {
    match request.uri().path() {
        "/peer" => {
            let Peer(peer) = *request.extensions().get::<Peer>().expect("a peer");
            Response::new(Body::from(peer.ip().to_string()))
        }
        "/slow" => {
            gate.notified().await;
            Response::new(Body::from("done"))
        }
        "/body" => match read_body(request.into_body(), 10).await {
            Ok(body) => Response::new(Body::from(body)),
            Err(error @ BodyError::TooLarge { .. }) => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.to_string())
                    .response()
            }
            Err(_) => Response::new(Body::empty()),
        },
        "/pieces" => {
            let (sender, body) = Body::pieces(1);
            tokio::spawn(async move {
                for piece in ["a", "b", "c"] {
                    sender.send(Bytes::from(piece)).await.expect("the reader is there");
                }
            });
            Response::new(body)
        }
        "/upgrade" => {
            let upgrade = Upgrade::of(&mut request);
            tokio::spawn(async move {
                let (mut stream, read) = upgrade.socket().await.expect("upgrades");
                let mut five = read.to_vec();
                five.resize(5, 0);
                stream.read_exact(&mut five[read.len()..]).await.expect("reads");
                stream.write_all(&five).await.expect("writes");
            });
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert("upgrade", "echo".parse().expect("a value"));
            response
        }
        _ => Problem::new(StatusCode::NOT_FOUND, "not_found", "nothing here").response(),
    }
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    gate: Arc<Notify>,
}

async fn run(settings: Settings) -> Running {
    let server = Server::bind(([127, 0, 0, 1], 0).into(), settings).await.expect("listens");
    let address = server.address().expect("an address");
    let paths = Paths::default();
    let gate = Arc::clone(&paths.gate);
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.serve(paths, async {
        let _ = stopped.await;
    }));
    Running { address, stop, task, gate }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    /// Everything that is answered to these bytes until the server closes.
    async fn exchange(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.expect("writes");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("reads");
        String::from_utf8(answer).expect("text")
    }

    async fn get(&self, path: &str) -> String {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
    }
}

#[tokio::test]
async fn tells_a_handler_who_is_there_and_answers() {
    let server = run(Settings::default()).await;
    let answer = server.get("/peer").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n127.0.0.1"), "{answer}");
}

#[tokio::test]
async fn a_problem_is_a_document_with_its_status() {
    let answer = run(Settings::default()).await.get("/nowhere").await;
    assert!(answer.starts_with("HTTP/1.1 404"));
    assert!(answer.contains("content-type: application/problem+json\r\n"));
    assert!(answer.ends_with(
        r#"{"title":"Not Found","status":404,"code":"not_found","detail":"nothing here"}"#
    ));
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let server = run(Settings::default()).await;
    for (body, status) in [("0123456789", "200"), ("0123456789a", "413")] {
        let length = body.len();
        let answer = server
            .exchange(&format!(
                "POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            ))
            .await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[tokio::test]
async fn pieces_arrive_in_order_and_end_with_their_sender() {
    let answer = run(Settings::default()).await.get("/pieces").await;
    assert!(answer.ends_with("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431_and_one_that_is_too_slow_is_cut() {
    let settings = Settings {
        max_header_bytes: 8192,
        header_timeout: Duration::from_millis(200),
        ..Settings::default()
    };
    let server = run(settings).await;
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(20_000));
    assert!(server.exchange(&large).await.starts_with("HTTP/1.1 431"));
    server.exchange("GET / HTTP/1.1\r\nHo").await;
}

#[tokio::test]
async fn an_upgrade_gives_the_socket_and_what_was_read_beyond_the_request() {
    let server = run(Settings::default()).await;
    let head = "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    let answer = server.exchange(&format!("{head}early")).await;
    // What came with the head is in the read buffer or still in the socket; either way it comes back.
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nearly"), "{answer}");
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.expect("writes");
    let mut seen = vec![0; 12];
    stream.read_exact(&mut seen).await.expect("reads");
    assert_eq!(seen, b"HTTP/1.1 101");
    stream.write_all(b"later").await.expect("writes");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.expect("reads");
    assert!(rest.ends_with("\r\n\r\nlater"), "{rest}");
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_closes_what_is_idle() {
    let server = run(Settings::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /peer HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("writes");
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.expect("reads");
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("writes");
    // The request has to be there before the stop.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let Running { stop, task, gate, address } = server;
    stop.send(()).expect("the server listens");
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("closed");
    assert!(!task.is_finished());
    gate.notify_one();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.expect("reads");
    assert!(answer.ends_with("done"), "{answer}");
    task.await.expect("ends");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn beyond_its_bound_a_connection_is_closed_unread_until_another_ends() {
    let server = run(Settings { max_http_connections: 2, ..Settings::default() }).await;
    let silent = [server.connect().await, server.connect().await];
    let mut third = server.connect().await;
    let mut nothing = Vec::new();
    // Closed or reset: what it sends is read by nobody.
    let _ = third.read_to_end(&mut nothing).await;
    assert_eq!(nothing, b"");
    drop(silent);
    // The two have to be seen to have ended.
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut stream = server.connect().await;
        let request = "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        if stream.write_all(request.as_bytes()).await.is_ok()
            && stream.read_to_string(&mut answer).await.is_ok()
            && answer.starts_with("HTTP/1.1 200")
        {
            return;
        }
    }
    panic!("the places of ended connections were not given to others");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let server = run(Settings::default()).await;
    let error = Server::bind(server.address, Settings::default()).await.expect_err("in use");
    assert!(matches!(error, Error::Bind { address, .. } if address == server.address));
    assert!(error.to_string().contains(&server.address.to_string()));
}
