//! Rule: nothing is ignored, nothing is left to do. A test that is not run guards nothing; work that is
//! left belongs in `docs/ROADMAP.md`.

use super::finding::Finding;
use super::tree::{File, Tree};

/// What code may not say.
const IN_CODE: [&str; 4] = ["#[ignore", "todo!", "unimplemented!", "ignore = "];

/// What comments may not say, in two parts for this file's own sake.
const IN_COMMENTS: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("```", "ignore"),
    concat!("```rust,", "ignore"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust_files().flat_map(in_file).collect()
}

fn in_file(file: &File) -> impl Iterator<Item = Finding> {
    let lines = (1..).zip(file.code.lines().zip(file.text.lines()));
    lines.filter_map(|(number, (code, text))| {
        let said = IN_CODE.into_iter().find(|said| says(code, said)).or_else(|| {
            let comment = text.trim_start().starts_with("//");
            IN_COMMENTS.into_iter().find(|said| comment && text.contains(said))
        })?;
        Some(Finding::new(&file.path, number, format!("says `{said}`")))
    })
}

/// Whether `code` says it as a word of its own.
fn says(code: &str, said: &str) -> bool {
    code.match_indices(said).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&Tree::of(&[("a.rs", text)])).len()
    }

    #[test]
    fn ignored_tests_and_unwritten_code_are_found() {
        assert_eq!(found("#[test]\n#[ignore]\nfn a() {}\n"), 1);
        assert_eq!(found("#[ignore = \"slow\"]\nfn a() {}\n"), 1);
        assert_eq!(found("#[cfg_attr(miri, ignore = \"slow\")]\nfn a() {}\n"), 1);
        assert_eq!(found("fn a() { todo!() }\nfn b() { unimplemented!(\"x\") }\n"), 2);
    }

    #[test]
    fn notes_and_ignored_examples_are_found() {
        for said in IN_COMMENTS {
            assert_eq!(found(&format!("    /// {said}\nfn a() {{}}\n")), 1, "{said}");
        }
    }

    #[test]
    fn texts_and_longer_words_are_not() {
        assert_eq!(found("let a = \"#[ignore] todo!\";\nmy_todo!();\n// what is left to do\n"), 0);
    }
}
