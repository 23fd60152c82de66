//! Rust source with everything blanked out that is not code, so that rules may look for words in it.
//!
//! A small scanner, no parser: it knows comments, strings, raw strings and characters. Lines stay lines.

/// `text` with spaces in the place of comments and of what stands inside string and character literals.
pub(super) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let end = literal_or_comment(bytes, at);
        if end > at {
            blank(&bytes[at..end], &mut code);
            at = end;
        } else {
            // A multi-byte character outside of literals is part of no word that a rule looks for.
            code.push(if byte.is_ascii() { char::from(byte) } else { ' ' });
            at += 1;
            if byte.is_ascii_alphanumeric() || byte == b'_' {
                at = copy_word(bytes, at, &mut code);
            }
        }
    }
    code
}

/// The rest of a word, so that the `r` of `for"` or `b'` inside a name opens nothing.
fn copy_word(bytes: &[u8], mut at: usize, code: &mut String) -> usize {
    while let Some(&byte) =
        bytes.get(at).filter(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
    {
        code.push(char::from(byte));
        at += 1;
    }
    at
}

fn blank(bytes: &[u8], code: &mut String) {
    code.extend(bytes.iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' }));
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn literal_or_comment(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment(rest);
    }
    let prefix = rest.iter().take_while(|byte| b"bcr".contains(byte)).count().min(2);
    let quoted = &rest[prefix..];
    let length = match quoted.first() {
        Some(b'"' | b'#') if rest[..prefix].contains(&b'r') => raw_string(quoted),
        Some(b'"') => Some(escaped(quoted, b'"')),
        Some(b'\'') => character(quoted),
        _ => None,
    };
    length.map_or(at, |length| at + prefix + length)
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of `##"…"##`; `None` for a raw identifier such as `r#type`.
fn raw_string(quoted: &[u8]) -> Option<usize> {
    let hashes = quoted.iter().take_while(|byte| **byte == b'#').count();
    if quoted.get(hashes) != Some(&b'"') {
        return None;
    }
    let body = &quoted[hashes + 1..];
    let closes = |at: &usize| {
        body[*at] == b'"'
            && body[at + 1..].iter().take(hashes).filter(|byte| **byte == b'#').count() == hashes
    };
    let end = (0..body.len()).find(closes);
    Some(end.map_or(quoted.len(), |end| hashes + 1 + end + 1 + hashes))
}

/// The length of a literal that ends at the first `quote` without a backslash before it.
fn escaped(quoted: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < quoted.len() {
        match quoted[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    quoted.len()
}

/// The length of a character literal; `None` for a lifetime or a label.
fn character(quoted: &[u8]) -> Option<usize> {
    if quoted.get(1) == Some(&b'\\') {
        return Some(escaped(quoted, b'\''));
    }
    // One character of one to four bytes, then the closing quote.
    let end = (2..=5).find(|at| quoted.get(*at) == Some(&b'\''))?;
    std::str::from_utf8(&quoted[1..end])
        .is_ok_and(|inside| inside.chars().count() == 1)
        .then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        code_only(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_go_also_nested_ones() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g"), "a c g");
        assert_eq!(words("//! todo!()\n/// x\nfn"), "fn");
    }

    #[test]
    fn strings_go_in_every_form() {
        assert_eq!(words(r#"a "b \" c" d"#), "a d");
        assert_eq!(words("a r#\"b \" c\"# d"), "a d");
        assert_eq!(words("a b\"b\" c\"c\" br##\"x\"# y\"## d"), "a d");
    }

    #[test]
    fn characters_go_and_lifetimes_stay() {
        assert_eq!(words("f('\"', '\\'', b'x', 'é', 'static)"), "f( , , , , 'static)");
        assert_eq!(words("fn f<'a>(x: &'a str)"), "fn f<'a>(x: &'a str)");
    }

    #[test]
    fn a_name_that_ends_like_a_prefix_opens_nothing() {
        assert_eq!(words("let bar = r#type; for x in abc {}"), "let bar = r#type; for x in abc {}");
    }

    #[test]
    fn lines_stay_lines() {
        let text = "a\n\"x\ny\"\n/*\n*/ b\n";
        assert_eq!(code_only(text).lines().count(), text.lines().count());
        assert_eq!(code_only(text).lines().nth(4).map(str::trim), Some("b"));
    }

    #[test]
    fn what_is_cut_off_in_the_middle_ends_with_the_file() {
        for text in ["\"abc", "r#\"abc", "/* a", "'\\", "b'", "\\", "\"\\"] {
            assert!(code_only(text).len() <= text.len(), "{text}");
        }
    }
}
