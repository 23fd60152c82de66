//! An echo server on one address (default 127.0.0.1:9001): the smallest use of the handshake and the socket,
//! and what a conformance suite is pointed at. Limits are wide: 64 MiB a message, a million fragments.
#![expect(clippy::disallowed_methods, reason = "an example is a shell: it spawns")]
#![expect(clippy::print_stdout, reason = "it says where it listens")]

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::Request;
use tidegate_ws::{Event, Limits, Prepared, Role, Socket, handshake};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const MAX_HEAD_BYTES: usize = 16 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Above this much unwritten echo the peer is not read until it has read.
const MAX_PENDING_BYTES: usize = 256 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("ws://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream));
    }
}

async fn serve(mut stream: TcpStream) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let (request, rest) = tokio::time::timeout(HEAD_TIMEOUT, read_head(&mut stream)).await??;
    let response = match handshake::accept(&request, &[]) {
        Ok(accepted) => accepted.response,
        Err(refusal) => return Ok(stream.write_all(&head(&refusal.response())).await?),
    };
    stream.write_all(&head(&response)).await?;
    let limits =
        Limits { max_frame_bytes: 64 << 20, max_message_bytes: 64 << 20, max_fragments: 1 << 20 };
    echo(Socket::with_initial(stream, rest, Role::Server, limits)).await;
    Ok(())
}

async fn echo(mut socket: Socket<TcpStream>) {
    while let Ok(event) = socket.next().await {
        match event {
            Event::Text(text) => socket.queue(Prepared::text(text)),
            Event::Binary(bytes) => socket.queue(Prepared::binary(bytes)),
            Event::Close(_) => break,
            Event::Ping(_) | Event::Pong(_) => {}
        }
        if socket.pending_bytes() > MAX_PENDING_BYTES && socket.flush().await.is_err() {
            break;
        }
    }
    socket.close(1000, "", CLOSE_TIMEOUT).await;
}

/// Reads a request head; what follows it belongs to the socket.
async fn read_head(stream: &mut TcpStream) -> Result<(Request<()>, Bytes), Failure> {
    let mut bytes = BytesMut::new();
    while bytes.len() < MAX_HEAD_BYTES {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err("the peer left before its request was complete".into());
        }
        if let Some((request, length)) = parse_head(&bytes)? {
            bytes.advance(length);
            return Ok((request, bytes.freeze()));
        }
    }
    Err("the request head is too large".into())
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Request<()>, usize)>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(bytes)? else { return Ok(None) };
    let mut request =
        Request::builder().method(parsed.method.unwrap_or("")).uri(parsed.path.unwrap_or(""));
    if parsed.version == Some(0) {
        request = request.version(http::Version::HTTP_10);
    }
    for header in parsed.headers {
        request = request.header(header.name, header.value);
    }
    Ok(Some((request.body(())?, length)))
}

/// Writes a response head.
fn head(response: &http::Response<()>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}
