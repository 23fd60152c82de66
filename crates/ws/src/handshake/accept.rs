//! The server's side: is this request a WebSocket handshake, and which sub-protocol is spoken?

use http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, request};
use tidegate_deflate::ServerPolicy;
use tungstenite::handshake::derive_accept_key;

use super::error::HandshakeError;
use super::token;
use crate::deflate::{Agreed, Deflate};

/// A handshake that holds.
#[derive(Debug)]
pub struct Accepted {
    /// The 101 answer; after it the connection speaks frames.
    pub response: Response<()>,
    /// The sub-protocol that the answer names, if one of the offers is supported.
    pub protocol: Option<String>,
    /// permessage-deflate, if it was offered and is wanted: for the connection's `Socket`, or for its
    /// [`Decoder`](crate::Decoder) and [`Encoder`](crate::Encoder).
    pub deflate: Option<Agreed>,
}

/// The head of an HTTP request, in either form that the `http` crate has for it.
pub trait RequestHead {
    /// The method.
    fn method(&self) -> &Method;
    /// The HTTP version.
    fn version(&self) -> Version;
    /// The headers.
    fn headers(&self) -> &HeaderMap;
}

impl<B> RequestHead for Request<B> {
    fn method(&self) -> &Method {
        self.method()
    }

    fn version(&self) -> Version {
        self.version()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}

impl RequestHead for request::Parts {
    fn method(&self) -> &Method {
        &self.method
    }

    fn version(&self) -> Version {
        self.version
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// Judges a request and makes the 101 answer (RFC 6455, 4.2).
///
/// `supported` is the server's sub-protocols in its order of liking; the first that the client offers is
/// chosen. If none is, the answer names none, and a client that insists on one will go away.
///
/// ```
/// use tidegate_ws::handshake;
/// let request = http::Request::get("/ws")
///     .header("Connection", "keep-alive, Upgrade")
///     .header("Upgrade", "websocket")
///     .header("Sec-WebSocket-Version", "13")
///     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .header("Sec-WebSocket-Protocol", "other, tidegate.v1.json")
///     .body(()).unwrap();
/// let accepted = handshake::accept(&request, &["tidegate.v1.json"]).unwrap();
/// assert_eq!(accepted.protocol.as_deref(), Some("tidegate.v1.json"));
/// assert_eq!(accepted.response.headers()["Sec-WebSocket-Accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
///
/// # Errors
/// The first of these that does not hold: GET (405), HTTP/1.1 (400), version 13 (426), `Upgrade`,
/// `Connection`, key (400).
pub fn accept(request: &impl RequestHead, supported: &[&str]) -> Result<Accepted, HandshakeError> {
    let headers = request.headers();
    let key = judge(request.method(), request.version(), headers)?;
    let protocol = supported
        .iter()
        .find(|name| offered_protocols(headers).any(|offer| offer == **name))
        .map(|name| (*name).to_owned());
    let response = switching_protocols(key, protocol.as_deref())?;
    Ok(Accepted { response, protocol, deflate: None })
}

/// Like [`accept`], and agrees on permessage-deflate if the client offers it in a form that `policy` allows. Other
/// extensions are declined by not being named.
///
/// # Errors
/// As [`accept`]; and 400 if `Sec-WebSocket-Extensions` is malformed (RFC 6455, 9.1).
pub fn accept_deflate(
    request: &impl RequestHead,
    supported: &[&str],
    policy: ServerPolicy,
    deflate: &Deflate,
) -> Result<Accepted, HandshakeError> {
    let mut accepted = accept(request, supported)?;
    let offers = token::lines(request.headers(), SEC_WEBSOCKET_EXTENSIONS)
        .ok_or(HandshakeError::Extensions)?;
    let answer = deflate.answer(policy, &offers).map_err(|_| HandshakeError::Extensions)?;
    if let Some((agreed, header)) = answer {
        let header = HeaderValue::from_str(&header).map_err(|_| HandshakeError::Extensions)?;
        accepted.response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, header);
        accepted.deflate = Some(agreed);
    }
    Ok(accepted)
}

/// The sub-protocols a client offers, in its order: trimmed, as they stand. A gateway may find
/// `tidegate.bearer.<token>` among them.
pub fn offered_protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    token::elements(headers, SEC_WEBSOCKET_PROTOCOL)
}

/// The key of a request that is in order.
fn judge<'a>(
    method: &Method,
    version: Version,
    headers: &'a HeaderMap,
) -> Result<&'a [u8], HandshakeError> {
    if method != Method::GET {
        return Err(HandshakeError::Method);
    }
    if version != Version::HTTP_11 {
        return Err(HandshakeError::HttpVersion);
    }
    if token::only(headers, SEC_WEBSOCKET_VERSION) != Some(b"13") {
        return Err(HandshakeError::Version);
    }
    if !token::has(headers, UPGRADE, "websocket") {
        return Err(HandshakeError::Upgrade);
    }
    if !token::has(headers, CONNECTION, "upgrade") {
        return Err(HandshakeError::Connection);
    }
    token::only(headers, SEC_WEBSOCKET_KEY).filter(|key| is_key(key)).ok_or(HandshakeError::Key)
}

/// Sixteen bytes in base64 are 22 characters and two of padding.
fn is_key(key: &[u8]) -> bool {
    key.strip_suffix(b"==").is_some_and(|digits| {
        digits.len() == 22
            && digits.iter().all(|digit| digit.is_ascii_alphanumeric() || b"+/".contains(digit))
    })
}

fn switching_protocols(key: &[u8], protocol: Option<&str>) -> Result<Response<()>, HandshakeError> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    let accept = HeaderValue::from_str(&derive_accept_key(key)).map_err(|_| HandshakeError::Key)?;
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = protocol {
        let protocol = HeaderValue::from_str(protocol).map_err(|_| HandshakeError::ProtocolName)?;
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response)
}
