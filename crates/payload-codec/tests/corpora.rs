//! Every line of the message corpora survives every form; the savings are printed (`--nocapture`).
//!
//! Reads `corpora/*.jsonl` of the project where it is there, and each folder that `TIDEGATE_CORPORA`
//! names (separated as in `PATH`). Without any of them there is nothing to read.
#![expect(clippy::unwrap_used, reason = "in a test, a failing unwrap is the failure")]

use std::path::{Path, PathBuf};

use tidegate_payload_codec::{Codec, Compression, Encoding, Form, Settings};

const COLUMNS: [(&str, Form); 6] = [
    ("optimized", form(Encoding::Json, true, None)),
    ("MessagePack", form(Encoding::MessagePack, false, None)),
    ("both", form(Encoding::MessagePack, true, None)),
    ("gzip", form(Encoding::Json, false, Some(Compression::Gzip))),
    ("lz4", form(Encoding::Json, false, Some(Compression::Lz4))),
    ("optimized+gzip", form(Encoding::Json, true, Some(Compression::Gzip))),
];

const fn form(encoding: Encoding, optimize: bool, compression: Option<Compression>) -> Form {
    Form { encoding, optimize, compression }
}

fn folders() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora");
    let more = std::env::var_os("TIDEGATE_CORPORA").unwrap_or_default();
    std::iter::once(own).chain(std::env::split_paths(&more)).collect()
}

fn corpora() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = folders()
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files
}

/// Encodes and decodes each line, asserts what came back, returns the bytes before and after.
fn savings(codec: &Codec, text: &str, form: Form) -> (usize, usize) {
    let (mut before, mut after) = (0, 0);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let sent = codec.encode(line.as_bytes(), form).expect(line);
        let back = codec.decode(&sent.bytes, sent.kind, form).expect(line);
        match form.encoding {
            Encoding::Json => assert_eq!(back, line.as_bytes()),
            Encoding::MessagePack => assert_same_values(line, &back),
        }
        before += line.len();
        after += sent.bytes.len();
    }
    (before, after)
}

/// MessagePack keeps values, not the text of numbers and escapes: a second trip changes nothing.
fn assert_same_values(line: &str, back: &[u8]) {
    let one: serde_json::Value = serde_json::from_str(line).unwrap();
    let other: serde_json::Value = serde_json::from_slice(back).unwrap();
    assert_eq!(one, other);
}

#[test]
fn every_line_comes_back_from_every_form() {
    let codec = Codec::new(Settings {
        gzip_threshold: 1024,
        max_message_bytes: 16 << 20,
        ..Settings::default()
    });
    for path in corpora() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        print!("{name:16}");
        for (column, form) in COLUMNS {
            let (before, after) = savings(&codec, &text, form);
            let percent = 100.0 * (1.0 - after as f64 / before.max(1) as f64);
            print!(" {column} {percent:.1} %,");
        }
        println!();
    }
}

#[test]
fn no_line_grows_when_optimized_unless_it_could_be_mistaken() {
    let codec = Codec::new(Settings::default());
    let form = form(Encoding::Json, true, None);
    for path in corpora() {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.contains("\"_v\"")) {
            assert!(codec.transform(line.as_bytes(), form).unwrap().len() <= line.len(), "{line}");
        }
    }
}
