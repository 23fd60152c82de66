//! The messages that benchmarks work on: the project's own, or those of other folders.
//!
//! Knows the folder `corpora/` at the repository's root and the variable `TIDEGATE_CORPORA` (folders, as in `PATH`); not what the
//! messages mean.

use std::fs;
use std::path::Path;

/// One file of messages.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The file's name without its ending.
    pub name: String,
    /// Its lines, without their line feeds; empty lines are left out.
    pub messages: Vec<Vec<u8>>,
}

/// All corpora: those of `TIDEGATE_CORPORA` where it is set, the project's own otherwise.
///
/// # Panics
/// When the folder cannot be read or holds none: a benchmark without its work has nothing to say.
#[must_use]
pub fn corpora() -> Vec<Corpus> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpora");
    let folders = std::env::var_os("TIDEGATE_CORPORA")
        .map_or_else(|| vec![own], |named| std::env::split_paths(&named).collect());
    let mut corpora: Vec<_> = folders.iter().flat_map(|folder| of(folder)).collect();
    corpora.sort_by(|a, b| a.name.cmp(&b.name));
    corpora
}

fn of(folder: &Path) -> Vec<Corpus> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let corpora: Vec<_> = paths.filter_map(|path| read(&path)).collect();
    assert!(!corpora.is_empty(), "{} holds no .jsonl file", folder.display());
    corpora
}

fn read(path: &Path) -> Option<Corpus> {
    if path.extension()? != "jsonl" {
        return None;
    }
    let name = path.file_stem()?.to_str()?.to_owned();
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Some(Corpus { name, messages: lines.map(<[u8]>::to_vec).collect() })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_projects_own_messages_are_found() {
        let corpora = super::corpora();
        assert!(corpora.iter().all(|corpus| !corpus.messages.is_empty()));
    }
}
