//! Messages and texts to test and measure with: the project's own, which a seed generates and which are committed
//! under `corpora/`, and others' folders that `TIDEGATE_CORPORA` names.
//!
//! ```
//! use tidegate_testkit::corpora;
//! let own = &corpora::load("presence.jsonl")[0];
//! assert!(own.file.ends_with("corpora/presence.jsonl"));
//! assert!(own.lines.iter().all(|line| line.starts_with('{')));
//! ```

mod events;
mod json;
mod stream;
mod texts;

use std::path::{Path, PathBuf};

use crate::random::Random;

pub use texts::{TEXTS, Text};

/// The names of the generated corpora.
pub const NAMES: [&str; 5] = [
    "chat_messages.jsonl",
    "openai_stream.jsonl",
    "plans_large.jsonl",
    "presence.jsonl",
    "webhooks.jsonl",
];

/// The seed of the committed files.
const SEED: u64 = 0x7469_6465;

/// One file of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    /// Where it was read.
    pub file: PathBuf,
    /// Its lines, without the ends and without empty ones.
    pub lines: Vec<String>,
}

/// The folders that are looked into: the project's own, then those of `TIDEGATE_CORPORA` (separated by colons).
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    with_more(&std::env::var("TIDEGATE_CORPORA").unwrap_or_default())
}

fn with_more(list: &str) -> Vec<PathBuf> {
    let more = list.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from);
    std::iter::once(own_folder()).chain(more).collect()
}

/// The files of this name, one for each folder that has it; the project's own comes first.
///
/// # Panics
/// If no folder has it, or a file cannot be read as UTF-8.
#[must_use]
pub fn load(name: &str) -> Vec<Corpus> {
    let folders = folders();
    let files = folders.iter().map(|folder| folder.join(name)).filter(|file| file.is_file());
    let corpora: Vec<_> = files.map(read).collect();
    assert!(!corpora.is_empty(), "none of {folders:?} has {name}");
    corpora
}

/// The lines that a generated corpus has. The same on each machine and in each run.
///
/// # Panics
/// If the name is not one of [`NAMES`].
#[must_use]
pub fn generate(name: &str) -> Vec<String> {
    let mut random = Random::new(SEED);
    match name {
        "chat_messages.jsonl" => events::chat_messages(&mut random),
        "openai_stream.jsonl" => stream::openai(&mut random),
        "plans_large.jsonl" => events::plans(&mut random),
        "presence.jsonl" => events::presence(&mut random),
        "webhooks.jsonl" => events::webhooks(&mut random),
        _ => panic!("{name} is not a generated corpus: {NAMES:?}"),
    }
}

/// Where the project's own corpora are.
#[must_use]
pub fn own_folder() -> PathBuf {
    // The crate's folder is <root>/crates/testkit.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.unwrap_or(Path::new(".")).join("corpora")
}

fn read(file: PathBuf) -> Corpus {
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    let lines = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    Corpus { file, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_into_its_own_folder_first_and_then_into_those_named() {
        assert_eq!(with_more(""), [own_folder()]);
        let all = [own_folder(), "/one".into(), "two".into()];
        assert_eq!(with_more("/one::two:"), all);
    }
}
