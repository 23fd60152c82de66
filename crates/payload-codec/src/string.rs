//! JSON strings: from their escaped text to what it means, and back in the shortest way.

use std::borrow::Cow;

/// Half of a surrogate pair, at this offset in the escaped text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unpaired(pub(crate) usize);

/// What the text between the quotes means. `raw` has passed the scanner.
pub(crate) fn unescape(raw: &str) -> Result<Cow<'_, str>, Unpaired> {
    let Some(first) = raw.find('\\') else { return Ok(Cow::Borrowed(raw)) };
    let (plain, mut rest) = raw.split_at(first);
    let mut out = String::with_capacity(raw.len());
    out.push_str(plain);
    while !rest.is_empty() {
        let offset = raw.len() - rest.len();
        let (character, length) = escape(rest.as_bytes()).ok_or(Unpaired(offset))?;
        out.push(character);
        rest = rest.get(length..).unwrap_or_default();
        let plain = rest.find('\\').unwrap_or(rest.len());
        out.push_str(rest.get(..plain).unwrap_or_default());
        rest = rest.get(plain..).unwrap_or_default();
    }
    Ok(Cow::Owned(out))
}

/// The character that the escape at the front stands for, and the length of the escape.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let character = match *text.get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(text),
        plain => char::from(plain),
    };
    Some((character, 2))
}

fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = hex(text.get(2..6)?)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    // A surrogate: only a high one followed by a low one is a character (RFC 8259, section 7).
    let second = text.get(6..12).filter(|next| next.starts_with(b"\\u"))?;
    let second = hex(second.get(2..)?)?;
    if !(0xd800..0xdc00).contains(&first) || !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).map(|c| (c, 12))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, &digit| Some(sum * 16 + char::from(digit).to_digit(16)?))
}

/// Appends `text` as a JSON string with its quotes. Only what must be escaped is.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut copied = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(text.get(copied..index).unwrap_or_default());
        copied = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                const DIGITS: [char; 16] = [
                    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
                ];
                out.push_str("\\u00");
                out.push(DIGITS[usize::from(control >> 4)]);
                out.push(DIGITS[usize::from(control & 15)]);
            }
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescapes_every_escape() {
        let raw = r#"a\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00z"#;
        assert_eq!(unescape(raw).unwrap(), "a\"\\/\u{8}\u{c}\n\r\tAé😀z");
    }

    #[test]
    fn names_the_place_of_an_unpaired_surrogate() {
        for raw in [r"ab\ud83d", r"ab\ud83dx", r"ab\ud83d\n", r"ab\ude00", r"ab\ud83d\ud83d"] {
            assert_eq!(unescape(raw), Err(Unpaired(2)), "{raw}");
        }
    }

    #[test]
    fn quotes_so_that_unescaping_gives_the_same() {
        let text: String = (0..=0x2ff_u32).filter_map(char::from_u32).collect();
        let mut quoted = String::new();
        quote(&mut quoted, &text);
        assert_eq!(unescape(quoted.trim_matches('"')).unwrap(), text);
        assert!(quoted.contains("\\u001f") && quoted.contains("\\n"));
    }
}
