//! Rule: no file names a place on someone's machine, and no lock file the host that packages came from.

use super::finding::Finding;
use super::tree::{File, Tree};

/// Written in two parts, so that this file does not break its own rule.
const PLACES: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/", "bash_jobs"),
    concat!("/tmp/", "target-"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().flat_map(in_file).collect()
}

fn in_file(file: &File) -> impl Iterator<Item = Finding> {
    let is_lock = file.path.ends_with("package-lock.json");
    (1..).zip(file.text.lines()).filter_map(move |(number, line)| {
        let place = PLACES.into_iter().find(|place| line.contains(place));
        let why = match place {
            Some(place) => format!("names a place on one machine: {place}"),
            None if is_lock && line.contains("\"resolved\": \"http") => {
                "names a registry's host: npm's `omit-lockfile-registry-resolved` keeps it out"
                    .into()
            }
            None => return None,
        };
        Some(Finding::new(&file.path, number, why))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn each_place_is_found_in_any_kind_of_file() {
        for place in PLACES {
            assert_eq!(count("docs/NOTES.md", &format!("see\n{place}x\n")), 1, "{place}");
            assert_eq!(count("a.sh", &format!("cd {place}x")), 1, "{place}");
        }
        assert_eq!(count("a.sh", "cd target/debug; make work; cd /tmp/x"), 0);
    }

    #[test]
    fn a_lock_file_with_a_host_is_found() {
        let line = "  \"resolved\": \"https://registry.example/ws.tgz\",\n";
        assert_eq!(count("tests-e2e/package-lock.json", line), 1);
        assert_eq!(count("tests-e2e/package.json", line), 0);
    }
}
