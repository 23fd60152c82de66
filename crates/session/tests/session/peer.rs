//! The client's side of a session, and what the session is given to work with.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::work::Work;
use serde_json::{Value, json};
use tidegate_message::{Event, Heartbeat, SessionId, StreamId, UserId, Welcome};
use tidegate_payload_codec::{Codec, Encoding, Form, Kind};
use tidegate_queue::Limits;
use tidegate_session::{
    Encoder, Ended, Feature, Features, Handle, Message, Observer, Outbound, Session, Settings,
    Ticks,
};
use tidegate_ws::{CloseFrame, Event as Frame, Prepared, Role, Socket};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::task::JoinHandle;

/// How long a client waits for a message, on the paused clock: pings alone must not keep a test going.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a session is started with.
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) features: Features,
    pub(crate) encoding: Encoding,
    pub(crate) codec: Arc<Codec>,
    /// Bytes that the pipe holds each way.
    pub(crate) pipe: usize,
    /// Whether the service of commands is ever ready.
    pub(crate) ready: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            limits: Limits::default(),
            features: Features::NONE,
            encoding: Encoding::Json,
            codec: Arc::new(Codec::new(Default::default())),
            pipe: 64 * 1024,
            ready: true,
        }
    }
}

impl Setup {
    /// With these features agreed.
    pub(crate) fn agreed(features: &[Feature]) -> Self {
        let features = features.iter().fold(Features::NONE, |all, feature| all.with(*feature));
        Self { features, ..Self::default() }
    }

    /// With a pipe that is full at once.
    pub(crate) fn narrow() -> Self {
        Self { pipe: 64, ..Self::default() }
    }

    /// A session that is made and not run.
    pub(crate) fn session(&self) -> (Session<Counted>, Handle, DuplexStream, Arc<AtomicUsize>) {
        let (here, there) = duplex(self.pipe);
        let writes = Arc::new(AtomicUsize::new(0));
        let io = Counted { io: here, writes: Arc::clone(&writes) };
        let encoder =
            Encoder::new(Arc::clone(&self.codec), self.encoding).with_features(self.features);
        let socket = Socket::new(io, Role::Server, Default::default());
        let (session, handle) = Session::new(socket, encoder, self.limits, Arc::new(self.settings));
        (session, handle, there, writes)
    }

    #[expect(clippy::disallowed_methods, reason = "the session is awaited by `Peer::ended`")]
    pub(crate) fn start(self) -> Peer {
        let (session, handle, there, writes) = self.session();
        let (work, notes) = (Work::new(self.ready), Notes::default());
        let (ticks, task) = Ticks::new();
        tokio::spawn(task);
        let running = tokio::spawn(session.run(work.clone(), notes.clone(), &ticks));
        let form = Form {
            encoding: self.encoding,
            optimize: self.features.has(Feature::Optimize),
            compression: None,
        };
        let socket = Socket::new(there, Role::Client, Default::default());
        Peer { socket, handle, work, notes, writes, codec: self.codec, form, running }
    }
}

/// A client, with a hand on the gateway's side too.
pub(crate) struct Peer {
    pub(crate) socket: Socket<DuplexStream>,
    pub(crate) handle: Handle,
    pub(crate) work: Work,
    pub(crate) notes: Notes,
    pub(crate) codec: Arc<Codec>,
    pub(crate) form: Form,
    /// How often the session wrote to its stream.
    writes: Arc<AtomicUsize>,
    pub(crate) running: JoinHandle<Ended>,
}

impl Peer {
    /// Queues a message; [`Peer::next`] or [`settle`](Peer::settle) writes it.
    pub(crate) fn queue(&mut self, message: &Value) {
        self.socket.queue(Prepared::text(message.to_string()));
    }

    /// Sends a message.
    pub(crate) async fn say(&mut self, message: Value) {
        self.queue(&message);
        self.socket.flush().await.expect("the session is there");
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        self.socket.next().await.expect("the session is there")
    }

    /// The next message, as it came: batches are whole.
    pub(crate) async fn next(&mut self) -> Value {
        let message = tokio::time::timeout(PATIENCE, self.message()).await;
        message.expect("a message comes before all patience is gone")
    }

