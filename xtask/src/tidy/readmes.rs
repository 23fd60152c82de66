//! Rule: each crate has a README with an example, and the example runs: `lib.rs` makes it a doc test.
//!
//! The gateway's README shows commands; any block will do there.

use super::finding::Finding;
use super::manifest::Package;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let crates = tree.packages().iter().filter(|package| package.folder.starts_with("crates/"));
    crates.filter_map(|package| fault(tree, package)).collect()
}

fn fault(tree: &Tree, package: &Package) -> Option<Finding> {
    let path = format!("{}/README.md", package.folder);
    let Some(readme) = tree.file(&path) else {
        return Some(Finding::new(&package.manifest, 1, "its crate has no README.md"));
    };
    let fences = fences(&readme.text);
    if package.name == "tidegate" {
        return fences.is_empty().then(|| Finding::new(&path, 1, "shows no example"));
    }
    if let Some((line, _)) = fences.iter().find(|(_, language)| language.contains("ignore")) {
        return Some(Finding::new(&path, *line, "an ignored example is no example"));
    }
    if !fences.iter().any(|(_, language)| is_run(language)) {
        return Some(Finding::new(&path, 1, "shows no Rust example"));
    }
    let library = tree.file(&format!("{}/src/lib.rs", package.folder));
    let included = library.is_some_and(|file| file.text.contains("include_str!(\"../README.md\")"));
    (!included)
        .then(|| Finding::new(&path, 1, "its example is no doc test: include it in src/lib.rs"))
}

/// Each opening fence: its line and what stands behind the backticks.
fn fences(text: &str) -> Vec<(usize, &str)> {
    let all =
        (1..).zip(text.lines()).filter_map(|(line, text)| Some((line, text.strip_prefix("```")?)));
    all.step_by(2).collect()
}

/// Whether rustdoc runs, or at least compiles, a block of this language.
fn is_run(language: &str) -> bool {
    language.is_empty() || language.split(',').any(|word| word.trim() == "rust")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INCLUDED: &str = "#[doc = include_str!(\"../README.md\")]\n";

    fn count(name: &str, readme: Option<&str>, library: &str) -> usize {
        let manifest = format!("[package]\nname = \"{name}\"\n");
        let mut files =
            vec![("crates/a/Cargo.toml", manifest.as_str()), ("crates/a/src/lib.rs", library)];
        files.extend(readme.map(|text| ("crates/a/README.md", text)));
        check(&Tree::of(&files)).len()
    }

    #[test]
    fn a_readme_with_a_tested_example_passes() {
        assert_eq!(count("tidegate-a", Some("# a\n```rust\nx\n```\n"), INCLUDED), 0);
        assert_eq!(count("tidegate-a", Some("```\nx\n```\n```text\ny\n```\n"), INCLUDED), 0);
    }

    #[test]
    fn each_way_to_be_without_one_is_found() {
        assert_eq!(count("tidegate-a", None, INCLUDED), 1);
        assert_eq!(count("tidegate-a", Some("# a\n"), INCLUDED), 1);
        assert_eq!(count("tidegate-a", Some("```text\nx\n```\n"), INCLUDED), 1);
        assert_eq!(count("tidegate-a", Some("```rust,ignore\nx\n```\n"), INCLUDED), 1);
        assert_eq!(count("tidegate-a", Some("```rust\nx\n```\n"), "//! a\n"), 1);
    }

    #[test]
    fn the_gateway_may_show_commands() {
        assert_eq!(count("tidegate", Some("```sh\ncargo run\n```\n"), ""), 0);
        assert_eq!(count("tidegate", Some("# a\n"), ""), 1);
    }
}
