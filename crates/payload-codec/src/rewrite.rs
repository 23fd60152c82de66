//! A text with some of its ranges replaced, all else copied in runs.

use crate::scan::Span;

/// Replacements are given from front to back.
pub(crate) struct Rewrite<'a> {
    source: &'a str,
    out: String,
    copied: usize,
}

impl<'a> Rewrite<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, out: String::with_capacity(source.len() + 16), copied: 0 }
    }

    /// Copies up to the span, leaves it out, and hands the output over for what stands instead.
    pub(crate) fn replace(&mut self, span: Span) -> &mut String {
        self.out.push_str(self.source.get(self.copied..span.start).unwrap_or_default());
        self.copied = span.end;
        &mut self.out
    }

    /// Inserts a text.
    pub(crate) fn insert(&mut self, at: usize, text: &str) {
        self.replace(Span { start: at, end: at }).push_str(text);
    }

    /// How long the output is so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn finish(mut self) -> String {
        self.out.push_str(self.source.get(self.copied..).unwrap_or_default());
        self.out
    }
}
