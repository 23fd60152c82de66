//! Patterns: texts that must occur in a message, in order, and the numbers behind them. It knows no JSON.

use memchr::memmem::Finder;

use crate::dialect;
use crate::wire::marker;

/// A pattern that was prepared for looking.
#[derive(Debug)]
pub(crate) struct Pattern {
    parts: Vec<Finder<'static>>,
}

impl Pattern {
    /// `*` stands for anything; no part of what lies between is empty.
    pub(crate) fn new(text: &str) -> Self {
        let parts = text.split('*').filter(|part| !part.is_empty());
        Self { parts: parts.map(|part| Finder::new(part.as_bytes()).into_owned()).collect() }
    }

    /// Whether it is made of what every message of the load may be filled with.
    pub(crate) fn is_in_filler(&self) -> bool {
        // Twice over, so that each part may begin anywhere.
        let filler = marker::filler(72);
        self.parts.iter().all(|part| part.find(&filler).is_some())
    }

    /// Whether it occurs.
    pub(crate) fn occurs_in(&self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        self.parts.iter().all(|part| match part.find(rest) {
            Some(at) => {
                rest = &rest[at + part.needle().len()..];
                true
            }
            None => false,
        })
    }
}

/// A notice of the server that was prepared for looking.
#[derive(Debug)]
pub(crate) struct Notice {
    pattern: Pattern,
    count: Option<Finder<'static>>,
}

impl Notice {
    pub(crate) fn is_in_filler(&self) -> bool {
        self.pattern.is_in_filler()
    }

    pub(crate) fn new(notice: &dialect::Notice) -> Self {
        let count = notice.count.as_ref();
        Self {
            pattern: Pattern::new(&notice.pattern),
            count: count.map(|text| Finder::new(text.as_bytes()).into_owned()),
        }
    }

    /// How many messages it speaks for; 0 where it does not occur.
    pub(crate) fn count_in(&self, bytes: &[u8]) -> u64 {
        if !self.pattern.occurs_in(bytes) {
            return 0;
        }
        let Some(count) = &self.count else { return 1 };
        let at = count.find(bytes).map(|at| at + count.needle().len());
        at.and_then(|at| number(&bytes[at..])).unwrap_or(1)
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    let bytes = bytes.trim_ascii_start();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_must_occur_in_order() {
        let pattern = Pattern::new("\"type\":\"reply\"*\"id\":1");
        assert!(pattern.occurs_in(br#"{"type":"reply","group":"a","id":1}"#));
        assert!(!pattern.occurs_in(br#"{"id":1,"type":"reply"}"#));
    }

    #[test]
    fn an_empty_pattern_is_any_message() {
        assert!(Pattern::new("*").occurs_in(b""));
    }

    fn gap() -> Notice {
        Notice::new(&dialect::Notice {
            pattern: "\"type\":\"gap\"".into(),
            count: Some("\"dropped\":".into()),
        })
    }

    #[test]
    fn a_notice_counts_what_it_says() {
        assert_eq!(gap().count_in(br#"{"type":"gap","reason":"overflow","dropped": 17}"#), 17);
        assert_eq!(gap().count_in(br#"{"type":"message","dropped":17}"#), 0);
    }

    #[test]
    fn what_filler_is_made_of_is_no_pattern_of_a_notice() {
        assert!(Pattern::new("no*89ab").is_in_filler());
        assert!(!Pattern::new("\"no\"").is_in_filler());
    }

    #[test]
    fn a_notice_without_a_number_speaks_for_one() {
        assert_eq!(gap().count_in(br#"{"type":"gap","dropped":"many"}"#), 1);
        assert_eq!(gap().count_in(br#"{"type":"gap"}"#), 1);
    }
}
