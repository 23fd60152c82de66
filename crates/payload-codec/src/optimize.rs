//! JSON to the optimized form: keys to codes, timestamps to numbers, everything else byte for byte.
//!
//! The form is described in the README. Knows nothing of MessagePack or compression.

use crate::batch;
use crate::dictionary::{Dictionary, ESCAPE, MARK, Outbound, VERSION};
use crate::error::Fail;
use crate::rewrite::Rewrite;
use crate::scan::{Quoted, Scanner, Span, Token};
use crate::timestamp::Stamp;

/// The optimized form of `json`, or `None` where it is to be sent as it is: it is no object, or it
/// would not become smaller and could not be mistaken for an optimized message or a batch.
pub(crate) fn optimize(
    json: &str,
    dictionary: &Dictionary,
    max_depth: usize,
) -> Result<Option<String>, Fail> {
    let mut scanner = Scanner::new(json, max_depth);
    if scanner.next()? != Some(Token::ObjectStart) {
        scanner.finish()?;
        return Ok(None);
    }
    let mut rewrite = Rewrite::new(json);
    rewrite.insert(scanner.position(), &format!("\"{MARK}\":{VERSION},"));
    let mut mistakable = false;
    while let Some(token) = scanner.next()? {
        if let Token::Key(key) = token {
            mistakable |= rewrite_key(&mut scanner, key, dictionary, &mut rewrite)?;
        }
    }
    let optimized = rewrite.finish();
    Ok((mistakable || optimized.len() < json.len()).then_some(optimized))
}

/// Returns whether this key makes the original mistakable.
fn rewrite_key(
    scanner: &mut Scanner<'_>,
    key: Quoted,
    dictionary: &Dictionary,
    rewrite: &mut Rewrite<'_>,
) -> Result<bool, Fail> {
    let top = scanner.depth() == 1;
    let name = scanner.meaning(key);
    let Some(becomes) = dictionary.outbound(&name) else { return Ok(false) };
    match becomes {
        // Written with escapes, it keeps its long form: its text would not come back.
        Outbound::Shorten(_) | Outbound::Timestamp(_) if key.escaped => {}
        Outbound::Shorten(code) => rewrite.replace(key.span).push_str(code),
        Outbound::Timestamp(code) => shorten_timestamp(scanner, key, code, rewrite)?,
        Outbound::Escape => rewrite.insert(key.span.start, ESCAPE.encode_utf8(&mut [0; 4])),
        Outbound::Mark => {
            rewrite.insert(key.span.start, ESCAPE.encode_utf8(&mut [0; 4]));
            return Ok(top);
        }
        Outbound::Type if top => return is_batch(scanner),
        Outbound::Type => {}
    }
    Ok(false)
}

fn shorten_timestamp(
    scanner: &mut Scanner<'_>,
    key: Quoted,
    code: &str,
    rewrite: &mut Rewrite<'_>,
) -> Result<(), Fail> {
    let Some(Token::String(value)) = value(scanner)? else { return Ok(()) };
    // An array is one more level, for which a receiver may have no room.
    let fits = |stamp: &Stamp| matches!(stamp, Stamp::Millis(_)) || scanner.has_room();
    if let Some(stamp) = Stamp::from_iso(scanner.text(value.span)).filter(fits) {
        rewrite.replace(key.span).push_str(code);
        let quoted = Span { start: scanner.start(), end: scanner.position() };
        stamp.write_short(rewrite.replace(quoted));
    }
    Ok(())
}

fn is_batch(scanner: &mut Scanner<'_>) -> Result<bool, Fail> {
    let Some(Token::String(value)) = value(scanner)? else { return Ok(false) };
    Ok(scanner.meaning(value) == batch::TYPE)
}

/// The value's first token. It is never a key, so that consuming it loses none.
fn value(scanner: &mut Scanner<'_>) -> Result<Option<Token>, Fail> {
    scanner.next()
}
