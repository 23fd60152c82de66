//! A token stream: `chat.completion.chunk` objects of several answers, cut into tokens of a likely size.

use super::TEXTS;
use super::json::{Object, array, quoted};
use crate::random::Random;

/// Which texts are streamed, and how many bytes of each at most.
const ANSWERS: [(&str, usize); 6] = [
    ("rust-word-count", 800),
    ("sea-in-japanese", 600),
    ("lettre-du-phare", 400),
    ("packing-list", 400),
    ("brotbacken", 350),
    ("tides", 400),
];

pub(super) fn openai(random: &mut Random) -> Vec<String> {
    let mut lines = Vec::new();
    for (n, (name, max_bytes)) in ANSWERS.into_iter().enumerate() {
        let text = TEXTS.iter().find(|text| text.name == name).map_or("", |text| text.markdown);
        let text = &text[..text.floor_char_boundary(max_bytes)];
        let head =
            Head { id: format!("chatcmpl-{:016x}", random.bits()), created: 1_750_000_000 + n };
        lines.push(head.chunk(r#"{"role":"assistant","content":""}"#, "null"));
        let tokens = tokens(text, random);
        lines.extend(tokens.iter().map(|token| head.chunk(&content(token), "null")));
        lines.push(head.chunk("{}", r#""stop""#));
        lines.push(head.usage(tokens.len()));
    }
    lines
}

/// What the chunks of one answer have in common.
struct Head {
    id: String,
    created: usize,
}

impl Head {
    fn object(&self) -> Object {
        Object::new()
            .text("id", &self.id)
            .text("object", "chat.completion.chunk")
            .number("created", self.created)
            .text("model", "tide-1")
    }

    fn chunk(&self, delta: &str, finish_reason: &str) -> String {
        let choice = Object::new()
            .number("index", 0)
            .raw("delta", delta)
            .raw("finish_reason", finish_reason);
        self.object().raw("choices", &array([choice.end()])).end()
    }

    fn usage(&self, tokens: usize) -> String {
        let usage = Object::new()
            .number("prompt_tokens", 24)
            .number("completion_tokens", tokens)
            .number("total_tokens", 24 + tokens);
        self.object().raw("choices", "[]").raw("usage", &usage.end()).end()
    }
}

fn content(token: &str) -> String {
    format!(r#"{{"content":{}}}"#, quoted(token))
}

/// Cuts a text as tokenizers do, about: a space begins a word, long words fall into parts, spaces stay together,
/// and outside of Latin script a token is a character or two.
fn tokens(text: &str, random: &mut Random) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut room = 0;
    for c in text.chars() {
        match tokens.last_mut() {
            Some(token) if room > 0 && joins(token, c) => token.push(c),
            _ => {
                tokens.push(c.to_string());
                let latin = c < '\u{250}';
                room = if latin { random.between(5, 12) } else { random.between(1, 2) };
            }
        }
        room -= 1;
    }
    tokens
}

fn joins(token: &str, next: char) -> bool {
    let blank = token.chars().all(|c| c == ' ');
    if next == ' ' { blank } else { next.is_alphanumeric() && !token.ends_with('\n') }
}
