//! Rule: a source file has at most 400 lines. The test module at its foot, and files that are tests
//! altogether, do not count.

use super::finding::Finding;
use super::tree::{File, Tree};

const MAX_LINES: usize = 400;

const LANGUAGES: [&str; 5] = [".rs", ".js", ".mjs", ".ts", ".py"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().filter(|file| is_source(file) && !file.is_test()).filter_map(too_long).collect()
}

fn is_source(file: &File) -> bool {
    LANGUAGES.iter().any(|end| file.path.ends_with(end))
}

fn too_long(file: &File) -> Option<Finding> {
    let length = file.length_without_tests();
    let why = format!("{length} lines besides tests, {MAX_LINES} are the most: divide it by topic");
    (length > MAX_LINES).then(|| Finding::new(&file.path, MAX_LINES + 1, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, lines: usize, foot: &str) -> usize {
        let text = format!("{}{foot}", "fn a() {}\n".repeat(lines));
        check(&Tree::of(&[(path, &text)])).len()
    }

    #[test]
    fn the_line_after_the_last_allowed_one_is_found() {
        assert_eq!(found("crates/a/src/b.rs", 400, ""), 0);
        assert_eq!(found("crates/a/src/b.rs", 401, ""), 1);
        assert_eq!(found("crates/a/assets/page.js", 401, ""), 1);
    }

    #[test]
    fn tests_do_not_count() {
        let foot = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(300));
        assert_eq!(found("crates/a/src/b.rs", 399, &foot), 0);
        assert_eq!(found("crates/a/tests/b.rs", 900, ""), 0);
        assert_eq!(found("docs/LONG.md", 900, ""), 0);
    }
}
