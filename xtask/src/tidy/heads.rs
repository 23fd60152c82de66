//! Rule: each Rust file opens with `//!`: what it is and what it does not know.

use super::finding::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let bare = tree.rust_files().filter(|file| !opens_with_words(&file.text));
    bare.map(|file| Finding::new(&file.path, 1, "opens without a `//!` that says what it is"))
        .collect()
}

fn opens_with_words(text: &str) -> bool {
    let head = text.lines().next().and_then(|line| line.strip_prefix("//!"));
    head.is_some_and(|words| !words.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_opens_with_anything_else_is_found() {
        for text in ["", "use a;\n", "\n//! late\n", "//!\n", "// plain\n"] {
            assert_eq!(check(&Tree::of(&[("a.rs", text)])).len(), 1, "{text}");
        }
        assert_eq!(check(&Tree::of(&[("a.rs", "//! What it is.\n"), ("a.md", "")])).len(), 0);
    }
}
