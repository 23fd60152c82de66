//! MessagePack to JSON text, iteratively, bounded in depth and in what it writes.
//!
//! Refuses what JSON cannot hold: keys other than strings, binary, foreign extensions, NaN and the
//! infinities, text that is not UTF-8.

use std::fmt::Write;

use crate::error::{Fail, Fault};
use crate::number::write_float;
use crate::pack::JSON_TEXT;
use crate::scan::{Scanner, Token};
use crate::string::quote;

/// The JSON of one MessagePack value, compact, with no more escapes than needed.
pub(crate) fn unpack(input: &[u8], max_depth: usize, max_bytes: usize) -> Result<String, Fail> {
    let out = String::with_capacity(input.len().saturating_mul(5) / 4);
    let mut unpacker = Unpacker { input, at: 0, out, open: Vec::new(), max_depth };
    loop {
        unpacker.value()?;
        if unpacker.out.len() > max_bytes {
            let limit = max_bytes;
            return Err(Fail::new(unpacker.at, Fault::TooLarge { limit }));
        }
        if !unpacker.advance()? {
            break;
        }
    }
    if unpacker.at < input.len() {
        return Err(refusal(unpacker.at, "bytes behind the end of the value"));
    }
    Ok(unpacker.out)
}

struct Unpacker<'a> {
    input: &'a [u8],
    at: usize,
    out: String,
    open: Vec<Container>,
    max_depth: usize,
}

/// An open container, and how many of its pairs or elements are still to come.
struct Container {
    map: bool,
    left: usize,
    fresh: bool,
}

impl<'a> Unpacker<'a> {
    /// One scalar, or the head of a container.
    fn value(&mut self) -> Result<(), Fail> {
        let start = self.at;
        match self.byte()? {
            byte @ 0x00..=0x7f => self.display(byte),
            byte @ 0xe0..=0xff => self.display(i8::from_be_bytes([byte])),
            byte @ 0x80..=0x8f => return self.container(start, true, usize::from(byte & 15)),
            byte @ 0x90..=0x9f => return self.container(start, false, usize::from(byte & 15)),
            0xc0 => self.out.push_str("null"),
            0xc2 => self.out.push_str("false"),
            0xc3 => self.out.push_str("true"),
            0xca => {
                let float = f64::from(f32::from_be_bytes(self.bytes()?));
                self.float(start, float)?;
            }
            0xcb => {
                let float = f64::from_be_bytes(self.bytes()?);
                self.float(start, float)?;
            }
            marker @ 0xcc..=0xd3 => self.integer(marker)?,
            marker @ (0xdc | 0xdd) => {
                let size = self.size(marker == 0xdd)?;
                return self.container(start, false, size);
            }
            marker @ (0xde | 0xdf) => {
                let size = self.size(marker == 0xdf)?;
                return self.container(start, true, size);
            }
            marker @ (0xc7..=0xc9 | 0xd4..=0xd8) => self.extension(start, marker)?,
            0xc4..=0xc6 => return Err(refusal(start, "binary data has no JSON form")),
            0xc1 => return Err(refusal(start, "0xc1 begins no value")),
            marker => {
                let text = self.string(start, marker)?;
                quote(&mut self.out, text);
            }
        }
        Ok(())
    }

