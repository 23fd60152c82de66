//! Which of the known words a misspelt one was meant to be.

/// The known word closest to `word`, if one is close: a third of its letters may differ, and at least two.
/// Otherwise the first that begins with it.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    let allowed = (word.chars().count() / 3).max(2);
    let close = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    close.or_else(|| known.into_iter().find(|known| word.len() > 2 && known.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_word_that_misses_a_letter_or_two() {
        let known = ["max_requests", "window", "burst"];
        assert_eq!(nearest("max_reqests", known), Some("max_requests"));
        assert_eq!(nearest("widnow", known), Some("window"));
    }

    #[test]
    fn finds_a_word_that_is_cut_short() {
        assert_eq!(nearest("vocab", ["voice", "vocabulary"]), Some("vocabulary"));
    }

    #[test]
    fn says_nothing_where_nothing_is_close() {
        assert_eq!(nearest("colour", ["window", "burst", "log"]), None);
        assert_eq!(nearest("x", ["b"]), None);
    }
}
