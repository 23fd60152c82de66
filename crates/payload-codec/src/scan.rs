//! A pull scanner over JSON text (RFC 8259): one pass, no tree, no recursion, no allocation.
//!
//! Knows nothing of dictionaries or MessagePack: it says what stands where, and refuses what is not
//! JSON or nests too deep. Text of numbers and strings is left as it stands.

use std::borrow::Cow;

use crate::error::{Fail, Fault};
use crate::string::unescape;

/// The deepest nesting that any setting can ask for, in containers.
pub(crate) const DEEPEST: usize = 256;

/// A range of bytes in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What stands between the quotes of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quoted {
    /// Without the quotes.
    pub(crate) span: Span,
    /// Whether there is a backslash in it.
    pub(crate) escaped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Key(Quoted),
    String(Quoted),
    Number(Span),
    True,
    False,
    Null,
}

#[derive(Debug, Clone, Copy)]
enum Expect {
    Value,
    FirstKey,
    FirstElement,
    Separator,
    End,
}

/// Yields the tokens of one JSON text, which it checks completely by the time it yields `None`.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    input: &'a [u8],
    /// The end of the last token.
    position: usize,
    /// The start of the last token; of a string, its quote.
    start: usize,
    expect: Expect,
    depth: usize,
    max_depth: usize,
    /// One bit a level: whether it is an object.
    objects: [u64; DEEPEST / 64],
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, max_depth: usize) -> Self {
        Self {
            text,
            input: text.as_bytes(),
            position: 0,
            start: 0,
            expect: Expect::Value,
            depth: 0,
            max_depth: max_depth.min(DEEPEST),
            objects: [0; DEEPEST / 64],
        }
    }

    /// The next token, or `None` after the one value that the text holds.
    pub(crate) fn next(&mut self) -> Result<Option<Token>, Fail> {
        self.skip_space();
        match self.expect {
            Expect::Value => self.value().map(Some),
            Expect::FirstKey if self.peek() == Some(b'}') => Ok(Some(self.close())),
            Expect::FirstKey => self.key().map(Some),
            Expect::FirstElement if self.peek() == Some(b']') => Ok(Some(self.close())),
            Expect::FirstElement => self.value().map(Some),
            Expect::Separator => self.separator().map(Some),
            Expect::End if self.peek().is_none() => Ok(None),
            Expect::End => self.fail("the end"),
        }
    }

    /// Reads on to the end, only to check.
    pub(crate) fn finish(&mut self) -> Result<(), Fail> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// How many containers are open after the last token.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the limit leaves another level here.
    pub(crate) fn has_room(&self) -> bool {
        self.depth < self.max_depth
    }

    /// Where the last token begins; a string at its quote.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Where the last token ends; a key behind its colon, a string behind its quote.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The text of a span that this scanner yielded.
    pub(crate) fn text(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// What a string of this text means, for comparison with dictionary words. A string with half a
    /// surrogate pair means no word; its text is returned, but for an escaped `~` at its front.
    pub(crate) fn meaning(&self, quoted: Quoted) -> Cow<'a, str> {
        let raw = self.text(quoted.span);
        if !quoted.escaped {
            return Cow::Borrowed(raw);
        }
        unescape(raw).unwrap_or_else(|_| match raw.get(..6) {
            Some("\\u007e" | "\\u007E") => Cow::Borrowed("~"),
            _ => Cow::Borrowed(raw),
        })
    }

    fn value(&mut self) -> Result<Token, Fail> {
        self.start = self.position;
        match self.peek() {
            Some(b'{') => self.open(true),
            Some(b'[') => self.open(false),
            Some(b'"') => {
                let quoted = self.string()?;
                self.after_value();
                Ok(Token::String(quoted))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Token::True),
            Some(b'f') => self.word("false", Token::False),
            Some(b'n') => self.word("null", Token::Null),
            _ => self.fail("a value"),
        }
    }

    fn separator(&mut self) -> Result<Token, Fail> {
        match (self.peek(), self.in_object()) {
            (Some(b'}'), true) | (Some(b']'), false) => Ok(self.close()),
            (Some(b','), object) => {
                self.position += 1;
                self.skip_space();
                if object { self.key() } else { self.value() }
            }
            (_, true) => self.fail("`,` or `}`"),
            (_, false) => self.fail("`,` or `]`"),
        }
    }

    fn key(&mut self) -> Result<Token, Fail> {
        if self.peek() != Some(b'"') {
            return self.fail("a key");
        }
        self.start = self.position;
        let quoted = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.fail("`:`");
        }
        self.position += 1;
        self.expect = Expect::Value;
        Ok(Token::Key(quoted))
    }

    fn open(&mut self, object: bool) -> Result<Token, Fail> {
        let limit = self.max_depth;
        let word = match self.objects.get_mut(self.depth / 64) {
            Some(word) if self.depth < limit => word,
            _ => return Err(Fail::new(self.position, Fault::TooDeep { limit })),
        };
        let bit = 1 << (self.depth % 64);
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        self.position += 1;
        self.expect = if object { Expect::FirstKey } else { Expect::FirstElement };
        Ok(if object { Token::ObjectStart } else { Token::ArrayStart })
    }

    fn close(&mut self) -> Token {
        let token = if self.in_object() { Token::ObjectEnd } else { Token::ArrayEnd };
        self.start = self.position;
        self.position += 1;
        self.depth -= 1;
        self.after_value();
        token
    }

    fn in_object(&self) -> bool {
        let level = self.depth.wrapping_sub(1);
        self.objects.get(level / 64).is_some_and(|word| word >> (level % 64) & 1 == 1)
    }

    fn after_value(&mut self) {
        self.expect = if self.depth == 0 { Expect::End } else { Expect::Separator };
    }

    fn word(&mut self, word: &'static str, token: Token) -> Result<Token, Fail> {
        if !self.input.get(self.position..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return self.fail("a value");
        }
        self.position += word.len();
        self.after_value();
        Ok(token)
    }

    fn number(&mut self) -> Result<Token, Fail> {
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        if self.peek() == Some(b'0') {
            self.position += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.position += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.position += 1;
            }
            self.digits()?;
        }
        self.after_value();
        Ok(Token::Number(Span { start: self.start, end: self.position }))
    }

    fn digits(&mut self) -> Result<(), Fail> {
        let from = self.position;
        while let Some(b'0'..=b'9') = self.peek() {
            self.position += 1;
        }
        if self.position == from { self.fail("a digit") } else { Ok(()) }
    }

    fn string(&mut self) -> Result<Quoted, Fail> {
        let start = self.position + 1;
        self.position = start;
        let mut escaped = false;
        loop {
            self.position = next_special(self.input, self.position);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fail("no control character"),
                None => return self.fail("the end of a string"),
            }
        }
        let span = Span { start, end: self.position };
        self.position += 1;
        Ok(Quoted { span, escaped })
    }

    fn escape(&mut self) -> Result<(), Fail> {
        self.position += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.position += 1,
            Some(b'u') => {
                self.position += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return self.fail("four hexadecimal digits");
                    }
                    self.position += 1;
                }
            }
            _ => return self.fail("an escape"),
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.position += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.position).copied()
    }

    fn fail<T>(&self, expected: &'static str) -> Result<T, Fail> {
        Err(Fail::new(self.position, Fault::Json(expected)))
    }
}

