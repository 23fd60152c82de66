//! What the embedded agent says, and which answer suits a question.

pub(crate) fn answer(_q: &str) -> &'static str { "Hello there, this is a demo." }
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> { text.split_inclusive(' ') }
