//! The client's side: the request that asks for a WebSocket, and whether the answer grants it.

use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use tidegate_deflate::ClientPolicy;
use tungstenite::handshake::derive_accept_key;

use super::error::HandshakeError;
use super::token;
use crate::deflate::{Agreed, Deflate};
use crate::limits::Role;

/// A handshake that a client has begun.
///
/// ```
/// use tidegate_ws::handshake::{Opening, accept};
/// let opening = Opening::new(*b"the sample nonce").protocol("tidegate.v1.json");
/// let request = opening.request(&"ws://localhost:8765/ws".parse().unwrap()).unwrap();
/// let answer = accept(&request, &["tidegate.v1.json"]).unwrap().response;
/// assert_eq!(opening.verify(&answer).unwrap().protocol.as_deref(), Some("tidegate.v1.json"));
/// ```
#[derive(Clone, Debug)]
pub struct Opening {
    key: String,
    protocols: Vec<String>,
    deflate: Option<(ClientPolicy, Deflate)>,
}

/// What a server granted.
#[derive(Debug)]
pub struct Granted {
    /// The sub-protocol that it chose among those offered.
    pub protocol: Option<String>,
    /// permessage-deflate, if it was offered and accepted.
    pub deflate: Option<Agreed>,
}

impl Opening {
    /// Begins with sixteen random bytes, new for each connection (RFC 6455, 4.1).
    #[must_use]
    pub fn new(nonce: [u8; 16]) -> Self {
        Self { key: base64(&nonce), protocols: Vec::new(), deflate: None }
    }

    /// Offers a sub-protocol; those offered first are preferred.
    #[must_use]
    pub fn protocol(mut self, name: impl Into<String>) -> Self {
        self.protocols.push(name.into());
        self
    }

    /// Offers permessage-deflate; `deflate` is what the process's connections share for it.
    #[must_use]
    pub fn deflate(mut self, policy: ClientPolicy, deflate: &Deflate) -> Self {
        self.deflate = Some((policy, deflate.clone()));
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
        if let Some((policy, _)) = &self.deflate {
            request = request.header(SEC_WEBSOCKET_EXTENSIONS, policy.offer());
        }
        request.body(()).map_err(|_| HandshakeError::ProtocolName)
    }

    /// Judges the answer (RFC 6455, 4.1) and tells what the server chose. Redirects are refused: whoever follows one
    /// begins anew, and decides whether its credentials go along.
    ///
    /// # Errors
    /// Anything but a 101 that belongs to this opening and names nothing that was not offered.
    pub fn verify<B>(&self, answer: &Response<B>) -> Result<Granted, HandshakeError> {
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
        Ok(Granted { protocol: self.protocol_of(headers)?, deflate: self.deflate_of(headers)? })
    }

    fn protocol_of(&self, headers: &HeaderMap) -> Result<Option<String>, HandshakeError> {
        if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            return Ok(None);
        }
        let chosen = token::only(headers, SEC_WEBSOCKET_PROTOCOL);
        let offered = self.protocols.iter().find(|name| chosen == Some(name.as_bytes()));
        offered.cloned().map(Some).ok_or(HandshakeError::Protocol)
    }

    fn deflate_of(&self, headers: &HeaderMap) -> Result<Option<Agreed>, HandshakeError> {
        let lines = token::lines(headers, SEC_WEBSOCKET_EXTENSIONS);
        let lines = lines.ok_or(HandshakeError::Extension)?;
        let Some((policy, deflate)) = &self.deflate else {
            return if lines.is_empty() { Ok(None) } else { Err(HandshakeError::Extension) };
        };
        // No value of ours has a comma in it: to split there is enough.
        let names = token::elements(headers, SEC_WEBSOCKET_EXTENSIONS)
            .map(|element| element.split_once(';').map_or(element, |(name, _)| name).trim());
        if names.into_iter().any(|name| !name.eq_ignore_ascii_case(tidegate_deflate::EXTENSION)) {
            return Err(HandshakeError::Extension);
        }
        let agreement = policy.accept(lines).map_err(HandshakeError::Deflate)?;
        Ok(agreement.map(|agreement| deflate.agree(agreement, Role::Client)))
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
