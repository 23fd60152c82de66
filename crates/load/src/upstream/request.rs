//! A request for a token stream: HTTP/1.1 with a length or in chunks, and what is ordered in its body. It knows no socket.

use crate::clock::SECOND;

/// Longer requests are not read on.
const MAX_BYTES: usize = 1 << 20;

/// What a request orders.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub(super) tokens: u32,
    pub(super) per_s: f64,
    pub(super) size: usize,
    pub(super) stream: u32,
}

impl Order {
    /// Reads what stands anywhere in a body; what does not, is usual.
    fn of(body: &[u8]) -> Self {
        let number = |name: &str| {
            let at = memchr::memmem::find(body, name.as_bytes())? + name.len();
            let digits = body[at..].iter().take_while(|it| it.is_ascii_digit() || **it == b'.');
            std::str::from_utf8(&body[at..at + digits.count()]).ok()?.parse::<f64>().ok()
        };
        // Casts saturate.
        Self {
            tokens: number("tokens=").unwrap_or(100.0) as u32,
            per_s: number("per_s=").filter(|rate| *rate > 0.0).unwrap_or(50.0),
            size: number("size=").unwrap_or(36.0).clamp(32.0, 65_536.0) as usize,
            stream: number("stream=").unwrap_or(0.0) as u32 & 0xff_ffff,
        }
    }

    /// When a token is due, in nanoseconds after the first.
    pub(super) fn due(&self, token: u32) -> u64 {
        (f64::from(token) / self.per_s * SECOND as f64) as u64
    }
}

/// What was received of a request.
#[derive(Debug, Default)]
pub(super) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if self.bytes.len() < MAX_BYTES {
            self.bytes.extend(bytes);
        }
    }

    /// The order of the first request that is whole, which is then forgotten.
    pub(super) fn take(&mut self) -> Option<Order> {
        let body = memchr::memmem::find(&self.bytes, b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.bytes[..body]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let end = match length {
            Some(length) => body.checked_add(length.trim().parse().ok()?)?,
            None if head.contains("transfer-encoding:") => {
                let rest = &self.bytes[body..];
                // The last chunk may be the first.
                let last = if rest.starts_with(b"0\r\n\r\n") {
                    0
                } else {
                    memchr::memmem::find(rest, b"\r\n0\r\n\r\n")? + 2
                };
                body + last + 5
            }
            None => body,
        };
        let order = Order::of(self.bytes.get(body..end)?);
        self.bytes.drain(..end);
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: Order = Order { tokens: 7, per_s: 12.5, size: 40, stream: 3 };
    const BODY: &str = r#"{"messages":[{"content":"tokens=7 per_s=12.5 size=40 stream=3"}]}"#;

    fn taken(bytes: &[u8]) -> Option<Order> {
        let mut request = Request::default();
        request.add(bytes);
        request.take()
    }

    #[test]
    fn an_order_stands_anywhere_in_a_body() {
        let whole = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len());
        assert_eq!(taken(whole.as_bytes()), Some(ORDER));
        for length in 0..whole.len() {
            assert_eq!(taken(&whole.as_bytes()[..length]), None, "{length}");
        }
    }

    #[test]
    fn chunks_are_read_too() {
        let length = BODY.len();
        let whole = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{BODY}\r\n0\r\n\r\n"
        );
        assert_eq!(taken(whole.as_bytes()), Some(ORDER));
    }

    #[test]
    fn requests_follow_each_other() {
        let one = "POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\ntokens=1";
        let mut request = Request::default();
        request.add(format!("{one}{one}").as_bytes());
        assert_eq!(request.take().map(|order| order.tokens), Some(1));
        assert_eq!(request.take().map(|order| order.tokens), Some(1));
        assert_eq!(request.take(), None);
    }

    #[test]
    fn tokens_are_due_at_their_rate() {
        assert_eq!((ORDER.due(0), ORDER.due(25)), (0, 2 * SECOND));
    }
}
