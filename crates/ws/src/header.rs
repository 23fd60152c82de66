//! Frame headers (RFC 6455, 5.2): read strictly, written in the shortest form.
//!
//! ```text
//! byte 0   FIN RSV1 RSV2 RSV3 opcode(4)
//! byte 1   MASK length(7): 126 means 2 more bytes, 127 means 8 more
//!          0, 2 or 8 bytes of length, big endian
//!          0 or 4 bytes of mask key
//! ```

use bytes::BufMut;

use crate::error::Violation;
use crate::limits::Role;
use crate::mask::Key;

/// The longest header: two bytes, eight of length, four of key.
pub(crate) const MAX_HEADER_BYTES: usize = 14;

/// A broken rule and the index of the byte that breaks it.
type Fault = (Violation, usize);

/// The six op codes that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
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

    pub(crate) const fn is_control(self) -> bool {
        self as u8 >= Self::Close as u8
    }
}

/// The first byte of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) fin: bool,
    pub(crate) opcode: Opcode,
}

impl Start {
    /// Reads byte 0. `agreed` holds the RSV bits (0x40, 0x20, 0x10) that an extension has given a meaning.
    pub(crate) const fn parse(byte: u8, agreed: u8) -> Result<Self, Violation> {
        if byte & 0x70 & !agreed != 0 {
            return Err(Violation::ReservedBits);
        }
        let Some(opcode) = Opcode::from_bits(byte & 0x0f) else {
            return Err(Violation::ReservedOpcode);
        };
        let fin = byte & 0x80 != 0;
        if opcode.is_control() && !fin {
            return Err(Violation::FragmentedControl);
        }
        Ok(Self { fin, opcode })
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
    pub(crate) fn parse(input: &[u8], role: Role, control: bool) -> Result<Option<Self>, Fault> {
        let [_, second, after @ ..] = input else { return Ok(None) };
        match (role, second & 0x80 != 0) {
            (Role::Server, false) => return Err((Violation::Unmasked, 1)),
            (Role::Client, true) => return Err((Violation::Masked, 1)),
            _ => {}
        }
        let short = second & 0x7f;
        if control && short > 125 {
            return Err((Violation::LongControl, 1));
        }
        let Some((payload, after)) = length(short, after)? else { return Ok(None) };
        let unkeyed = input.len() - after.len();
        if role == Role::Client {
            return Ok(Some(Self { payload, key: None, size: unkeyed }));
        }
        Ok(after.first_chunk().map(|key| Self { payload, key: Some(*key), size: unkeyed + 4 }))
    }
}

/// Reads the extended length, if `short` announces one, and gives what follows it.
fn length(short: u8, after: &[u8]) -> Result<Option<(u64, &[u8])>, Fault> {
    let (length, shortest, rest) = match short {
        126 => {
            let Some((bytes, rest)) = after.split_first_chunk() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(*bytes)), 126, rest)
        }
        127 => {
            let Some((bytes, rest)) = after.split_first_chunk() else { return Ok(None) };
            (u64::from_be_bytes(*bytes), 1 << 16, rest)
        }
        short => (u64::from(short), 0, after),
    };
    if length >> 63 != 0 {
        return Err((Violation::HugeLength, 2));
    }
    if length < shortest {
        return Err((Violation::LongLength, 2));
    }
    Ok(Some((length, rest)))
}

/// A header as it is sent: at most ten bytes, or fourteen with a key.
pub(crate) fn write(start: Start, payload: usize, key: Option<Key>, out: &mut impl BufMut) {
    let mask = if key.is_some() { 0x80 } else { 0 };
    out.put_u8(u8::from(start.fin) << 7 | start.opcode as u8);
    match payload {
        0..=125 => out.put_u8(mask | payload as u8),
        126..=0xffff => {
            out.put_u8(mask | 126);
            out.put_u16(payload as u16);
        }
        _ => {
            out.put_u8(mask | 127);
            out.put_u64(payload as u64);
        }
    }
    if let Some(key) = key {
        out.put_slice(&key);
    }
}
