//! The committed corpora are what the seed generates, and are what their names say.

use serde_json::Value;
use tidegate_testkit::corpora::{self, NAMES, TEXTS};

fn objects(name: &str) -> Vec<Value> {
    let lines = corpora::generate(name);
    lines.iter().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn the_committed_files_are_what_the_seed_generates() {
    for name in NAMES {
        let own = &corpora::load(name)[0];
        assert_eq!(own.file, corpora::own_folder().join(name));
        let same = own.lines == corpora::generate(name);
        assert!(same, "{name} is stale: cargo run -p tidegate-testkit --example corpora");
    }
}

#[test]
fn the_files_are_modest() {
    let size =
        |name: &&str| corpora::generate(name).iter().map(|line| line.len() + 1).sum::<usize>();
    let sizes: Vec<_> = NAMES.iter().map(size).collect();
    assert!(sizes.iter().all(|&size| size <= 150_000), "{NAMES:?}: {sizes:?}");
    assert!(sizes.iter().sum::<usize>() < 500_000, "{sizes:?}");
}

#[test]
fn webhooks_and_plans_have_the_sizes_they_stand_for() {
    for line in corpora::generate("webhooks.jsonl") {
        assert!((4_000..=25_000).contains(&line.len()), "{}", line.len());
    }
    for line in corpora::generate("plans_large.jsonl") {
        assert!((10_000..=60_000).contains(&line.len()), "{}", line.len());
    }
}

#[test]
fn the_token_stream_puts_together_to_the_beginnings_of_texts() {
    let mut answer = String::new();
    let mut answers = 0;
    for chunk in objects("openai_stream.jsonl") {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        let choice = &chunk["choices"][0];
        answer.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        if choice["finish_reason"] == "stop" {
            let is_one = |text: &&corpora::Text| text.markdown.starts_with(&answer);
            assert!(answer.len() > 300 && TEXTS.iter().any(|text| is_one(&text)), "{answer}");
            answer.clear();
            answers += 1;
        }
    }
    assert_eq!((answers, answer.as_str()), (6, ""));
}

#[test]
fn chat_and_presence_are_typed_messages_in_order_of_time() {
    for (name, time) in [("chat_messages.jsonl", "created_at"), ("presence.jsonl", "timestamp")] {
        let messages = objects(name);
        assert!(messages.iter().all(|message| message["type"].is_string()), "{name}");
        assert!(messages.iter().map(|message| message[time].to_string()).is_sorted(), "{name}");
    }
}

#[test]
fn texts_are_long_enough_to_stream() {
    assert_eq!(TEXTS.len(), 12);
    for text in TEXTS {
        assert!(text.markdown.starts_with("# "), "{}", text.name);
        let size = text.markdown.chars().count();
        assert!((800..4_000).contains(&size), "{}: {size}", text.name);
    }
}
