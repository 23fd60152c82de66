//! Frame headers (RFC 6455, 5.2): read strictly, written in the shortest form. It does not know which frame may
//! follow which.
//!
//! ```text
//! byte 0   FIN RSV1 RSV2 RSV3 opcode(4)
//! byte 1   MASK length(7): 126 means 2 more bytes, 127 means 8 more
//!          0, 2 or 8 bytes of length, big endian
//!          0 or 4 bytes of mask key
//! ```

use crate::error::{ProtocolError, Violation};
use crate::limits::Role;
use crate::mask::Key;

/// The longest header without a key: two bytes, eight of length.
pub(crate) const MAX_UNMASKED_HEADER_BYTES: usize = 10;
/// RSV1: a compressed message begins (RFC 7692, 6).
pub(crate) const RSV1: u8 = 0x40;

/// A broken rule and the index of the byte that breaks it.
type Fault = (Violation, usize);

/// The six op codes that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A further fragment of a message.
    Continuation = 0,
    /// A text message, or its first fragment.
    Text = 1,
    /// A binary message, or its first fragment.
    Binary = 2,
    /// The end of the connection.
    Close = 8,
    /// To be answered by a pong.
    Ping = 9,
    /// The answer to a ping, or a sign of life.
    Pong = 10,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    /// Close, ping and pong: never fragmented, never compressed, at most 125 bytes.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 >= Self::Close as u8
    }
}

/// A whole frame header, for those who route frames without looking into them.
///
/// ```
/// use tidegate_ws::{Header, Opcode, Role};
/// let header = Header::parse(b"\x81\x85\x37\xfa\x21\x3d", Role::Server, false).unwrap().unwrap();
/// assert_eq!((header.opcode, header.payload_bytes, header.size), (Opcode::Text, 5, 6));
/// assert_eq!(Header::parse(b"\x81\x85\x37", Role::Server, false), Ok(None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the message's last frame.
    pub fin: bool,
    /// RSV1: whether a compressed message begins.
    pub compressed: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The mask; `None` in frames of servers.
    pub key: Option<[u8; 4]>,
    /// Length of the payload that follows, in bytes.
    pub payload_bytes: u64,
    /// Length of the header itself, in bytes: 2 to 14.
    pub size: usize,
}

impl Header {
    /// Reads the header that `input` begins with, as the peer of `role` sends it; `None` if more input is needed.
    /// `deflate`: permessage-deflate was agreed, so that RSV1 has a meaning.
    ///
    /// # Errors
    /// The rule that a byte breaks, its offset counted from the start of `input`. Limits and the order of frames
    /// are not looked at: [`Decoder`](crate::Decoder) does that.
    #[inline]
    pub fn parse(input: &[u8], role: Role, deflate: bool) -> Result<Option<Self>, ProtocolError> {
        let Some(&first) = input.first() else { return Ok(None) };
        let start = Start::parse(first, deflate).map_err(|broken| ProtocolError::new(broken, 0))?;
        let rest = Rest::parse(input, role, start.opcode.is_control())
            .map_err(|(broken, at)| ProtocolError::new(broken, at as u64))?;
        let Start { fin, compressed, opcode } = start;
        Ok(rest.map(|Rest { payload, key, size }| Self {
            fin,
            compressed,
            opcode,
            key,
            payload_bytes: payload,
            size,
        }))
    }
}

/// The first byte of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) fin: bool,
    pub(crate) compressed: bool,
    pub(crate) opcode: Opcode,
}

impl Start {
    /// Reads byte 0. RSV1 may stand on the first frame of a data message if `deflate` was agreed.
    #[inline]
    pub(crate) const fn parse(byte: u8, deflate: bool) -> Result<Self, Violation> {
        let compressed = byte & RSV1 != 0;
        let may_be_compressed = deflate && matches!(byte & 0x0f, 1 | 2);
        if byte & 0x30 != 0 || (compressed && !may_be_compressed) {
            return Err(Violation::ReservedBits);
        }
        let Some(opcode) = Opcode::from_bits(byte & 0x0f) else {
            return Err(Violation::ReservedOpcode);
        };
        let fin = byte & 0x80 != 0;
        if opcode.is_control() && !fin {
            return Err(Violation::FragmentedControl);
        }
        Ok(Self { fin, compressed, opcode })
    }
}

/// The rest of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    /// Bytes of payload.
    pub(crate) payload: u64,
    pub(crate) key: Option<Key>,
    /// Bytes of the whole header.
    pub(crate) size: usize,
}

impl Rest {
    /// Reads what follows byte 0; `None` if more input is needed. `input` begins with byte 0.
    #[inline]
    pub(crate) fn parse(input: &[u8], role: Role, control: bool) -> Result<Option<Self>, Fault> {
        let [_, second, after @ ..] = input else { return Ok(None) };
        let masked = second & 0x80 != 0;
        if masked != (role == Role::Server) {
            let broken = if masked { Violation::Masked } else { Violation::Unmasked };
            return Err((broken, 1));
        }
        let short = second & 0x7f;
        let (payload, bytes) = if short < 126 {
            (u64::from(short), 0)
        } else if control {
            return Err((Violation::LongControl, 1));
        } else {
            match extended_length(short, after)? {
                Some(length) => length,
                None => return Ok(None),
            }
        };
        if !masked {
            return Ok(Some(Self { payload, key: None, size: 2 + bytes }));
        }
        let key = after.get(bytes..).and_then(<[u8]>::first_chunk);
        Ok(key.map(|key| Self { payload, key: Some(*key), size: 6 + bytes }))
    }
}

/// Reads a length of 2 or 8 bytes, and says how many.
#[inline]
fn extended_length(short: u8, after: &[u8]) -> Result<Option<(u64, usize)>, Fault> {
    let (length, shortest, bytes) = if short == 126 {
        let Some(bytes) = after.first_chunk() else { return Ok(None) };
        (u64::from(u16::from_be_bytes(*bytes)), 126, 2)
    } else {
        let Some(bytes) = after.first_chunk() else { return Ok(None) };
        (u64::from_be_bytes(*bytes), 1 << 16, 8)
    };
    if length >> 63 != 0 {
        return Err((Violation::HugeLength, 2));
    }
    if length < shortest {
        return Err((Violation::LongLength, 2));
    }
    Ok(Some((length, bytes)))
}

/// A header as it is sent, without a key, and how many of the bytes it has.
#[inline]
pub(crate) const fn write(
    start: Start,
    payload: usize,
    masked: bool,
) -> ([u8; MAX_UNMASKED_HEADER_BYTES], usize) {
    let rsv1 = if start.compressed { RSV1 } else { 0 };
    let first = (start.fin as u8) << 7 | rsv1 | start.opcode as u8;
    let mask = (masked as u8) << 7;
    let [a, b, c, d, e, f, g, h] = (payload as u64).to_be_bytes();
    match payload {
        0..=125 => ([first, mask | h, 0, 0, 0, 0, 0, 0, 0, 0], 2),
        126..=0xffff => ([first, mask | 126, g, h, 0, 0, 0, 0, 0, 0], 4),
        _ => ([first, mask | 127, a, b, c, d, e, f, g, h], 10),
    }
}
