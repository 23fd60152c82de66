//! Rule: no file, folder, module or type is called after nothing: the words below say only that a thing
//! is there.

use super::finding::Finding;
use super::tree::{File, Tree};

const BANNED: [&str; 7] = ["util", "utils", "utility", "common", "manager", "helper", "helpers"];

const ITEMS: [&str; 6] = ["mod", "struct", "enum", "trait", "type", "union"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().flat_map(|file| in_path(file).into_iter().chain(in_code(file))).collect()
}

fn in_path(file: &File) -> Option<Finding> {
    let mut parts = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let why = parts.find_map(banned)?;
    Some(Finding::new(&file.path, 1, format!("its path says `{why}`")))
}

fn in_code(file: &File) -> impl Iterator<Item = Finding> {
    (1..).zip(file.code.lines()).filter_map(|(number, line)| {
        let name = declared(line)?;
        let word = banned(name)?;
        Some(Finding::new(&file.path, number, format!("`{name}` says `{word}`, not what it is")))
    })
}

/// The name that a line declares, whatever visibility stands before it.
fn declared(line: &str) -> Option<&str> {
    let mut words =
        line.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    let begins = line.trim_start();
    if !(begins.starts_with("pub") || ITEMS.iter().any(|item| begins.starts_with(item))) {
        return None;
    }
    words.find(|word| ITEMS.contains(word))?;
    words.find(|word| !word.is_empty())
}

/// The banned word among the words of a `snake_case`, `kebab-case` or `CamelCase` name.
fn banned(name: &str) -> Option<&'static str> {
    let mut spaced = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(character.to_ascii_lowercase());
    }
    let mut words = spaced.split(|character: char| !character.is_ascii_alphanumeric());
    words.find_map(|word| BANNED.into_iter().find(|banned| *banned == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, source: &str) -> usize {
        check(&Tree::of(&[(path, source)])).len()
    }

    #[test]
    fn files_and_folders_are_found() {
        assert_eq!(found("crates/a/src/byte_utils.rs", ""), 1);
        assert_eq!(found("crates/common/README.md", ""), 1);
        assert_eq!(found("tests-e2e/helpers.mjs", ""), 1);
        assert_eq!(found("crates/a/src/communal.rs", ""), 0);
    }

    #[test]
    fn modules_and_types_are_found() {
        assert_eq!(found("a.rs", "pub(crate) mod util {\n"), 1);
        assert_eq!(found("a.rs", "pub struct SessionManager;\n"), 1);
        assert_eq!(found("a.rs", "    type Helper = u8;\n"), 1);
        assert_eq!(found("a.rs", "trait Manages {}\n"), 0);
    }

    #[test]
    fn uses_and_comments_are_no_declarations() {
        assert_eq!(found("a.rs", "use hyper_util::rt;\n// mod util\nlet x = \"mod util\";\n"), 0);
        assert_eq!(found("a.rs", "fn common_prefix() {}\n"), 0);
    }
}
