//! The bytes of RFC 6455: the answer to a handshake, and frames of one piece. Knows no sockets.

use std::io;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// RFC 6455, section 1.3.
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// One frame of a client.
pub(crate) enum Message<'a> {
    Data { opcode: u8, payload: &'a [u8] },
    Ping(&'a [u8]),
    Pong,
    Close(&'a [u8]),
}

impl Message<'_> {
    /// The frame that answers it: data and close as they came, a pong for a ping, nothing for a pong.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Data { opcode, payload } => frame(*opcode, payload, out),
            Self::Ping(payload) => frame(0xA, payload, out),
            Self::Close(payload) => frame(0x8, payload, out),
            Self::Pong => {}
        }
    }
}

/// Answers the request at the beginning of `bytes` and says where it ends; `None` until it is whole.
///
/// # Errors
/// When it asks for no WebSocket.
pub(crate) fn handshake(bytes: &[u8], answer: &mut Vec<u8>) -> io::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut keys = fields.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let (_, key) = keys.next().ok_or(io::ErrorKind::InvalidData)?;
    let digest = sha1_smol::Sha1::from(format!("{}{ACCEPT_GUID}", key.trim())).digest().bytes();
    answer.extend_from_slice(
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            BASE64_STANDARD.encode(digest)
        )
        .as_bytes(),
    );
    Ok(Some(end + 4))
}

/// The first frame of `bytes`, unmasked in place, and its whole length; `None` until it is whole.
///
/// # Errors
/// When it is a piece of a message, unmasked, or of an unknown kind.
pub(crate) fn decode(bytes: &mut [u8]) -> io::Result<Option<(Message<'_>, usize)>> {
    let &[first, second, ..] = &*bytes else { return Ok(None) };
    if first & 0x80 == 0 || second & 0x80 == 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let (length, head) = match (second & 0x7F, &bytes[2..]) {
        (126, &[a, b, ..]) => (usize::from(u16::from_be_bytes([a, b])), 8),
        (127, &[a, b, c, d, e, f, g, h, ..]) => {
            let length = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            (usize::try_from(length).map_err(|_| io::ErrorKind::InvalidData)?, 14)
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (usize::from(short), 6),
    };
    let end = length.checked_add(head).ok_or(io::ErrorKind::InvalidData)?;
    if bytes.len() < end {
        return Ok(None);
    }
    let (mask, payload) = bytes[head - 4..end].split_at_mut(4);
    unmask([mask[0], mask[1], mask[2], mask[3]], payload);
    let message = match first & 0xF {
        opcode @ (0x1 | 0x2) => Message::Data { opcode, payload },
        0x8 => Message::Close(payload),
        0x9 => Message::Ping(payload),
        0xA => Message::Pong,
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    Ok(Some((message, end)))
}

fn unmask(mask: [u8; 4], payload: &mut [u8]) {
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        for (byte, key) in word.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask) {
        *byte ^= key;
    }
}

fn frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(length as u8),
        length @ 126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}
