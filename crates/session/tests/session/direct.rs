//! Sessions over TCP, whose writing half others use while they are at rest.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_payload_codec::{Codec, Encoding};
use tidegate_session::{
    Encoder, Ended, Feature, Features, Handle, Message, Outbound, Sent, Session, Settings, Shared,
    Ticks,
};
use tidegate_ws::{Event as Frame, Prepared, Role, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::peer::Notes;
use crate::work::Work;

const PATIENCE: Duration = Duration::from_secs(60);

/// A stream whose writing half can be replaced.
struct Tcp {
    read: OwnedReadHalf,
    write: Option<OwnedWriteHalf>,
}

impl Tcp {
    fn replace_writer(&mut self, half: Option<OwnedWriteHalf>) -> Option<OwnedWriteHalf> {
        std::mem::replace(&mut self.write, half)
    }

    fn write(self: Pin<&mut Self>) -> Pin<&mut OwnedWriteHalf> {
        Pin::new(self.get_mut().write.as_mut().expect("a session writes with its own half"))
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write().poll_shutdown(cx)
    }
}

/// A client of a session that lends.
struct Peer {
    socket: Socket<TcpStream>,
    handle: Handle,
    running: JoinHandle<Ended>,
}

impl Peer {
    /// With small buffers in the system, so that a stream is full soon.
    #[expect(clippy::disallowed_methods, reason = "the session ends with its peer")]
    async fn new(features: Features) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let client = TcpSocket::new_v4().expect("a socket");
        client.set_recv_buffer_size(4 * 1024).expect("a size");
        let client = client.connect(address).await.expect("it listens");
        let (stream, _) = listener.accept().await.expect("it connects");
        let (read, write) = stream.into_split();
        let socket =
            Socket::new(Tcp { read, write: Some(write) }, Role::Server, Default::default());
        let codec = Arc::new(Codec::new(Default::default()));
        let encoder = Encoder::new(codec, Encoding::Json).with_features(features);
        // No ping wakes it by chance.
        let settings = Settings { ping_interval: PATIENCE * 2, ..Settings::default() };
        let settings = Arc::new(settings);
        let (session, handle) = Session::new(socket, encoder, Default::default(), settings);
        let session = session.lending(Tcp::replace_writer);
        let (ticks, task) = Ticks::new();
        tokio::spawn(task);
        let running = tokio::spawn(session.run(Work::new(true), Notes::default(), &ticks));
        let socket = Socket::new(client, Role::Client, Default::default());
        Self { socket, handle, running }
    }

    async fn next(&mut self) -> Value {
        let next = async {
            loop {
                if let Frame::Text(text) = self.socket.next().await.expect("the session is there") {
                    return serde_json::from_str(&text).expect("JSON");
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("a message comes")
    }

    async fn until(&mut self, last: &str) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|name| name != last) {
            seen.push(self.next().await["name"].as_str().expect("a name").to_owned());
        }
        seen
    }

    /// Waits until the session lends, with a message that it was sent.
    async fn rests(&mut self) {
        let rests = async {
            while self.handle.write(&named("rests")).is_none() {
                let _ = self.handle.send(Outbound::Own(message("wake")));
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, rests).await.expect("a session that nobody needs rests");
        let _ = self.until("rests").await;
    }
}

impl Peer {
    /// Writes until the stream takes nothing more; the last message only in part.
    fn fill(&self) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let name = format!("large {}", names.len());
            if self.handle.write(&large(&name)).is_none() {
                assert!(!names.is_empty());
                return names;
            }
            names.push(name);
            assert!(names.len() < 100, "a stream that nobody reads is full some time");
        }
    }
}

fn message(name: &str) -> Message {
    Message::from_json(json!({ "name": name }).to_string())
}

fn named(name: &str) -> Shared {
    Shared::new(message(name))
}

/// More than the system's buffers hold.
fn large(name: &str) -> Shared {
    let text = json!({ "name": name, "text": "x".repeat(900 * 1024) });
    Shared::new(Message::from_json(text.to_string()))
}

#[tokio::test]
async fn who_rests_is_written_to_past_the_outbox() {
    let mut peer = Peer::new(Features::NONE).await;
    peer.rests().await;
    let before = peer.handle.counters();
    let direct = peer.handle.write(&named("one")).expect("it rests");
    assert_eq!((direct.original, direct.encoded, direct.wire), (14, 14, 16));
    assert!(peer.handle.write(&named("two")).is_some(), "and goes on resting");
    assert_eq!(peer.until("two").await, ["one", "two"]);
    assert_eq!(peer.handle.counters(), before);
}

