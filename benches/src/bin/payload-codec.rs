//! `tidegate-payload-codec`: abbreviating keys by a scan over the text, beside the usual way through a tree.

use std::process::ExitCode;

use serde_json::{Map, Value};
use tidegate_benches::{Suite, corpora};
use tidegate_payload_codec::{Codec, Encoding, Form, Settings};

/// What a chat message's keys become in the tree's version of the work.
const SHORT: [(&str, &str); 5] = [
    ("message_id", "mid"),
    ("channel_id", "cid"),
    ("content", "c"),
    ("metadata", "m"),
    ("author_id", "ai"),
];

const OPTIMIZED: Form = Form { encoding: Encoding::Json, optimize: true, compression: None };

fn main() -> ExitCode {
    let mut suite = Suite::new("payload-codec");
    for corpus in corpora() {
        let sent: u64 = corpus.messages.len() as u64;
        let messages = corpus.messages.clone();
        let tree = corpus.messages.clone();
        suite
            .group(&format!("optimize {}", corpus.name))
            .per_call(sent)
            .ours(
                "scan",
                move || (Codec::new(Settings::default()), messages.clone()),
                |(codec, messages)| {
                    messages
                        .iter()
                        .map(|text| {
                            codec.encode(text, OPTIMIZED).map_or(0, |sent| sent.bytes.len())
                        })
                        .sum::<usize>()
                },
            )
            .peer(
                "serde_json tree, five keys",
                move || tree.clone(),
                |messages| messages.iter().map(|text| through_a_tree(text)).sum::<usize>(),
            );
    }
    suite.run()
}

fn through_a_tree(text: &[u8]) -> usize {
    let Ok(value) = serde_json::from_slice::<Value>(text) else { return 0 };
    serde_json::to_vec(&shorten(value)).map_or(0, |bytes| bytes.len())
}

fn shorten(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(renamed).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(shorten).collect()),
        other => other,
    }
}

fn renamed((key, value): (String, Value)) -> (String, Value) {
    let code = SHORT.iter().find(|(long, _)| *long == key).map(|(_, code)| (*code).to_owned());
    (code.unwrap_or(key), shorten(value))
}
