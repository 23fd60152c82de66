//! The picture of the repository that rules look at: texts by path, and the packages among them.
//! Read from a work tree once, or made up by a test.

use std::fs;
use std::path::Path;

use super::finding::Finding;
use super::manifest::{Manifest, Package};
use super::source;
use crate::{Problem, repository};

/// Workspaces of their own: what their packages depend on is not what the project depends on.
const APART: [&str; 3] = ["benches/", "fuzz/", "xtask/peers/"];

/// All text files and packages.
pub(super) struct Tree {
    files: Vec<File>,
    packages: Vec<Package>,
    broken: Vec<Finding>,
}

/// One text file.
pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// For Rust the text with comments and the contents of literals blanked out, line by line the same;
    /// empty for anything else.
    pub(super) code: String,
}

impl Tree {
    /// # Errors
    /// When git cannot list the files. A file that is no UTF-8, or gone, is left out.
    pub(super) fn read(root: &Path) -> Result<Self, Problem> {
        let paths = repository::files(root)?.into_iter();
        let files = paths.filter_map(|path| {
            let text = fs::read_to_string(root.join(&path)).ok()?;
            Some(File::new(path, text))
        });
        Ok(Self::new(files.collect()))
    }

    /// A made-up tree.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File::new((*path).into(), (*text).into()));
        Self::new(files.collect())
    }

    fn new(files: Vec<File>) -> Self {
        let root = files.iter().find(|file| file.path == "Cargo.toml");
        let workspace = root.and_then(|file| Manifest::parse(&file.text).ok()).unwrap_or_default();
        let (mut packages, mut broken) = (Vec::new(), Vec::new());
        let ours = |file: &&File| {
            file.path.ends_with("Cargo.toml")
                && !APART.iter().any(|apart| file.path.starts_with(apart))
        };
        for file in files.iter().filter(ours) {
            match Manifest::parse(&file.text) {
                Ok(manifest) => packages.extend(manifest.package(&file.path, &workspace)),
                Err(why) => broken.push(Finding::new(&file.path, 1, why)),
            }
        }
        Self { files, packages, broken }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    pub(super) fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files().filter(|file| file.is_rust())
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files().find(|file| file.path == path)
    }

    pub(super) fn packages(&self) -> &[Package] {
        &self.packages
    }

    pub(super) fn broken_manifests(&self) -> &[Finding] {
        &self.broken
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let code = if is_rust(&path) { source::code_only(&text) } else { String::new() };
        Self { path, text, code }
    }

    pub(super) fn is_rust(&self) -> bool {
        is_rust(&self.path)
    }

    /// Whether the whole file is test code: by its folder or its name.
    pub(super) fn is_test(&self) -> bool {
        let folders = ["tests/", "benches/", "examples/", "tests-e2e/"];
        let inside = |folder: &str| {
            self.path.starts_with(folder) || self.path.contains(&format!("/{folder}"))
        };
        folders.iter().any(|folder| inside(folder)) || self.path.ends_with("/tests.rs")
    }

    /// The lines of code with their numbers, up to the test module at the file's foot.
    pub(super) fn lines_of_code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines()).take(self.length_without_tests())
    }

    /// How many lines stand before `#[cfg(test)] mod …` at the foot; all, when there is none.
    pub(super) fn length_without_tests(&self) -> usize {
        let lines: Vec<&str> = self.code.lines().map(str::trim).collect();
        let foot = lines.iter().rposition(|line| line.starts_with("#[cfg(test)]"));
        foot.filter(|at| opens_module(&lines[*at..])).unwrap_or(self.text.lines().count())
    }

    /// `crates/x`, when the file lies in that crate's own sources.
    pub(super) fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// Whether a module with a body follows the attributes that `lines` begin with.
fn opens_module(lines: &[&str]) -> bool {
    let item = lines.iter().flat_map(|line| line.rsplit(']').take(1)).map(str::trim);
    item.filter(|text| !text.is_empty())
        .find(|text| text.starts_with("mod "))
        .is_some_and(|text| text.ends_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(text: &str) -> usize {
        Tree::of(&[("a.rs", text)]).file("a.rs").unwrap().length_without_tests()
    }

    #[test]
    fn the_test_module_at_the_foot_does_not_count() {
        assert_eq!(length("//! a\nfn a() {}\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(length("//! a\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n}\n"), 1);
    }

    #[test]
    fn a_test_only_item_is_not_the_foot() {
        assert_eq!(length("//! a\n#[cfg(test)]\nfn of() {}\nfn b() {}\n"), 4);
        assert_eq!(length("//! a\n#[cfg(test)]\nmod tests;\nfn b() {}\n"), 4);
    }

    #[test]
    fn a_file_is_a_test_by_its_folder_or_name() {
        let is_test = |path| Tree::of(&[(path, "")]).file(path).unwrap().is_test();
        assert!(is_test("crates/ws/tests/wire.rs"));
        assert!(is_test("crates/ws/src/socket/tests.rs"));
        assert!(!is_test("crates/ws/src/socket.rs"));
        assert!(!is_test("crates/testkit/src/lib.rs"));
    }
}
