//! A WebSocket server that misbehaves as it is told, and counts how often it did. It checks nothing that clients send.
//!
//! Each connection has a thread that reads and one that writes. What is sent comes back to its sender; `sub` makes a
//! connection a reader of what others send as `pub …`.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test ends where its server cannot work")]

mod frames;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use self::frames::{Frames, close, message, ping};

/// What it does wrong. Of 0, nothing; of k, with every k-th message to a reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lies {
    pub(crate) lose_every: u64,
    /// Says a `gap 1` in place of what it lost.
    pub(crate) owns_up: bool,
    pub(crate) double_every: u64,
    /// Holds every k-th back until the one after it is sent.
    pub(crate) swap_every: u64,
    pub(crate) corrupt_every: u64,
    /// Sends so many messages in one frame.
    pub(crate) batch: usize,
    /// Sends each message in three fragments.
    pub(crate) fragments: bool,
    /// Sends each message so much later.
    pub(crate) delay: Duration,
    /// Takes so long over each message of a connection.
    pub(crate) pace: Duration,
    /// Writes nothing for so long, so long after its start.
    pub(crate) freeze: Option<(Duration, Duration)>,
    /// Answers so many messages of a connection; those after them with `NO`.
    pub(crate) answers: Option<u64>,
    /// Closes with 1009 on longer messages.
    pub(crate) max_message: Option<usize>,
    /// Accepts so many connections; tells the next two `1008 full`; answers others with 503.
    pub(crate) capacity: Option<u64>,
    /// Says this first, and serves only who answers `me`.
    pub(crate) greeting: Option<&'static str>,
    /// Pings by a message `2` and a WebSocket ping, and ends the connection if it is not answered by `3` in time.
    pub(crate) heartbeat: Option<Duration>,
    /// Says this in place of HTTP.
    pub(crate) strange: Option<&'static str>,
}

/// What it did wrong.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) received: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) doubled: AtomicU64,
    pub(crate) swapped: AtomicU64,
    pub(crate) corrupt: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) open: AtomicU64,
}

/// The server. It ends with its last connection when it is dropped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    lies: Lies,
    counts: Counts,
    address: SocketAddr,
    started: Instant,
    stop: AtomicBool,
    sockets: Mutex<Vec<TcpStream>>,
    readers: Mutex<Vec<SyncSender<Said>>>,
}

/// What is to be written.
type Said = (Instant, Out);

#[derive(Clone)]
enum Out {
    Message(Arc<[u8]>),
    Raw(Arc<[u8]>),
}

impl Server {
    pub(crate) fn start(lies: Lies) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), lies)
    }

    pub(crate) fn start_at(address: SocketAddr, lies: Lies) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let shared = Arc::new(Shared {
            lies,
            counts: Counts::default(),
            address: listener.local_addr().unwrap(),
            started: now(),
            stop: AtomicBool::new(false),
            sockets: Mutex::default(),
            readers: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = spawn(move || {
            for stream in listener.incoming() {
                if accepting.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&accepting)) else { continue };
                spawn(move || serve(&shared, stream));
            }
        });
        Self { shared, acceptor: Some(acceptor) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Ends it, and all its connections.
    pub(crate) fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.shared.address);
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
        for socket in self.shared.sockets.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Counts {
    pub(crate) fn of(count: &AtomicU64) -> u64 {
        count.load(Ordering::SeqCst)
    }
}

fn serve(shared: &Arc<Shared>, mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    shared.sockets.lock().unwrap().push(stream.try_clone().unwrap());
    let number = shared.counts.connections.fetch_add(1, Ordering::SeqCst);
    let Some((head, rest)) = frames::head(&mut stream) else { return };
    if head.starts_with("POST") {
        return publish_over_http(shared, stream, head, rest);
    }
    if let Some(strange) = shared.lies.strange {
        let _ = stream.write_all(strange.as_bytes());
        return;
    }
    let full = shared.lies.capacity.is_some_and(|capacity| number >= capacity);
    let refused = shared.lies.capacity.is_some_and(|capacity| number >= capacity + 2);
    if refused {
        let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    if stream.write_all(frames::UPGRADED).is_err() {
        return;
    }
    if full {
        let _ = stream.write_all(&close(1008, "full"));
        let _ = stream.read(&mut [0; 64]);
        return;
    }
    shared.counts.open.fetch_add(1, Ordering::SeqCst);
    let (out, said) = sync_channel(100_000);
    let writing = stream.try_clone().unwrap();
    let writer = Arc::clone(shared);
    spawn(move || write(&writer, writing, &said));
    Session { shared, out, seen: 0, answered: 0, held: None, greeted: false, beat: None }
        .read(stream, rest);
    shared.counts.open.fetch_sub(1, Ordering::SeqCst);
}

struct Session<'a> {
    shared: &'a Arc<Shared>,
    out: SyncSender<Said>,
    seen: u64,
    answered: u64,
    held: Option<Arc<[u8]>>,
    greeted: bool,
    beat: Option<Instant>,
}

