//! The upgrade (RFC 6455, section 4), as a client asks for it and judges the answer. It knows no socket.
//!
//! Every connection offers the same nonce, the RFC's own example, so that the answer is a constant. No extension is offered.

use std::fmt::Write as _;

use crate::dialect::Dialect;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Longer heads than this are no answer.
const MAX_HEAD: usize = 16 * 1024;

/// The answer to an upgrade.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is not all there yet.
    Incomplete,
    /// Upgraded; frames begin at this offset.
    Upgraded(usize),
    /// HTTP, but no upgrade: the status line without its version.
    Refused(String),
    /// No HTTP at all: its beginning.
    Strange(String),
}

/// The request of connection `number` to `host`.
pub(crate) fn request(dialect: &Dialect, host: &str, number: u32) -> Vec<u8> {
    let number = number.to_string();
    let fill = |text: &str| text.replace("{connection}", &number);
    let mut head = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\n",
        fill(&dialect.path)
    );
    // Writing into a String cannot fail.
    if let Some(protocol) = &dialect.subprotocol {
        let _ = write!(head, "Sec-WebSocket-Protocol: {protocol}\r\n");
    }
    for (name, value) in &dialect.headers {
        let _ = write!(head, "{name}: {}\r\n", fill(value));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Judges what was received so far.
pub(crate) fn judge(bytes: &[u8]) -> Answer {
    let likely = bytes.len() < 5 || bytes.starts_with(b"HTTP/");
    if !likely || bytes.len() > MAX_HEAD {
        return Answer::Strange(beginning(bytes));
    }
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Answer::Incomplete };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split_once(' ')).map_or("", |(_, rest)| rest);
    if !status.starts_with("101") {
        return Answer::Refused(status.trim().to_owned());
    }
    let accepts = lines.filter_map(|line| line.split_once(':')).any(|(name, value)| {
        name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == ACCEPT
    });
    if accepts { Answer::Upgraded(end + 4) } else { Answer::Strange(beginning(bytes)) }
}

/// The beginning of something, for a sentence.
pub(crate) fn beginning(bytes: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
        sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x00";

    #[test]
    fn frames_begin_behind_the_head() {
        assert_eq!(judge(GOOD), Answer::Upgraded(GOOD.len() - 2));
        for length in 0..GOOD.len() - 2 {
            assert_eq!(judge(&GOOD[..length]), Answer::Incomplete, "{length}");
        }
    }

    #[test]
    fn a_refusal_has_its_status() {
        let answer = judge(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n");
        assert_eq!(answer, Answer::Refused("503 Service Unavailable".into()));
    }

    #[test]
    fn what_is_no_http_is_strange() {
        assert_eq!(judge(b"SSH-2.0-x"), Answer::Strange("\"SSH-2.0-x\"".into()));
        assert!(matches!(judge(&[b'a'; 20_000]), Answer::Strange(_)));
    }

    #[test]
    fn an_upgrade_with_another_key_is_strange() {
        let answer = judge(b"HTTP/1.1 101 Fine\r\nSec-WebSocket-Accept: x\r\n\r\n");
        assert!(matches!(answer, Answer::Strange(_)));
    }

    #[test]
    fn the_request_has_what_the_dialect_says() {
        let dialect = Dialect {
            path: "/ws?n={connection}".into(),
            subprotocol: Some("mine".into()),
            headers: [("X-Who".to_owned(), "c{connection}".to_owned())].into(),
            ..Dialect::default()
        };
        let head = String::from_utf8(request(&dialect, "localhost:1", 7)).unwrap();
        assert!(head.starts_with("GET /ws?n=7 HTTP/1.1\r\nHost: localhost:1\r\n"), "{head}");
        assert!(head.contains("Sec-WebSocket-Protocol: mine\r\n"), "{head}");
        assert!(head.ends_with("X-Who: c7\r\n\r\n"), "{head}");
    }
}
