//! Hostile input over raw sockets: what it is answered with, that others notice nothing, and that it leaves nothing
//! behind.

mod floods;
mod neighbours;
mod requests;

use std::collections::HashSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::running::Running;

/// The longest that anything here may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(10);

/// A handshake that is in order, but for the end of its head.
const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: gate\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What the allocator may keep of memory that was given back.
const KEPT_MIB: usize = 32;

/// What a test must give back: the gateway's sockets at both ends, tasks, sessions and memory.
#[derive(Debug)]
pub(crate) struct Before {
    sockets: usize,
    tasks: usize,
    sessions: u64,
    resident_mib: usize,
}

impl Before {
    /// The state now. Taken before anything hostile happens.
    async fn of(gateway: &Running) -> Self {
        let sessions = sessions(gateway).await;
        // The question itself is over when its connection is.
        let (mut seen, mut same) = (Self::now(gateway, sessions), 0);
        while same < 5 {
            pause(Duration::from_millis(10)).await;
            let next = Self::now(gateway, sessions);
            let as_before = (next.sockets, next.tasks) == (seen.sockets, seen.tasks);
            same = if as_before { same + 1 } else { 0 };
            seen = next;
        }
        seen
    }

    /// Waits until everything is back where it was, and the gateway still serves.
    async fn assert_restored(self, gateway: &Running) {
        let mut client = gateway.client().await;
        client.send_json(serde_json::json!({ "type": "ping" })).await;
        client.expect("pong").await;
        drop(client);
        self.assert_restored_without_a_client(gateway).await;
    }

    /// The same where a client cannot simply connect.
    pub(crate) async fn assert_restored_without_a_client(self, gateway: &Running) {
        gateway.stats_until(|stats| stats["active_connections"] == self.sessions).await;
        let mut now = Self::now(gateway, self.sessions);
        for _ in 0..500 {
            if now.sockets <= self.sockets
                && now.tasks <= self.tasks
                && now.resident_mib <= self.resident_mib + KEPT_MIB
            {
                return;
            }
            pause(Duration::from_millis(10)).await;
            now = Self::now(gateway, self.sessions);
        }
        panic!("something is left behind: {self:?} became {now:?}");
    }

    /// The state at this moment, whatever is under way.
    pub(crate) fn now(gateway: &Running, sessions: u64) -> Self {
        let tasks = Handle::current().metrics().num_alive_tasks();
        let sockets = sockets(gateway.address.port());
        Self { sockets, tasks, sessions, resident_mib: resident_mib() }
    }
}

async fn sessions(gateway: &Running) -> u64 {
    gateway.get("/api/websocket/stats").await.json()["active_connections"]
        .as_u64()
        .expect("a count")
}

/// How many open files of this process are sockets at either end of this port. Other tests may run in the same process.
fn sockets(port: u16) -> usize {
    let port = format!(":{port:04X}");
    let mut ours = HashSet::new();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if fields[1].ends_with(&port) || fields[2].ends_with(&port) {
                ours.insert(format!("socket:[{}]", fields[9]));
            }
        }
    }
    fs::read_dir("/proc/self/fd")
        .expect("the open files")
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
        .filter(|link| ours.contains(link.to_string_lossy().as_ref()))
        .count()
}

/// The memory in use, in MiB.
fn resident_mib() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("the memory's figures");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second is a count of pages") * 4096 / (1 << 20)
}

async fn connect(gateway: &Running) -> TcpStream {
    TcpStream::connect(gateway.address).await.expect("connects")
}

/// Connects from another address of this machine: all of 127/8 is its own.
async fn connect_from(gateway: &Running, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0))).expect("binds");
    socket.connect(gateway.address).await.expect("connects")
}

/// Sends bytes and reads until the gateway closes the connection, which it must.
async fn answer(gateway: &Running, bytes: &[u8]) -> String {
    let mut stream = connect(gateway).await;
    // The gateway may have seen enough before all is written.
    let _ = stream.write_all(bytes).await;
    rest(&mut stream).await
}

/// All that still comes. A connection that is reset is over too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut seen)).await;
    assert!(ended.is_ok(), "the gateway does not close: {}", String::from_utf8_lossy(&seen));
    String::from_utf8_lossy(&seen).into_owned()
}

/// Sends a request and reads one answer: its status, its head and its body. The connection lives on.
async fn exchange(stream: &mut TcpStream, request: &str) -> (u16, String, String) {
    stream.write_all(request.as_bytes()).await.expect("writes");
    let mut seen = Vec::new();
    let head = loop {
        if let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        read_more(stream, &mut seen).await;
    };
    let text = String::from_utf8_lossy(&seen[..head]).to_ascii_lowercase();
    let length = field(&text, "content-length").map_or(0, |value| value.parse().expect("a length"));
    while seen.len() < head + length {
        read_more(stream, &mut seen).await;
    }
    let body = String::from_utf8_lossy(&seen[head..head + length]).into_owned();
    (text[9..12].parse().expect("a status"), text, body)
}

async fn read_more(stream: &mut TcpStream, seen: &mut Vec<u8>) {
    let read = timeout(PATIENCE, stream.read_buf(seen)).await.expect("an answer in time");
    assert_ne!(read.expect("reads"), 0, "closed after {:?}", String::from_utf8_lossy(seen));
}

/// A header of a head in lower case.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// How many answers stand in these bytes.
fn answers(text: &str) -> usize {
    text.matches("HTTP/1.").count()
}

#[expect(clippy::disallowed_methods, reason = "real sockets run on the real clock")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[expect(clippy::disallowed_methods, reason = "what real sockets do is measured on the real clock")]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}
