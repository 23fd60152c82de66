//! The client's side: the request that asks for a WebSocket, and whether the answer grants it.

use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Request, Response, StatusCode, Uri};
use tungstenite::handshake::derive_accept_key;

use super::error::HandshakeError;
use super::token;

/// A handshake that a client has begun.
///
/// ```
/// use tidegate_ws::handshake::{Opening, accept};
/// let opening = Opening::new(*b"the sample nonce").protocol("tidegate.v1.json");
/// let request = opening.request(&"ws://localhost:8765/ws".parse().unwrap()).unwrap();
/// let answer = accept(&request, &["tidegate.v1.json"]).unwrap().response;
/// assert_eq!(opening.verify(&answer).unwrap().as_deref(), Some("tidegate.v1.json"));
/// ```
#[derive(Clone, Debug)]
pub struct Opening {
    key: String,
    protocols: Vec<String>,
}

impl Opening {
    /// Begins with sixteen random bytes, new for each connection (RFC 6455, 4.1).
    #[must_use]
    pub fn new(nonce: [u8; 16]) -> Self {
        Self { key: base64(&nonce), protocols: Vec::new() }
    }

    /// Offers a sub-protocol; those offered first are preferred.
    #[must_use]
    pub fn protocol(mut self, name: impl Into<String>) -> Self {
        self.protocols.push(name.into());
        self
    }

    /// The GET request for an address. Its target is the path and query, its `Host` the authority; other
    /// headers (`Authorization`, `Origin`) may be added.
    ///
    /// # Errors
    /// A sub-protocol or an authority that cannot stand in a header ([`HandshakeError::ProtocolName`]).
    pub fn request(&self, address: &Uri) -> Result<Request<()>, HandshakeError> {
        let target = address.path_and_query().map_or("/", |target| target.as_str());
        let mut request = Request::get(target)
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "Upgrade")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &self.key);
        if let Some(authority) = address.authority() {
            let (_, host) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
            request = request.header(HOST, host);
        }
        if !self.protocols.is_empty() {
            request = request.header(SEC_WEBSOCKET_PROTOCOL, self.protocols.join(", "));
        }
        request.body(()).map_err(|_| HandshakeError::ProtocolName)
    }

    /// Judges the answer (RFC 6455, 4.1) and tells the sub-protocol that the server chose.
    ///
    /// # Errors
    /// Anything but a 101 that belongs to this opening and names nothing that was not offered.
    pub fn verify<B>(&self, answer: &Response<B>) -> Result<Option<String>, HandshakeError> {
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(HandshakeError::Refused(answer.status()));
        }
        let headers = answer.headers();
        if !token::has(headers, UPGRADE, "websocket") || !token::has(headers, CONNECTION, "upgrade")
        {
            return Err(HandshakeError::Unconfirmed);
        }
        let expected = derive_accept_key(self.key.as_bytes());
        if token::only(headers, SEC_WEBSOCKET_ACCEPT) != Some(expected.as_bytes()) {
            return Err(HandshakeError::Accept);
        }
        if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            return Err(HandshakeError::Extension);
        }
        if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            return Ok(None);
        }
        let chosen = token::only(headers, SEC_WEBSOCKET_PROTOCOL);
        let offered = self.protocols.iter().find(|name| chosen == Some(name.as_bytes()));
        offered.cloned().map(Some).ok_or(HandshakeError::Protocol)
    }
}

/// Base64 with padding (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            let padding = digit > three.len();
            text.push(if padding { '=' } else { char::from(DIGITS[index as usize]) });
        }
    }
    text
}
