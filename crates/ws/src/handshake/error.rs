//! Why a handshake was refused, and the HTTP answer that says so.

use http::header::{ALLOW, CONNECTION, HeaderValue, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, Response, StatusCode};

/// A handshake that does not hold. The first seven are the client's fault, the others the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The request is no GET.
    #[error("a WebSocket handshake is a GET request")]
    Method,
    /// The request is older than HTTP/1.1, or of a version that upgrades in another way.
    #[error("a WebSocket handshake needs HTTP/1.1")]
    HttpVersion,
    /// `Sec-WebSocket-Version` is missing or not 13.
    #[error("`Sec-WebSocket-Version` must be 13")]
    Version,
    /// `Upgrade` does not name `websocket`.
    #[error("`Upgrade` must name `websocket`")]
    Upgrade,
    /// `Connection` does not name `upgrade`.
    #[error("`Connection` must name `Upgrade`")]
    Connection,
    /// `Sec-WebSocket-Key` is missing, repeated, or not 16 bytes in base64.
    #[error("`Sec-WebSocket-Key` must be 16 bytes in base64, once")]
    Key,
    /// `Sec-WebSocket-Extensions` does not follow the grammar of RFC 6455 9.1.
    #[error("`Sec-WebSocket-Extensions` is malformed")]
    Extensions,
    /// A sub-protocol that cannot stand in a header.
    #[error("a sub-protocol is a token of visible ASCII characters")]
    ProtocolName,
    /// The server answered something else than 101. Redirects are not followed.
    #[error("the server answered {0} instead of 101")]
    Refused(StatusCode),
    /// The answer's `Sec-WebSocket-Accept` does not belong to the key.
    #[error("`Sec-WebSocket-Accept` does not belong to the key that was sent")]
    Accept,
    /// The answer names a sub-protocol that was not offered.
    #[error("the server chose a sub-protocol that was not offered")]
    Protocol,
    /// The answer names an extension that was not offered.
    #[error("the server chose an extension that was not offered")]
    Extension,
    /// The answer to permessage-deflate breaks a rule, or asks for what was not offered.
    #[error("{0}")]
    Deflate(tidegate_deflate::Error),
    /// The answer lacks `Upgrade: websocket` or `Connection: Upgrade`.
    #[error("the server answered 101 without the upgrade headers")]
    Unconfirmed,
}

impl HandshakeError {
    /// The status that tells a client: 405, 426 or 400; 502 for what a server did wrong.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::HttpVersion
            | Self::Upgrade
            | Self::Connection
            | Self::Key
            | Self::Extensions
            | Self::ProtocolName => StatusCode::BAD_REQUEST,
            Self::Refused(_)
            | Self::Accept
            | Self::Protocol
            | Self::Extension
            | Self::Deflate(_)
            | Self::Unconfirmed => StatusCode::BAD_GATEWAY,
        }
    }

    /// The headers that the status asks for: `Allow` with 405; `Upgrade`, `Connection` and
    /// `Sec-WebSocket-Version: 13` with 426 (RFC 6455, 4.4).
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self {
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET"));
            }
            Self::Version => {
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            _ => {}
        }
        headers
    }

    /// The whole answer, without a body.
    #[must_use]
    pub fn response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.status();
        *response.headers_mut() = self.headers();
        response
    }
}
