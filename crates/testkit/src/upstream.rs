//! A real HTTP/1.1 upstream on a free port of 127.0.0.1. It answers by a [`Script`] and counts what happens.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use tidegate_testkit::upstream::{Script, Upstream};
//!
//! let upstream = Upstream::start(Script::openai(&["Hel", "lo"])).await;
//! let url = upstream.url("/v1/chat/completions"); // configure the gateway with it, ask, then:
//! assert_eq!(upstream.requests().len(), 0);
//! assert_eq!(upstream.counts().aborted, 0);
//! # assert!(url.starts_with("http://127.0.0.1:"));
//! # }
//! ```
//! The server stops, and its connections break, when the [`Upstream`] is dropped.

#![expect(
    clippy::disallowed_methods,
    reason = "a server for tests: it spawns its connections into a set that it owns"
)]

mod reply;
mod script;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use script::{Gate, Script, openai_finish, openai_text, sse_event};

/// How long [`Upstream::until`] waits before it fails the test.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running upstream.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    log: Arc<Log>,
    accepting: tokio::task::JoinHandle<()>,
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Received {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none: the test has failed.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("request body {:?} is no JSON: {error}", self.body))
    }

    /// A header as text; empty if it is absent or not ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// TCP connections accepted.
    pub accepted: usize,
    /// Those of them that are over.
    pub closed: usize,
    /// Requests read to their end.
    pub requests: usize,
    /// Answers sent to their end (a script that dies at its end counts too).
    pub completed: usize,
    /// Answers the client did not wait for: it closed the connection first.
    pub aborted: usize,
    /// Body bytes handed to the connection. It stops growing when the client stops reading.
    pub sent_bytes: usize,
}

impl Counts {
    /// Connections open now.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.accepted - self.closed
    }
}

/// Shared by the connections and the test.
#[derive(Debug, Default)]
struct Log {
    counts: watch::Sender<Counts>,
    requests: Mutex<Vec<Received>>,
}

impl Log {
    fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }
}

/// Which script answers a request; the number counts requests from 0.
type Choice = dyn Fn(usize, &Received) -> Script + Send + Sync;

impl Upstream {
    /// Starts one that answers each request by this script.
    pub async fn start(script: Script) -> Self {
        Self::start_with(move |_, _| script.clone()).await
    }

    /// Starts one that answers the first request by the first script and so on; the last one repeats.
    ///
    /// # Panics
    /// If there are no scripts.
    pub async fn start_each(scripts: Vec<Script>) -> Self {
        assert!(!scripts.is_empty(), "an upstream wants a script");
        Self::start_with(move |n, _| scripts[n.min(scripts.len() - 1)].clone()).await
    }

    /// Starts one whose answer depends on the request.
    ///
    /// # Panics
    /// If no port of 127.0.0.1 can be had.
    pub async fn start_with(
        choice: impl Fn(usize, &Received) -> Script + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on 127.0.0.1");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let log = Arc::new(Log::default());
        let accepting = tokio::spawn(accept(listener, Arc::new(choice), Arc::clone(&log)));
        Self { addr, log, accepting }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path that begins with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The requests so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.log.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.log.counts.borrow()
    }

    /// Waits until the counts are as wanted, and gives them.
    ///
    /// # Panics
    /// If they are not within ten seconds.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn until(&self, mut wanted: impl FnMut(&Counts) -> bool) -> Counts {
        let mut counts = self.log.counts.subscribe();
        let seen = tokio::time::timeout(PATIENCE, counts.wait_for(|now| wanted(now))).await;
        match seen {
            Ok(Ok(now)) => *now,
            _ => panic!("the upstream did not come to what was wanted: {:?}", self.counts()),
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort(); // its connections are in a JoinSet inside: they end with it
    }
}

async fn accept(listener: TcpListener, choice: Arc<Choice>, log: Arc<Log>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((socket, _)) = accepted {
                    log.count(|counts| counts.accepted += 1);
                    connections.spawn(serve(socket, Arc::clone(&choice), Arc::clone(&log)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(socket: TcpStream, choice: Arc<Choice>, log: Arc<Log>) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| answer(request, &choice, &log));
    // An error here is a broken connection: wanted by a script or made by the client, and counted there.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service)
        .await;
    log.count(|counts| counts.closed += 1);
}

async fn answer(
    request: Request<Incoming>,
    choice: &Arc<Choice>,
    log: &Arc<Log>,
) -> Result<http::Response<reply::Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // The client went away within its request; nobody reads this answer.
        return Ok(http::Response::new(reply::empty()));
    };
    let received = Received {
        method: parts.method,
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: body.to_bytes(),
    };
    let script = {
        let mut requests = log.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let script = choice(requests.len(), &received);
        requests.push(received);
        script
    };
    log.count(|counts| counts.requests += 1);
    Ok(reply::play(script, Arc::clone(log)).await)
}
