//! JSON text to MessagePack, without a tree: one pass counts what each container holds, the next
//! writes. Every length and integer takes the shortest form.
//!
//! What MessagePack cannot hold is kept as the JSON text of the scalar, in an extension type.

use crate::error::{Fail, Fault};
use crate::number::Number;
use crate::scan::{Quoted, Scanner, Span, Token};
use crate::string::unescape;

/// The extension type whose data is the JSON text of one number or string: `J`.
pub(crate) const JSON_TEXT: u8 = b'J';

/// The MessagePack of one JSON text.
pub(crate) fn pack(json: &str, max_depth: usize) -> Result<Vec<u8>, Fail> {
    let mut sizes = sizes(json, max_depth)?.into_iter();
    let mut scanner = Scanner::new(json, max_depth);
    let mut out = Vec::with_capacity(json.len());
    while let Some(token) = scanner.next()? {
        match token {
            Token::ObjectStart => map_header(&mut out, sizes.next().unwrap_or(0)),
            Token::ArrayStart => array_header(&mut out, sizes.next().unwrap_or(0)),
            Token::ObjectEnd | Token::ArrayEnd => {}
            Token::Key(key) => {
                let text = unescape(scanner.text(key.span)).map_err(|unpaired| {
                    Fail::new(key.span.start + unpaired.0, Fault::UnpairedSurrogate)
                })?;
                string(&mut out, &text);
            }
            Token::String(value) => pack_string(&mut out, &scanner, value),
            Token::Number(span) => pack_number(&mut out, scanner.text(span)),
            Token::Null => out.push(0xc0),
            Token::False => out.push(0xc2),
            Token::True => out.push(0xc3),
        }
    }
    Ok(out)
}

/// How many pairs or elements each container holds, in the order they open.
fn sizes(json: &str, max_depth: usize) -> Result<Vec<u32>, Fail> {
    let mut scanner = Scanner::new(json, max_depth);
    let mut sizes = Vec::new();
    // The open containers: their place in `sizes`, and whether they count values (or keys).
    let mut open: Vec<(usize, bool)> = Vec::new();
    while let Some(token) = scanner.next()? {
        if let Token::ObjectEnd | Token::ArrayEnd = token {
            open.pop();
            continue;
        }
        if let Some(&(index, values)) = open.last()
            && values != matches!(token, Token::Key(_))
            && let Some(size) = sizes.get_mut(index)
        {
            *size += 1;
        }
        if let Token::ObjectStart | Token::ArrayStart = token {
            open.push((sizes.len(), token == Token::ArrayStart));
            sizes.push(0_u32);
        }
    }
    Ok(sizes)
}

fn pack_string(out: &mut Vec<u8>, scanner: &Scanner<'_>, value: Quoted) {
    match unescape(scanner.text(value.span)) {
        Ok(text) => string(out, &text),
        Err(_) => {
            let quoted = Span { start: value.span.start - 1, end: value.span.end + 1 };
            json_text(out, scanner.text(quoted));
        }
    }
}

fn pack_number(out: &mut Vec<u8>, text: &str) {
    match Number::of(text) {
        Number::Unsigned(value) => unsigned(out, value),
        Number::Signed(value) => signed(out, value),
        Number::Float(value) => float(out, value),
        Number::Text => json_text(out, text),
    }
}

fn unsigned(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    match value {
        0..=0x7f => out.extend_from_slice(&bytes[7..]),
        0x80..=0xff => prefixed(out, 0xcc, &bytes[7..]),
        0x100..=0xffff => prefixed(out, 0xcd, &bytes[6..]),
        0x1_0000..=0xffff_ffff => prefixed(out, 0xce, &bytes[4..]),
        _ => prefixed(out, 0xcf, &bytes),
    }
}

fn signed(out: &mut Vec<u8>, value: i64) {
    let bytes = value.to_be_bytes();
    match value {
        -0x20.. => out.extend_from_slice(&bytes[7..]),
        -0x80.. => prefixed(out, 0xd0, &bytes[7..]),
        -0x8000.. => prefixed(out, 0xd1, &bytes[6..]),
        -0x8000_0000.. => prefixed(out, 0xd2, &bytes[4..]),
        _ => prefixed(out, 0xd3, &bytes),
    }
}

/// As 32 bits where those hold the same value.
fn float(out: &mut Vec<u8>, value: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "the next line asks whether it was exact")]
    let narrow = value as f32;
    if f64::from(narrow).to_bits() == value.to_bits() {
        prefixed(out, 0xca, &narrow.to_be_bytes());
    } else {
        prefixed(out, 0xcb, &value.to_be_bytes());
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    let bytes = length(text.len());
    match text.len() {
        0..=31 => out.push(0xa0 | bytes[3]),
        32..=0xff => prefixed(out, 0xd9, &bytes[3..]),
        0x100..=0xffff => prefixed(out, 0xda, &bytes[2..]),
        _ => prefixed(out, 0xdb, &bytes),
    }
    out.extend_from_slice(text.as_bytes());
}

fn json_text(out: &mut Vec<u8>, text: &str) {
    let bytes = length(text.len());
    match text.len() {
        1 => out.push(0xd4),
        2 => out.push(0xd5),
        4 => out.push(0xd6),
        8 => out.push(0xd7),
        16 => out.push(0xd8),
        0..=0xff => prefixed(out, 0xc7, &bytes[3..]),
        0x100..=0xffff => prefixed(out, 0xc8, &bytes[2..]),
        _ => prefixed(out, 0xc9, &bytes),
    }
    out.push(JSON_TEXT);
    out.extend_from_slice(text.as_bytes());
}

/// The header of an array of this many elements.
pub(crate) fn array_header(out: &mut Vec<u8>, size: u32) {
    header(out, size, [0x90, 0xdc, 0xdd]);
}

fn map_header(out: &mut Vec<u8>, size: u32) {
    header(out, size, [0x80, 0xde, 0xdf]);
}

fn header(out: &mut Vec<u8>, size: u32, [short, of_16, of_32]: [u8; 3]) {
    let bytes = size.to_be_bytes();
    match size {
        0..=15 => out.push(short | bytes[3]),
        16..=0xffff => prefixed(out, of_16, &bytes[2..]),
        _ => prefixed(out, of_32, &bytes),
    }
}

fn prefixed(out: &mut Vec<u8>, marker: u8, bytes: &[u8]) {
    out.push(marker);
    out.extend_from_slice(bytes);
}

/// Lengths fit: the codec refuses texts of 4 GiB and more.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}
