//! What the embedded agent says, and which answer suits a question.

/// One answer: the words that call for it, and its text.
struct Answer {
    words: &'static [&'static str],
    text: &'static str,
}

macro_rules! answers {
    ($($file:literal: [$($word:literal),+]),+ $(,)?) => {
        &[$(Answer {
            words: &[$($word),+],
            text: include_str!(concat!("../../../../corpora/texts/", $file, ".md")),
        }),+]
    };
}

static ANSWERS: &[Answer] = answers! {
    "websockets": ["websocket", "socket", "http", "protocol", "gateway", "tidegate", "hello", "hi"],
    "tides": ["tide", "moon", "sea", "ocean", "beach"],
    "rust-word-count": ["rust", "code", "function", "program", "write"],
    "travel-plan": ["plan", "travel", "weekend", "mountain", "trip", "visit"],
    "packing-list": ["pack", "list", "bag", "bring", "hike"],
    "lentil-soup": ["soup", "cook", "recipe", "eat", "dinner", "lentil"],
    "debugging": ["bug", "debug", "error", "fix", "test", "crash"],
    "sleep": ["sleep", "tired", "night", "rest", "dream"],
    "harbour-at-night": ["poem", "harbour", "story", "verse"],
    "brotbacken": ["brot", "backen", "deutsch", "german", "bread"],
    "lettre-du-phare": ["lettre", "phare", "bonjour", "french", "français", "letter"],
    "sea-in-japanese": ["海", "japanese", "日本", "japan"],
};

/// The answer with the most words in common with the question; without any, the one on WebSockets.
pub(crate) fn answer(question: &str) -> &'static str {
    let question = question.to_lowercase();
    let asked: Vec<&str> = question.split(|c: char| !c.is_alphanumeric()).collect();
    let score = |answer: &Answer| {
        answer.words.iter().filter(|word| asked.iter().any(|asked| calls(asked, word))).count()
    };
    // The first of the best: `max_by_key` would take the last.
    ANSWERS.iter().rev().max_by_key(|answer| score(answer)).map_or("", |answer| answer.text)
}

/// Whether a word of a question means this word: in the plural too, and inside languages without spaces.
fn calls(asked: &str, word: &str) -> bool {
    if word.is_ascii() {
        asked.strip_prefix(word).is_some_and(|rest| rest.len() <= 3)
    } else {
        asked.contains(word)
    }
}

/// The text in pieces such as a model would make: words with the space before them, long ones cut.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (token, after) = rest.split_at(token_end(rest)?);
        rest = after;
        Some(token)
    })
}

/// Where the first token ends; `None` for an empty text.
fn token_end(text: &str) -> Option<usize> {
    const LONGEST: usize = 8;
    let mut word = 0;
    for (at, character) in text.char_indices() {
        let breaks = character.is_whitespace();
        if (word > 0 && breaks) || word == LONGEST {
            return Some(at);
        }
        word += usize::from(!breaks);
    }
    (!text.is_empty()).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_joined_are_the_text() {
        for answer in ANSWERS {
            let joined: String = tokens(answer.text).collect();
            assert_eq!(joined, answer.text);
            assert!(tokens(answer.text).count() > 50);
        }
    }

    #[test]
    fn a_question_finds_its_answer() {
        for (question, word) in [
            ("How do tides work?", "tide"),
            ("Write a small Rust function", "fn "),
            ("Explain WebSockets", "WebSocket"),
            ("海の話をして", "海"),
            ("", "WebSocket"),
        ] {
            assert!(answer(question).contains(word), "{question}");
        }
    }
}