    /// Closes what is complete and writes up to the next value: `false` at the end.
    fn advance(&mut self) -> Result<bool, Fail> {
        while let Some(container) = self.open.last_mut() {
            if container.left == 0 {
                self.out.push(if container.map { '}' } else { ']' });
                self.open.pop();
                continue;
            }
            container.left -= 1;
            let map = container.map;
            if !std::mem::take(&mut container.fresh) {
                self.out.push(',');
            }
            if map {
                self.key()?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn key(&mut self) -> Result<(), Fail> {
        let start = self.at;
        match self.byte()? {
            marker @ (0xa0..=0xbf | 0xd9..=0xdb) => {
                let text = self.string(start, marker)?;
                quote(&mut self.out, text);
                self.out.push(':');
                Ok(())
            }
            _ => Err(refusal(start, "a key that is no string")),
        }
    }

    fn container(&mut self, start: usize, map: bool, left: usize) -> Result<(), Fail> {
        let limit = self.max_depth;
        if self.open.len() >= limit {
            return Err(Fail::new(start, Fault::TooDeep { limit }));
        }
        // Each element takes a byte at least, each pair two.
        let least = if map { left.saturating_mul(2) } else { left };
        if least > self.input.len() - self.at {
            return Err(refusal(start, "the input ends before the container"));
        }
        self.out.push(if map { '{' } else { '[' });
        self.open.push(Container { map, left, fresh: true });
        Ok(())
    }

    /// The text of a string whose marker was read.
    fn string(&mut self, start: usize, marker: u8) -> Result<&'a str, Fail> {
        let length = match marker {
            0xa0..=0xbf => usize::from(marker & 31),
            0xd9 => usize::from(self.byte()?),
            _ => self.size(marker == 0xdb)?,
        };
        let from = self.at;
        let bytes = self.take(start, length)?;
        std::str::from_utf8(bytes)
            .map_err(|error| Fail::new(from + error.valid_up_to(), Fault::Utf8))
    }

    fn extension(&mut self, start: usize, marker: u8) -> Result<(), Fail> {
        let length = match marker {
            0xc7 => usize::from(self.byte()?),
            0xc8 | 0xc9 => self.size(marker == 0xc9)?,
            fixed => 1 << (fixed - 0xd4),
        };
        if self.byte()? != JSON_TEXT {
            return Err(refusal(start, "an extension type that is not the text of a JSON scalar"));
        }
        let text = std::str::from_utf8(self.take(start, length)?).ok().filter(|text| {
            let mut scanner = Scanner::new(text, 0);
            let first = scanner.next();
            matches!(first, Ok(Some(Token::Number(_) | Token::String(_))))
                && scanner.next() == Ok(None)
        });
        match text {
            Some(text) => self.out.push_str(text.trim_ascii()),
            None => return Err(refusal(start, "an extension that holds no JSON number or string")),
        }
        Ok(())
    }

    fn integer(&mut self, marker: u8) -> Result<(), Fail> {
        match marker {
            0xcc => self.bytes().map(|bytes| self.display(u8::from_be_bytes(bytes))),
            0xcd => self.bytes().map(|bytes| self.display(u16::from_be_bytes(bytes))),
            0xce => self.bytes().map(|bytes| self.display(u32::from_be_bytes(bytes))),
            0xcf => self.bytes().map(|bytes| self.display(u64::from_be_bytes(bytes))),
            0xd0 => self.bytes().map(|bytes| self.display(i8::from_be_bytes(bytes))),
            0xd1 => self.bytes().map(|bytes| self.display(i16::from_be_bytes(bytes))),
            0xd2 => self.bytes().map(|bytes| self.display(i32::from_be_bytes(bytes))),
            _ => self.bytes().map(|bytes| self.display(i64::from_be_bytes(bytes))),
        }
    }

    fn float(&mut self, start: usize, float: f64) -> Result<(), Fail> {
        if !float.is_finite() {
            return Err(refusal(start, "NaN and the infinities have no JSON form"));
        }
        write_float(&mut self.out, float);
        Ok(())
    }

    fn display(&mut self, integer: impl std::fmt::Display) {
        let _infallible = write!(self.out, "{integer}");
    }

    fn size(&mut self, wide: bool) -> Result<usize, Fail> {
        if !wide {
            return Ok(usize::from(u16::from_be_bytes(self.bytes()?)));
        }
        let size = u32::from_be_bytes(self.bytes()?);
        Ok(usize::try_from(size).unwrap_or(usize::MAX))
    }

    fn byte(&mut self) -> Result<u8, Fail> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Fail> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let bytes = rest.first_chunk().ok_or(refusal(self.at, "the input ends inside a value"))?;
        self.at += N;
        Ok(*bytes)
    }

    fn take(&mut self, start: usize, length: usize) -> Result<&'a [u8], Fail> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or(refusal(start, "the input ends inside a value"))?;
        self.at += length;
        Ok(taken)
    }
}

fn refusal(offset: usize, what: &'static str) -> Fail {
    Fail::new(offset, Fault::MessagePack(what))
}