#[tokio::test]
async fn what_waits_in_the_outbox_is_not_overtaken() {
    let mut peer = Peer::new(Features::NONE).await;
    peer.rests().await;
    assert_eq!(peer.handle.send(Outbound::Own(message("first"))), Sent::Queued);
    assert_eq!(peer.handle.write(&named("second")), None);
    assert_eq!(peer.handle.send(Outbound::Own(message("second"))), Sent::Queued);
    assert_eq!(peer.until("second").await, ["first", "second"]);
}

#[tokio::test]
async fn the_rest_of_a_frame_is_written_without_being_asked_for() {
    let mut peer = Peer::new(Features::NONE).await;
    peer.rests().await;
    let names = peer.fill();
    assert_eq!(peer.until(&names[names.len() - 1]).await, names);
    peer.rests().await;
}

#[tokio::test]
async fn the_rest_of_a_frame_is_written_before_anything_else() {
    let mut peer = Peer::new(Features::NONE).await;
    peer.rests().await;
    let mut names = peer.fill();
    assert_eq!(peer.handle.send(Outbound::Own(message("after"))), Sent::Queued);
    names.push("after".into());
    assert_eq!(peer.until("after").await, names);
}

#[tokio::test]
async fn commands_are_answered_by_who_has_lent() {
    let mut peer = Peer::new(Features::NONE).await;
    for _ in 0..3 {
        peer.rests().await;
        peer.socket.queue(Prepared::text(json!({"type": "ping", "id": "1"}).to_string()));
        peer.socket.flush().await.expect("the session is there");
        assert_eq!(peer.next().await["type"], "pong");
    }
}

#[tokio::test]
async fn who_takes_batches_lends_nothing() {
    let mut peer = Peer::new(Features::NONE.with(Feature::Batch)).await;
    for n in 0..20 {
        let name = n.to_string();
        assert_eq!(peer.handle.write(&named(&name)), None);
        assert_eq!(peer.handle.send(Outbound::Own(message(&name))), Sent::Queued);
        assert_eq!(peer.until(&name).await, [name]);
    }
}

#[tokio::test]
async fn a_session_that_is_gone_leaves_no_stream_with_those_who_knew_it() {
    let mut peer = Peer::new(Features::NONE).await;
    peer.rests().await;
    peer.running.abort();
    let end = tokio::time::timeout(PATIENCE, peer.socket.next()).await.expect("it ends");
    assert!(end.is_err(), "{end:?}");
    assert_eq!(peer.handle.write(&named("late")), None);
    assert_eq!(peer.handle.send(Outbound::Own(message("late"))), Sent::Closed);
}

/// Writers on several threads, each of which writes directly where it can and sends otherwise; the client reads in fits
/// and starts, so that the stream is full now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::disallowed_methods, reason = "the writers are awaited")]
async fn each_writer_finds_its_messages_in_order_and_none_lost_or_torn() {
    const WRITERS: usize = 4;
    const EACH: usize = 3_000;
    let mut peer = Peer::new(Features::NONE).await;
    let direct = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (handle, direct) = (peer.handle.clone(), Arc::clone(&direct));
            tokio::spawn(async move {
                for n in 0..EACH {
                    let padding = "x".repeat(if n % 50 == 0 { 40_000 } else { n % 300 });
                    let text = json!({"writer": writer, "n": n, "padding": padding}).to_string();
                    let shared = Arc::new(Shared::new(Message::from_json(text)));
                    if handle.write(&shared).is_some() {
                        direct.fetch_add(1, Ordering::Relaxed);
                    } else {
                        let sent = handle.send_waiting(Outbound::Shared(shared)).await;
                        assert_eq!(sent, Sent::Queued);
                    }
                    if n % 7 == writer {
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    let mut next = [0; WRITERS];
    for got in 0..WRITERS * EACH {
        let seen = peer.next().await;
        let [writer, n] = ["writer", "n"].map(|key| seen[key].as_u64().expect("a number") as usize);
        assert_eq!(n, next[writer], "of writer {writer}");
        next[writer] += 1;
        if got % 500 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    assert_eq!(next, [EACH; WRITERS]);
    assert!(direct.load(Ordering::Relaxed) > 0, "some were written directly");
}