    async fn message(&mut self) -> Value {
        loop {
            let (bytes, kind) = match self.frame().await {
                Frame::Text(text) => (text.into(), Kind::Text),
                Frame::Binary(bytes) => (bytes, Kind::Binary),
                Frame::Fragment(_) | Frame::Ping(_) | Frame::Pong(_) => continue,
                Frame::Close(close) => panic!("wanted a message, got a close: {close:?}"),
            };
            let json = self.codec.decode(&bytes, kind, self.form).expect("an agreed form");
            return serde_json::from_slice(&json).expect("JSON");
        }
    }

    /// Messages up to the first of a type, that one included; batches are opened.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        loop {
            match self.next().await {
                Value::Object(batch) if batch["type"] == "batch" => {
                    seen.extend(batch["messages"].as_array().expect("messages").iter().cloned());
                }
                message => seen.push(message),
            }
            if seen.last().is_some_and(|message| message["type"] == kind) {
                return seen;
            }
        }
    }

    /// The Close, and the messages before it.
    pub(crate) async fn close(&mut self) -> (Vec<Value>, Option<CloseFrame>) {
        let mut seen = Vec::new();
        loop {
            match self.frame().await {
                Frame::Text(text) => seen.push(serde_json::from_str(&text).expect("JSON")),
                Frame::Close(close) => {
                    // The answer to it.
                    self.socket.flush().await.expect("the session is there");
                    return (seen, close);
                }
                _ => {}
            }
        }
    }

    /// How the session ended.
    pub(crate) async fn ended(self) -> Ended {
        self.running.await.expect("a session does not panic")
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.running.is_finished()
    }

    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }
}

/// Lets everybody do what they can do without time passing.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Time passes, and everybody does what is due.
pub(crate) async fn pass(time: Duration) {
    let start = tokio::time::Instant::now();
    tokio::time::sleep_until(start + time).await;
    settle().await;
}

/// A message of `{"n":…}`.
pub(crate) fn number(n: usize) -> Message {
    Message::from_json(json!({"type": "message", "n": n}).to_string())
}

pub(crate) fn numbered(n: usize) -> Outbound {
    Outbound::Own(number(n))
}

/// An event under its stream's key.
pub(crate) fn ordered(stream: StreamId, event: &Event) -> Outbound {
    Outbound::Own(Message::new(event).ordered(Outbound::stream_key(stream)))
}

pub(crate) fn text(stream: StreamId, text: &str) -> Outbound {
    Outbound::Text { stream, text: text.into() }
}

pub(crate) fn stream(n: u8) -> StreamId {
    StreamId::from_random([n; 12])
}

pub(crate) fn welcome(agreed: Vec<&'static str>) -> Welcome {
    Welcome {
        id: None,
        protocol: "tidegate.v1",
        session: SessionId::from_random([1; 12]),
        user: UserId::new("42").expect("a name"),
        heartbeat: Heartbeat { interval_ms: 30_000, timeout_ms: 10_000 },
        agreed,
    }
}

/// What a session told its observer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) received: Vec<usize>,
    pub(crate) sent: Vec<(usize, usize)>,
    pub(crate) pings: usize,
    pub(crate) pongs: Vec<Duration>,
    pub(crate) stale: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Seen>>);

impl Notes {
    pub(crate) fn seen(&self) -> Seen {
        self.0.lock().expect("no observer panics").clone()
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.0.lock().expect("no observer panics"));
    }
}

impl Observer for Notes {
    fn received(&self, bytes: usize, _: Instant) {
        self.note(|seen| seen.received.push(bytes));
    }

    fn sent(&self, messages: usize, bytes: usize, _: Instant) {
        self.note(|seen| seen.sent.push((messages, bytes)));
    }

    fn pinged(&self, _: Instant) {
        self.note(|seen| seen.pings += 1);
    }

    fn ponged(&self, latency: Duration, _: Instant) {
        self.note(|seen| seen.pongs.push(latency));
    }

    fn stale(&self) {
        self.note(|seen| seen.stale += 1);
    }
}

/// The session's end of the pipe. Counts the writes that took something.
#[derive(Debug)]
pub(crate) struct Counted {
    io: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        if polled.is_ready() {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
