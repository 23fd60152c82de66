//! HTTP heads on a bare TCP stream: read by `httparse`, written by hand. It knows nothing of WebSockets.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use httparse::Status;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A head and its length, or nothing while it is not complete.
type Parsed<T> = Result<Option<(T, usize)>, Failure>;

const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// Reads a head with `parse`, which gives its length as well; what follows it belongs to the socket.
pub(crate) async fn read<T>(
    stream: &mut TcpStream,
    parse: fn(&[u8]) -> Parsed<T>,
) -> Result<(T, Bytes), Failure> {
    let mut bytes = BytesMut::new();
    while bytes.len() < MAX_HEAD_BYTES {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err("the peer left before its head was complete".into());
        }
        if let Some((head, length)) = parse(&bytes)? {
            bytes.advance(length);
            return Ok((head, bytes.freeze()));
        }
    }
    Err("the head is too large".into())
}

#[allow(dead_code, reason = "the client reads no request, the server no response")]
pub(crate) fn request(bytes: &[u8]) -> Parsed<Request<()>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let Status::Complete(length) = parsed.parse(bytes)? else { return Ok(None) };
    let mut request = Request::builder()
        .method(parsed.method.unwrap_or_default())
        .uri(parsed.path.unwrap_or_default())
        .body(())?;
    if parsed.version == Some(0) {
        *request.version_mut() = http::Version::HTTP_10;
    }
    fill(request.headers_mut(), parsed.headers)?;
    Ok(Some((request, length)))
}

#[allow(dead_code, reason = "the client reads no request, the server no response")]
pub(crate) fn response(bytes: &[u8]) -> Parsed<Response<()>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let Status::Complete(length) = parsed.parse(bytes)? else { return Ok(None) };
    let mut response = Response::builder().status(parsed.code.unwrap_or_default()).body(())?;
    fill(response.headers_mut(), parsed.headers)?;
    Ok(Some((response, length)))
}

fn fill(headers: &mut HeaderMap, parsed: &[httparse::Header<'_>]) -> Result<(), Failure> {
    for header in parsed {
        let name = HeaderName::from_bytes(header.name.as_bytes())?;
        headers.append(name, HeaderValue::from_bytes(header.value)?);
    }
    Ok(())
}

/// Writes a head: its first line, then its headers.
pub(crate) fn write(first_line: &str, headers: &HeaderMap) -> Vec<u8> {
    let mut head = format!("{first_line}\r\n").into_bytes();
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}
