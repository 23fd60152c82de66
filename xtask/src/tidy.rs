//! `cargo xtask tidy`: the invariants of `docs/ARCHITECTURE.md`, each a plain function over a picture of
//! the tree.
//!
//! Knows the list of rules; each rule is one file below, and says in its head what it cannot see.

mod dependencies;
mod engines;
mod features;
mod finding;
mod heads;
mod hyper_server;
mod length;
mod machine_paths;
mod manifest;
mod names;
mod public_tungstenite;
mod readmes;
mod source;
mod tables;
pub(crate) mod tiers;
mod tree;
mod unfinished;

use std::path::Path;
use std::process::ExitCode;

use crate::Problem;
use finding::Finding;
use tree::Tree;

/// A name for the output, and what it looks for.
struct Rule {
    name: &'static str,
    why: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "manifest",
        why: "each Cargo.toml can be read",
        check: |tree| tree.broken_manifests().to_vec(),
    },
    Rule {
        name: "dependencies",
        why: "a crate knows only the crates below it",
        check: dependencies::check,
    },
    Rule {
        name: "engines",
        why: "tiers 0 and 1 know no runtime, no configuration and no logging",
        check: engines::check,
    },
    Rule {
        name: "features",
        why: "features of tiers 0 and 1 are known, off by default, and only add",
        check: features::check,
    },
    Rule {
        name: "hyper-server",
        why: "only `server` knows hyper's server side",
        check: hyper_server::check,
    },
    Rule {
        name: "public-tungstenite",
        why: "tungstenite's types stay inside",
        check: public_tungstenite::check,
    },
    Rule {
        name: "length",
        why: "a file has at most 400 lines besides its tests",
        check: length::check,
    },
    Rule { name: "names", why: "a name says what a thing is", check: names::check },
    Rule { name: "heads", why: "a file opens with what it is", check: heads::check },
    Rule {
        name: "readmes",
        why: "a crate can be used alone, and shows how",
        check: readmes::check,
    },
    Rule { name: "tables", why: "the tables of crates are whole", check: tables::check },
    Rule {
        name: "machine-paths",
        why: "the repository speaks of no machine",
        check: machine_paths::check,
    },
    Rule { name: "unfinished", why: "nothing is ignored or left to do", check: unfinished::check },
];

/// Prints what is found, one line each.
///
/// # Errors
/// When the tree cannot be read.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<ExitCode, Problem> {
    match arguments {
        [] => {}
        [flag] if flag == "--list" => {
            RULES.iter().for_each(|rule| println!("  {:<19} {}", rule.name, rule.why));
            return Ok(ExitCode::SUCCESS);
        }
        _ => return Err("tidy takes no argument but --list".into()),
    }
    let findings = findings(root)?;
    findings.iter().for_each(|finding| println!("{finding}"));
    match findings.len() {
        0 => println!("tidy: {} rules hold", RULES.len()),
        count => println!("tidy: {count} found"),
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All that is found in the tree at `root`, in the order of files.
///
/// # Errors
/// When the tree cannot be read.
pub(crate) fn findings(root: &Path) -> Result<Vec<Finding>, Problem> {
    Ok(judge(&Tree::read(root)?))
}

fn judge(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES
        .iter()
        .flat_map(|rule| (rule.check)(tree).into_iter().map(|finding| finding.of(rule.name)))
        .collect();
    findings.sort();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: (&str, &str) = (
        "crates/ws/src/lib.rs",
        "//! A crate.\n#[doc = include_str!(\"../README.md\")]\nstruct Readme;\n",
    );
    const README: (&str, &str) = ("crates/ws/README.md", "# ws\n\n```rust\nlet one = 1;\n```\n");
    const MANIFEST: (&str, &str) = ("crates/ws/Cargo.toml", "[package]\nname = \"tidegate-ws\"\n");

    /// For each rule the file that breaks it, put into a tree that is tidy otherwise.
    const OFFENCES: &[(&str, &str, &str)] = &[
        ("manifest", "crates/ws/Cargo.toml", "[package\n"),
        (
            "dependencies",
            "crates/ws/Cargo.toml",
            "[package]\nname = \"tidegate-ws\"\n[dependencies]\ntidegate-session = \"0.1\"\n",
        ),
        (
            "engines",
            "crates/ws/Cargo.toml",
            "[package]\nname = \"tidegate-ws\"\n[dependencies]\ntokio = \"1\"\n",
        ),
        (
            "features",
            "crates/ws/Cargo.toml",
            "[package]\nname = \"tidegate-ws\"\n[features]\ndefault = [\"tokio\"]\ntokio = []\n",
        ),
        (
            "hyper-server",
            "crates/ws/src/serve.rs",
            "//! Serves.\nuse hyper::server::conn::http1;\n",
        ),
        (
            "public-tungstenite",
            "crates/ws/src/frame.rs",
            "//! Frames.\npub fn frame() -> tungstenite::Message { todo() }\n",
        ),
        ("length", "crates/ws/src/long.rs", "//! Long.\n"),
        ("names", "crates/ws/src/frame_utils.rs", "//! Frames.\n"),
        ("heads", "crates/ws/src/bare.rs", "struct Bare;\n"),
        ("readmes", "crates/ws/README.md", "# ws\n"),
        ("tables", "docs/ARCHITECTURE.md", "| crate |\n|---|\n| `queue` |\n"),
        ("machine-paths", "docs/NOTES.md", concat!("See /ro", "ot/notes.\n")),
        ("unfinished", "crates/ws/src/later.rs", "//! Later.\nfn later() { todo!() }\n"),
    ];

    fn rules_broken_by(path: &str, text: &str) -> Vec<&'static str> {
        let mut files = vec![LIB, README, MANIFEST];
        files.retain(|(kept, _)| *kept != path);
        files.push((path, text));
        judge(&Tree::of(&files)).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn the_tree_that_offences_are_put_into_is_tidy() {
        assert_eq!(judge(&Tree::of(&[LIB, README, MANIFEST])), []);
    }

    #[test]
    fn each_rule_can_fail_and_only_that_rule() {
        for (rule, path, text) in OFFENCES {
            let long = format!("{text}{}", "// line\n".repeat(400));
            let text = if *rule == "length" { long.as_str() } else { text };
            assert_eq!(rules_broken_by(path, text), [*rule], "{path}");
        }
    }

    #[test]
    fn no_rule_is_without_its_offence() {
        let proven: Vec<_> = OFFENCES.iter().map(|(rule, ..)| *rule).collect();
        let rules: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(rules, proven);
    }
}
