//! Rule: features of tiers 0 and 1 have known names, are off by default, and only add.
//!
//! "Only add" is judged by its usual breach, `not(feature = …)` in a `cfg`; and no optional dependency
//! is a feature by accident, for lack of `dep:`.

use super::finding::Finding;
use super::manifest::{Dependency, Kind, Package};
use super::tiers;
use super::tree::{File, Tree};

/// All that a small crate may offer. A new name is a decision: it is taken here.
const KNOWN: [&str; 4] = ["tokio", "tower", "serde", "disk"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages() {
        if tiers::of_package(&package.name).is_some_and(tiers::Crate::is_foundation) {
            findings.extend(in_manifest(package));
            let sources = tree.rust_files().filter(|file| file.is_in(&package.folder));
            findings.extend(sources.flat_map(in_source));
        }
    }
    findings
}

fn in_manifest(package: &Package) -> Vec<Finding> {
    let at = |why: String| Finding::new(&package.manifest, package.features_line, why);
    let mut findings = Vec::new();
    if !package.features.is_empty() && !package.features.iter().any(|(name, _)| name == "default") {
        findings.push(at("says no `default = []`".into()));
    }
    for (name, parts) in &package.features {
        if name == "default" && !parts.is_empty() {
            findings.push(at(format!("`default` switches on {}", parts.join(", "))));
        } else if name != "default" && !KNOWN.contains(&name.as_str()) {
            findings.push(at(format!("feature `{name}` is not one of {}", KNOWN.join(", "))));
        }
    }
    let accidental = |dependency: &&Dependency| {
        let switch = format!("dep:{}", dependency.name);
        dependency.kind == Kind::Normal
            && dependency.optional
            && !package.features.iter().any(|(_, parts)| parts.contains(&switch))
    };
    findings.extend(package.dependencies.iter().filter(accidental).map(|dependency| {
        let why = format!("optional `{0}` is no feature's `dep:{0}`", dependency.name);
        Finding::new(&package.manifest, dependency.line, why)
    }));
    findings
}

fn in_source(file: &File) -> impl Iterator<Item = Finding> {
    let lines = (1..).zip(file.code.lines());
    let taking_away = lines.filter(|(_, line)| line.contains("not(feature"));
    taking_away.map(|(number, _)| {
        Finding::new(&file.path, number, "a feature takes something away: features only add")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(manifest: &str, source: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"tidegate-queue\"\n{manifest}");
        let tree =
            Tree::of(&[("crates/queue/Cargo.toml", &text), ("crates/queue/src/lib.rs", source)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn features_as_they_should_be_pass() {
        let optional = "[dependencies]\ntokio = { version = \"1\", optional = true }\n";
        let good = format!("[features]\ndefault = []\ntokio = [\"dep:tokio\"]\n{optional}");
        assert_eq!(found(&good, "#[cfg(feature = \"tokio\")]\nmod a;\n"), [""; 0]);
        assert_eq!(found("", ""), [""; 0]);
    }

    #[test]
    fn a_default_that_switches_something_on_is_found() {
        assert_eq!(found("[features]\ndefault = [\"tokio\"]\ntokio = []\n", "").len(), 1);
        assert_eq!(found("[features]\ntokio = []\n", "").len(), 1);
    }

    #[test]
    fn an_unknown_name_is_found() {
        let found = found("[features]\ndefault = []\nfast = []\n", "");
        assert!(found[0].contains("`fast`"), "{found:?}");
    }

    #[test]
    fn an_accidental_feature_is_found() {
        let optional = "[dependencies]\ntokio = { version = \"1\", optional = true }\n";
        assert_eq!(found(optional, "").len(), 1);
    }

    #[test]
    fn a_feature_that_takes_away_is_found() {
        let found = found("", "fn a() {}\n#[cfg(not(feature = \"tokio\"))]\nfn b() {}\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("lib.rs:2:"), "{found:?}");
    }
}
