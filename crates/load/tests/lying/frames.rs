//! Frames and heads as a server reads and writes them. It knows no lies.

use std::io::Read;
use std::net::TcpStream;

pub(crate) const UPGRADED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Reads an HTTP head; also what came behind it.
pub(crate) fn head(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    head_of(stream, Vec::new())
}

pub(crate) fn head_of(stream: &mut TcpStream, mut bytes: Vec<u8>) -> Option<(String, Vec<u8>)> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Some((String::from_utf8(bytes).unwrap(), rest));
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => bytes.extend(&buffer[..count]),
            _ => return None,
        }
    }
}

/// Frames of a client.
pub(crate) struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The next whole frame: its opcode and its payload, unmasked.
    pub(crate) fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let &[first, second, ref rest @ ..] = &self.bytes[..] else { return None };
        assert_eq!(second & 0x80, 0x80, "a client masks");
        let (length, head) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk()?) as usize, 10),
            length => (usize::from(length), 2),
        };
        let mask: [u8; 4] = *self.bytes.get(head..)?.first_chunk()?;
        let payload = self.bytes.get(head + 4..head + 4 + length)?;
        let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let payload = payload.collect();
        self.bytes.drain(..head + 4 + length);
        Some((first & 15, payload))
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(length as u8),
        length @ 126..0x1_0000 => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// A message, whole or in three fragments with a ping between.
pub(crate) fn message(payload: &[u8], fragments: bool) -> Vec<u8> {
    if !fragments || payload.len() < 3 {
        return frame(0x81, payload);
    }
    let (first, rest) = payload.split_at(payload.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    [frame(0x01, first), ping(), frame(0x00, second), frame(0x80, third)].concat()
}

pub(crate) fn ping() -> Vec<u8> {
    frame(0x89, b"there?")
}

pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}
