//! Rule: where a document has the table of crates, each crate that exists stands in it.
//!
//! A crate stands in a table when a line that begins with `|` names it between backticks or brackets,
//! with or without `crates/` and `tidegate-`.

use super::finding::Finding;
use super::tree::{File, Tree};

const DOCUMENTS: [&str; 2] = ["README.md", "docs/ARCHITECTURE.md"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let folders: Vec<&str> = tree
        .packages()
        .iter()
        .filter_map(|package| package.folder.strip_prefix("crates/"))
        .collect();
    let documents = DOCUMENTS.iter().filter_map(|path| tree.file(path));
    documents.flat_map(|document| missing(document, &folders)).collect()
}

fn missing(document: &File, folders: &[&str]) -> Vec<Finding> {
    let lines = (1..).zip(document.text.lines());
    let rows: Vec<(usize, &str)> = lines.filter(|(_, line)| line.starts_with('|')).collect();
    let first = rows.first().map_or(1, |(number, _)| *number);
    let absent = folders.iter().filter(|folder| !rows.iter().any(|(_, row)| names(row, folder)));
    absent
        .map(|folder| {
            Finding::new(&document.path, first, format!("its table of crates has no `{folder}`"))
        })
        .collect()
}

fn names(row: &str, folder: &str) -> bool {
    row.split(['`', '[', ']', '(', ')', '|', ' ']).any(|word| {
        let word =
            word.trim_start_matches("../").trim_start_matches("crates/").trim_end_matches('/');
        word.strip_prefix("tidegate-").unwrap_or(word) == folder
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(table: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/ws/Cargo.toml", "[package]\nname = \"tidegate-ws\"\n"),
            ("crates/payload-codec/Cargo.toml", "[package]\nname = \"tidegate-payload-codec\"\n"),
            ("README.md", table),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crate_that_no_row_names_is_found() {
        let found = found("# x\n| crate |\n|---|\n| `ws` | for payload, codec |\n");
        assert_eq!(found, ["README.md:2: : its table of crates has no `payload-codec`"]);
    }

    #[test]
    fn links_and_package_names_count() {
        assert_eq!(
            found("| [`tidegate-ws`](crates/ws) |\n| [x](crates/payload-codec/) |\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_document_that_is_not_there_is_not_asked() {
        let tree = Tree::of(&[("crates/ws/Cargo.toml", "[package]\nname = \"tidegate-ws\"\n")]);
        assert_eq!(check(&tree), []);
    }
}
