//! Rule: a crate knows only the crates below it, as the table of tiers says; each crate has a row there.
//! Dev-dependencies are free; so are `testkit`, `load` and what lies outside `crates/`.

use super::finding::Finding;
use super::manifest::{Kind, Package};
use super::tiers::{self, Crate};
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages() {
        let Some(folder) = package.folder.strip_prefix("crates/") else { continue };
        match tiers::of_folder(folder) {
            Some(row) => findings.extend(unknown_to(row, package)),
            None => findings.push(Finding::new(
                &package.manifest,
                1,
                format!("`{folder}` has no tier: give it a row in xtask/src/tidy/tiers.rs"),
            )),
        }
    }
    findings
}

fn unknown_to(row: &Crate, package: &Package) -> impl Iterator<Item = Finding> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev);
    normal.filter_map(|dependency| {
        let known = tiers::folder_of(&dependency.name)?;
        let why = format!("`{}` may not know `{known}`", row.folder);
        (!row.may_know(known)).then(|| Finding::new(&package.manifest, dependency.line, why))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &str, dependencies: &str) -> Vec<String> {
        let path = format!("crates/{folder}/Cargo.toml");
        let text = format!("[package]\nname = \"tidegate-{folder}\"\n{dependencies}");
        check(&Tree::of(&[(&path, &text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_upwards_is_found_with_its_line() {
        let found =
            found("queue", "[dependencies]\ntidegate-message = \"0\"\ntidegate-ws = \"0\"\n");
        assert_eq!(found, ["crates/queue/Cargo.toml:5: : `queue` may not know `ws`"]);
    }

    #[test]
    fn an_optional_dependency_counts_and_a_dev_dependency_does_not() {
        let optional = "[dependencies]\ntidegate-session = { version = \"0\", optional = true }\n";
        assert_eq!(found("stream", optional).len(), 1);
        assert_eq!(found("stream", "[dev-dependencies]\ntidegate-session = \"0\"\n").len(), 0);
    }

    #[test]
    fn the_gateway_knows_all_but_the_client_and_the_testkit() {
        let all = "[dependencies]\ntidegate-session = \"0\"\ntidegate-ws = \"0\"\n";
        assert_eq!(found("gateway", all).len(), 0);
        assert_eq!(found("gateway", "[dependencies]\ntidegate-client = \"0\"\n").len(), 1);
        assert_eq!(found("gateway", "[dependencies]\ntidegate-testkit = \"0\"\n").len(), 1);
        assert_eq!(found("testkit", all).len(), 0);
    }

    #[test]
    fn a_crate_without_a_tier_is_found() {
        assert_eq!(found("surprise", "").len(), 1);
    }
}
