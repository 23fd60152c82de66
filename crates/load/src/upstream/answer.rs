//! The answer to a request for a token stream, piece by piece. It knows no socket.

use std::io::Write as _;

use super::request::Order;
use crate::wire::marker::{self, Marker};

/// What comes before the first token.
pub(super) const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\
    Transfer-Encoding: chunked\r\n\r\n";

const LAST: &str = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
    data: [DONE]\n\n";

const BEFORE: &str = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"";
const AFTER: &str = "\"},\"finish_reason\":null}]}\n\n";

/// Appends one token that is written at `now`.
pub(super) fn token(order: &Order, number: u32, now: u64, out: &mut Vec<u8>) {
    let length = BEFORE.len() + order.size + AFTER.len();
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{length:x}\r\n{BEFORE}");
    let at = out.len();
    out.resize(at + marker::LENGTH, 0);
    Marker { sender: order.stream, seq: number, time: now }.write(&mut out[at..]);
    out.extend(marker::filler(order.size - marker::LENGTH));
    let _ = write!(out, "{AFTER}\r\n");
}

/// Appends what comes after the last token.
pub(super) fn end(out: &mut Vec<u8>) {
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{:x}\r\n{LAST}\r\n0\r\n\r\n", LAST.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first chunk's data, if its length is right.
    fn chunk(bytes: &[u8]) -> &str {
        let text = std::str::from_utf8(bytes).unwrap();
        let (length, rest) = text.split_once("\r\n").unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        assert!(rest[length..].starts_with("\r\n"), "{text}");
        &rest[..length]
    }

    #[test]
    fn chunks_have_the_length_that_they_say() {
        let order = Order { tokens: 1, per_s: 1.0, size: 40, stream: 3 };
        let mut out = Vec::new();
        token(&order, 2, 99, &mut out);
        let data = chunk(&out);
        assert!(
            data.contains("\"content\":\"~000003.00000002.00000000000063~abcdefgh\""),
            "{data}"
        );
        out.clear();
        end(&mut out);
        assert!(chunk(&out).ends_with("data: [DONE]\n\n"));
    }
}
