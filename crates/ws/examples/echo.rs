//! An echo server: the smallest use of the handshake and the socket, and what conformance suites and load
//! generators are pointed at.
//!
//! `echo [ADDRESS] [--threads N] [--takeover N] [--no-deflate]`; by default 127.0.0.1:9001, one thread, compression
//! without context takeover. Each thread listens for itself and keeps the connections that it accepts. Limits are
//! wide: 64 MiB a message, a million fragments.
#![expect(clippy::disallowed_methods, reason = "an example is a shell: it spawns")]
#![expect(clippy::print_stdout, reason = "it says where it listens")]

mod head;

use std::net::SocketAddr;
use std::time::Duration;

use head::Failure;
use tidegate_deflate::{InflaterPool, ServerPolicy, Settings, TakeoverSlots};
use tidegate_ws::{Deflate, Event, Limits, Prepared, Role, Socket, handshake};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Above this much unwritten echo the peer is not read until it has read.
const MAX_PENDING_BYTES: usize = 256 * 1024;
const BACKLOG: u32 = 4096;
const LIMITS: Limits =
    Limits { max_frame_bytes: 64 << 20, max_message_bytes: 64 << 20, max_fragments: 1 << 20 };

fn main() -> Result<(), Failure> {
    let options = Options::parse(std::env::args().skip(1))?;
    let first = runtime()?;
    let listener = first.block_on(async { listen(options.address) })?;
    let address = listener.local_addr()?;
    println!("ws://{address}");
    std::thread::scope(|threads| {
        for _ in 1..options.threads {
            let shared = options.shared.clone();
            threads.spawn(move || {
                let served = runtime().and_then(|runtime| {
                    runtime.block_on(async { accept(listen(address)?, shared).await })
                });
                served.expect("a further thread can listen where the first one does");
            });
        }
        first.block_on(accept(listener, options.shared))
    })
}

struct Options {
    address: SocketAddr,
    threads: usize,
    shared: Shared,
}

/// What all connections share: how they compress, if they may.
#[derive(Clone)]
struct Shared(Option<(ServerPolicy, Deflate)>);

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut address = SocketAddr::from(([127, 0, 0, 1], 9001));
        let (mut threads, mut takeover, mut deflates) = (1, 0, true);
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<usize, Failure> {
                Ok(arguments.next().ok_or("a number is missing")?.parse()?)
            };
            match argument.as_str() {
                "--threads" => threads = number()?,
                "--takeover" => takeover = number()?,
                "--no-deflate" => deflates = false,
                other => address = other.parse()?,
            }
        }
        let policy =
            ServerPolicy::new().inbound_takeover(takeover > 0).outbound_takeover(takeover > 0);
        let pool = InflaterPool::new(16);
        let deflate = Deflate::new(Settings::new(), pool, TakeoverSlots::new(takeover));
        Ok(Self { address, threads, shared: Shared(deflates.then_some((policy, deflate))) })
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket.listen(BACKLOG)?)
}

async fn accept(listener: TcpListener, shared: Shared) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(open(stream, shared.clone()));
    }
}

/// The handshake, in a task of its own: the echo's task, which may live long, is smaller.
async fn open(mut stream: TcpStream, Shared(deflate): Shared) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let read = head::read(&mut stream, head::request);
    let (request, rest) = tokio::time::timeout(HEAD_TIMEOUT, read).await??;
    let accepted = match &deflate {
        Some((policy, deflate)) => handshake::accept_deflate(&request, &[], *policy, deflate),
        None => handshake::accept(&request, &[]),
    };
    let response = match &accepted {
        Ok(accepted) => &accepted.response,
        Err(refusal) => &refusal.response(),
    };
    let first_line = format!("HTTP/1.1 {}", response.status());
    stream.write_all(&head::write(&first_line, response.headers())).await?;
    let socket = Socket::with_initial(stream, rest, Role::Server, LIMITS);
    tokio::spawn(echo(socket.deflate(accepted?.deflate)));
    Ok(())
}

#[expect(clippy::manual_async_fn, reason = "an async fn would hold the socket twice")]
fn echo(mut socket: Socket<TcpStream>) -> impl Future<Output = ()> {
    async move {
        while let Ok(event) = socket.next().await {
            match event {
                Event::Text(text) => socket.queue(Prepared::text(text)),
                Event::Binary(bytes) => socket.queue(Prepared::binary(bytes)),
                Event::Close(_) => break,
                Event::Fragment(_) | Event::Ping(_) | Event::Pong(_) => {}
            }
            if socket.pending_bytes() > MAX_PENDING_BYTES && socket.flush().await.is_err() {
                break;
            }
        }
        // Boxed, because it is rarely needed: the task at rest stays small.
        Box::pin(socket.close(1000, "", CLOSE_TIMEOUT)).await;
    }
}