impl Session<'_> {
    fn read(mut self, mut stream: TcpStream, rest: Vec<u8>) {
        if let Some(greeting) = self.shared.lies.greeting {
            self.say(Out::Message(greeting.as_bytes().into()));
        }
        if let Some(within) = self.shared.lies.heartbeat {
            self.say(Out::Message((*b"2").into()));
            self.say(Out::Raw(ping().into()));
            self.beat = Some(now() + within);
        }
        let mut frames = Frames::new(rest);
        let mut buffer = vec![0; 64 * 1024];
        let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
        loop {
            while let Some((opcode, payload)) = frames.next() {
                rest_for(self.shared.lies.pace);
                match opcode {
                    8 => {
                        let _ = stream.write_all(&close(1000, ""));
                        let _ = stream.shutdown(Shutdown::Both);
                        return;
                    }
                    1 | 2 if !self.take(&payload) => {
                        let _ = stream.write_all(&close(1009, "too long"));
                        let _ = stream.read(&mut buffer);
                        return;
                    }
                    _ => {}
                }
            }
            if self.beat.is_some_and(|beat| now() > beat) {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => frames.add(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    fn say(&self, out: Out) {
        let _ = self.out.send((now() + self.shared.lies.delay, out));
    }

    /// Does what a message asks for. False: it is too long.
    fn take(&mut self, payload: &[u8]) -> bool {
        if self.shared.lies.max_message.is_some_and(|max| payload.len() > max) {
            return false;
        }
        if self.shared.lies.greeting.is_some() && !self.greeted {
            self.greeted = payload == b"me";
            self.say(Out::Message((*b"welcome").into()));
            return true;
        }
        match payload {
            b"3" => self.beat = None,
            b"sub" => {
                self.shared.readers.lock().unwrap().push(self.out.clone());
                self.say(Out::Message((*b"subscribed").into()));
            }
            _ if payload.starts_with(b"pub ") => self.publish(&payload[4..]),
            _ if payload.starts_with(b"stream ") => self.stream(&payload[7..]),
            _ => self.echo(payload),
        }
        true
    }

    fn echo(&mut self, payload: &[u8]) {
        self.answered += 1;
        if self.shared.lies.answers.is_some_and(|answers| self.answered > answers) {
            return self.say(Out::Message((*b"NO").into()));
        }
        let (seen, held) = (&mut self.seen, &mut self.held);
        let out = lie(self.shared, seen, held, payload.into());
        out.into_iter().for_each(|one| self.say(one));
    }

    fn publish(&mut self, payload: &[u8]) {
        let (seen, held) = (&mut self.seen, &mut self.held);
        let out = lie(self.shared, seen, held, payload.into());
        fan_out(self.shared, &out);
    }

    /// Asks the upstream whose address comes first for what comes behind it, and passes on what that sends.
    fn stream(&self, order: &[u8]) {
        let order = String::from_utf8_lossy(order).into_owned();
        let (address, order) = order.split_once(' ').unwrap();
        let mut upstream = TcpStream::connect(address).unwrap();
        let length = order.len();
        let request = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{order}");
        upstream.write_all(request.as_bytes()).unwrap();
        let out = self.out.clone();
        spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = upstream.read(&mut buffer) {
                let done = buffer[..count].windows(6).any(|bytes| bytes == b"[DONE]");
                let _ = out.send((now(), Out::Message(buffer[..count].into())));
                if done {
                    let _ = out.send((now(), Out::Message((*b"end").into())));
                    return;
                }
            }
        });
    }
}

/// Does nothing for so long.
fn rest_for(time: Duration) {
    let (_nobody, nothing) = sync_channel::<()>(0);
    if !time.is_zero() {
        let _ = nothing.recv_timeout(time);
    }
}

fn fan_out(shared: &Shared, out: &[Out]) {
    let readers = shared.readers.lock().unwrap();
    for reader in readers.iter() {
        for one in out {
            let _ = reader.send((now() + shared.lies.delay, one.clone()));
        }
    }
}

/// What is sent in place of the next message.
fn lie(
    shared: &Shared,
    seen: &mut u64,
    held: &mut Option<Arc<[u8]>>,
    payload: Arc<[u8]>,
) -> Vec<Out> {
    let (lies, counts) = (&shared.lies, &shared.counts);
    *seen += 1;
    counts.received.fetch_add(1, Ordering::SeqCst);
    let is = |every: u64| every > 0 && seen.is_multiple_of(every);
    let count = |count: &AtomicU64| {
        count.fetch_add(1, Ordering::SeqCst);
    };
    if let Some(before) = held.take() {
        count(&counts.swapped);
        return vec![Out::Message(payload), Out::Message(before)];
    }
    if is(lies.lose_every) {
        count(&counts.lost);
        return if lies.owns_up { vec![Out::Message((*b"gap 1").into())] } else { Vec::new() };
    }
    if is(lies.swap_every) {
        *held = Some(payload);
        return Vec::new();
    }
    if is(lies.corrupt_every) {
        count(&counts.corrupt);
        let mut wrong = payload.to_vec();
        if let Some(last) = wrong.last_mut() {
            *last ^= 1;
        }
        return vec![Out::Message(wrong.into())];
    }
    if is(lies.double_every) {
        count(&counts.doubled);
        return vec![Out::Message(Arc::clone(&payload)), Out::Message(payload)];
    }
    vec![Out::Message(payload)]
}

fn write(shared: &Shared, mut stream: TcpStream, said: &Receiver<Said>) {
    let mut batch = Vec::new();
    let (nobody, nothing) = sync_channel::<()>(0);
    let sleep = |time: Duration| {
        let _ = nothing.recv_timeout(time);
    };
    loop {
        let (due, out) = match said.recv_timeout(Duration::from_millis(20)) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => {
                if flush(&mut stream, &mut batch).is_err() {
                    return;
                }
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        sleep(due.saturating_duration_since(now()));
        if let Some((after, length)) = shared.lies.freeze {
            let since = shared.started.elapsed();
            if since >= after && since < after + length {
                sleep(after + length - since);
            }
        }
        let result = match out {
            Out::Raw(raw) => stream.write_all(&raw),
            Out::Message(payload) if shared.lies.batch > 1 => {
                batch.push(payload);
                if batch.len() >= shared.lies.batch {
                    flush(&mut stream, &mut batch)
                } else {
                    Ok(())
                }
            }
            Out::Message(payload) => stream.write_all(&message(&payload, shared.lies.fragments)),
        };
        if result.is_err() {
            return;
        }
    }
    drop(nobody);
}

fn flush(stream: &mut TcpStream, batch: &mut Vec<Arc<[u8]>>) -> std::io::Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let all: Vec<u8> = batch.drain(..).flat_map(|one| [&one[..], b"\n"].concat()).collect();
    stream.write_all(&message(&all, false))
}

fn publish_over_http(shared: &Arc<Shared>, mut stream: TcpStream, head: String, rest: Vec<u8>) {
    let (mut bytes, mut head) = (rest, head);
    loop {
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: ")?.trim().parse().ok())
            .unwrap();
        let mut buffer = [0; 4096];
        while bytes.len() < length {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => bytes.extend(&buffer[..count]),
                _ => return,
            }
        }
        let body: Vec<u8> = bytes.drain(..length).collect();
        fan_out(shared, &[Out::Message(body.into())]);
        let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}");
        match frames::head_of(&mut stream, bytes) {
            Some((next, rest)) => (head, bytes) = (next, rest),
            None => return,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a real server on a real clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn spawn(task: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().spawn(task).unwrap()
}
