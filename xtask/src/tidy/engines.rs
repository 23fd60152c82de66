//! Rule: tiers 0 and 1 without features know no runtime, no hyper, no tower, no configuration format and
//! no logging: they return facts, and shells run, read and log.
//!
//! Sees what manifests say directly; the stage `foundations` of `cargo xtask test` sees the rest.

use super::finding::Finding;
use super::manifest::Kind;
use super::tiers;
use super::tree::Tree;

/// Whole families: the name itself, or what begins with it and a dash.
const FAMILIES: [&str; 7] = ["tokio", "hyper", "tower", "async-std", "smol", "tracing", "log"];

/// Configuration, command lines and loggers.
const PACKAGES: [&str; 9] = [
    "clap",
    "config",
    "env_logger",
    "figment",
    "serde-saphyr",
    "serde_yaml",
    "slog",
    "toml",
    "toml_edit",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages() {
        if !tiers::of_package(&package.name).is_some_and(tiers::Crate::is_foundation) {
            continue;
        }
        for dependency in &package.dependencies {
            let engine = dependency.kind == Kind::Normal && is_engine(&dependency.name);
            let allowed = dependency.optional && may_be_optional(&dependency.name);
            if engine && !allowed {
                let why = format!("tiers 0 and 1 know no `{}`", dependency.name);
                findings.push(Finding::new(&package.manifest, dependency.line, why));
            }
        }
    }
    findings
}

fn is_engine(name: &str) -> bool {
    PACKAGES.contains(&name) || FAMILIES.iter().any(|family| belongs(name, family))
}

/// A runtime and tower may be switched on by a feature; configuration and logging may not.
fn may_be_optional(name: &str) -> bool {
    ["tokio", "tower"].iter().any(|family| belongs(name, family))
}

fn belongs(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(package: &str, dependency: &str) -> usize {
        let path = format!("crates/{package}/Cargo.toml");
        let text =
            format!("[package]\nname = \"tidegate-{package}\"\n[dependencies]\n{dependency}\n");
        check(&Tree::of(&[(&path, &text)])).len()
    }

    #[test]
    fn a_runtime_without_a_feature_is_found() {
        assert_eq!(count("queue", "tokio = \"1\""), 1);
        assert_eq!(count("ws", "tower-service = \"1\""), 1);
        assert_eq!(count("session", "tokio = \"1\""), 0);
    }

    #[test]
    fn a_feature_may_bring_a_runtime_but_no_logging() {
        assert_eq!(count("queue", "tokio = { version = \"1\", optional = true }"), 0);
        assert_eq!(count("queue", "tracing = { version = \"1\", optional = true }"), 1);
        assert_eq!(count("queue", "toml = { version = \"1\", optional = true }"), 1);
    }

    #[test]
    fn names_that_begin_alike_are_others() {
        assert_eq!(count("queue", "logos = \"1\""), 0);
        assert_eq!(count("queue", "tokiod = \"1\""), 0);
    }
}