/// Refuses a text that is not JSON, or nests too deep.
pub(crate) fn check(text: &str, max_depth: usize) -> Result<(), Fail> {
    Scanner::new(text, max_depth).finish()
}

/// The first quote, backslash or control character at or after `from`, eight bytes at a time.
fn next_special(input: &[u8], from: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    let rest = input.get(from..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let zero = |x: u64| x.wrapping_sub(ONES) & !x;
        // The lowest marked byte is exact: a borrow only ever comes from a marked byte below.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (zero(word ^ QUOTES) | zero(word ^ BACKSLASHES) | control) & HIGH;
        if found != 0 {
            return from + index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let in_tail = tail.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
    from + words.len() * 8 + in_tail.unwrap_or(tail.len())
}

#[cfg(test)]
mod tests {
    use super::next_special;

    #[test]
    fn finds_each_special_byte_at_each_place() {
        for special in (0..=255u8).filter(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
            for length in 0..20 {
                for place in 0..length {
                    let mut input = vec![0xffu8; length];
                    input[place] = special;
                    input[length - 1] = special;
                    assert_eq!(next_special(&input, 0), place);
                }
            }
        }
    }

    #[test]
    fn passes_over_all_other_bytes() {
        for plain in (0x20..=255u8).filter(|byte| !matches!(byte, b'"' | b'\\')) {
            for length in 0..20 {
                assert_eq!(next_special(&vec![plain; length], 0), length);
            }
        }
    }
}
