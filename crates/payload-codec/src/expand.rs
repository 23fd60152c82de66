//! The optimized form back to JSON, alone or as parts of a batch; everything else is left as it is.
//!
//! The inverse of `optimize`, byte for byte. Knows nothing of MessagePack or compression.

use crate::batch;
use crate::dictionary::{self, Dictionary, ESCAPE, Inbound, MARK, VERSION};
use crate::error::{Fail, Fault};
use crate::rewrite::Rewrite;
use crate::scan::{Quoted, Scanner, Span, Token};
use crate::timestamp::Stamp;

/// The text that `json` was made from, or `None` where it was not optimized. Checks all of it
/// either way; refuses to grow it beyond `max_bytes`.
pub(crate) fn expand(
    json: &str,
    dictionary: &Dictionary,
    max_depth: usize,
    max_bytes: usize,
) -> Result<Option<String>, Fail> {
    let scanner = Scanner::new(json, max_depth);
    let rewrite = Rewrite::new(json);
    let mut expander = Expander { scanner, rewrite, dictionary, max_bytes, changed: false };
    expander.message()?;
    expander.scanner.finish()?;
    if !expander.changed {
        return Ok(None);
    }
    let out = expander.rewrite.finish();
    if out.len() > max_bytes {
        return Err(Fail::new(json.len(), Fault::TooLarge { limit: max_bytes }));
    }
    Ok(Some(out))
}

struct Expander<'a> {
    scanner: Scanner<'a>,
    rewrite: Rewrite<'a>,
    dictionary: &'a Dictionary,
    max_bytes: usize,
    changed: bool,
}

/// How an object begins.
enum Opening {
    Marked,
    Batch,
    Other,
}

impl Expander<'_> {
    fn message(&mut self) -> Result<(), Fail> {
        if self.scanner.next()? != Some(Token::ObjectStart) {
            return Ok(());
        }
        match self.opening()? {
            Opening::Marked => self.rest_of_object(0),
            Opening::Batch => self.parts(),
            Opening::Other => Ok(()),
        }
    }

    /// The elements of a batch. A batch inside it is left as it is: no encoder puts one there.
    fn parts(&mut self) -> Result<(), Fail> {
        if !self.next_is_key(batch::MESSAGES)? || self.scanner.next()? != Some(Token::ArrayStart) {
            return Ok(());
        }
        let inside = self.scanner.depth();
        while let Some(token) = self.scanner.next()? {
            if self.scanner.depth() < inside {
                break;
            }
            if token == Token::ObjectStart
                && self.scanner.depth() == inside + 1
                && let Opening::Marked = self.opening()?
            {
                self.rest_of_object(inside)?;
            }
        }
        Ok(())
    }

    /// Looks at what follows an opening brace. A mark is taken out.
    fn opening(&mut self) -> Result<Opening, Fail> {
        let inside = self.scanner.position();
        let Some(Token::Key(key)) = self.scanner.next()? else { return Ok(Opening::Other) };
        let is_mark = self.scanner.meaning(key) == MARK;
        let is_type = self.scanner.text(key.span) == dictionary::TYPE;
        match self.scanner.next()? {
            Some(Token::Number(value)) if is_mark && self.scanner.text(value) == VERSION => {
                self.take_mark_out(inside)?;
                Ok(Opening::Marked)
            }
            Some(Token::String(value)) if is_type => {
                let is_batch = self.scanner.text(value.span) == batch::TYPE;
                Ok(if is_batch { Opening::Batch } else { Opening::Other })
            }
            _ => Ok(Opening::Other),
        }
    }

    fn take_mark_out(&mut self, inside: usize) -> Result<(), Fail> {
        self.changed = true;
        let end = self.scanner.position();
        let token = self.scanner.next()?;
        // Our own mark ends with its comma; whitespace behind it is the original's. (No comma: a mark
        // by itself, or one that somebody laid out.)
        let comma = self.scanner.text(Span { start: end, end: end + 1 }) == ",";
        let end = if comma { end + 1 } else { self.scanner.start() };
        self.rewrite.replace(Span { start: inside, end });
        match token {
            Some(Token::Key(key)) => self.key(key),
            _ => Ok(()),
        }
    }

    /// Until no more than `outside` containers are open.
    fn rest_of_object(&mut self, outside: usize) -> Result<(), Fail> {
        while self.scanner.depth() > outside {
            match self.scanner.next()? {
                Some(Token::Key(key)) => self.key(key)?,
                Some(_) => {}
                None => break,
            }
        }
        Ok(())
    }

    fn key(&mut self, key: Quoted) -> Result<(), Fail> {
        let name = self.scanner.meaning(key);
        if name.starts_with(ESCAPE) {
            let plain = self.scanner.text(key.span).starts_with(ESCAPE);
            let length = if plain { ESCAPE.len_utf8() } else { "\\u007e".len() };
            let (start, end) = (key.span.start, key.span.start + length);
            self.rewrite.replace(Span { start, end });
        } else {
            match self.dictionary.inbound(&name) {
                Some(Inbound::Key(long)) => self.rewrite.replace(key.span).push_str(long),
                Some(Inbound::Timestamp(long)) => {
                    self.rewrite.replace(key.span).push_str(long);
                    self.timestamp()?;
                }
                None => {}
            }
        }
        if self.rewrite.len() > self.max_bytes {
            let limit = self.max_bytes;
            return Err(Fail::new(self.scanner.position(), Fault::TooLarge { limit }));
        }
        Ok(())
    }

    fn timestamp(&mut self) -> Result<(), Fail> {
        let first = self.scanner.next()?;
        let start = self.scanner.start();
        let stamp = match first {
            Some(Token::Number(millis)) => {
                Stamp::from_numbers(false, self.scanner.text(millis), None)
            }
            Some(Token::ArrayStart) => self.numbers()?,
            _ => None,
        };
        let stamp = stamp.ok_or(Fail::new(start, Fault::Timestamp))?;
        let out = self.rewrite.replace(Span { start, end: self.scanner.position() });
        out.push('"');
        stamp.write_iso(out);
        out.push('"');
        Ok(())
    }

    /// One or two numbers, up to the end of their array.
    fn numbers(&mut self) -> Result<Option<Stamp>, Fail> {
        let Some(Token::Number(first)) = self.scanner.next()? else { return Ok(None) };
        let first = self.scanner.text(first);
        let second = match self.scanner.next()? {
            Some(Token::ArrayEnd) => return Ok(Stamp::from_numbers(true, first, None)),
            Some(Token::Number(second)) => self.scanner.text(second),
            _ => return Ok(None),
        };
        let ended = self.scanner.next()? == Some(Token::ArrayEnd);
        Ok(Stamp::from_numbers(true, first, Some(second)).filter(|_| ended))
    }

    fn next_is_key(&mut self, name: &str) -> Result<bool, Fail> {
        let token = self.scanner.next()?;
        Ok(matches!(token, Some(Token::Key(key)) if self.scanner.text(key.span) == name))
    }
}
