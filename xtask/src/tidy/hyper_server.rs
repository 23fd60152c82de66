//! Rule: only `server` (and `testkit`, `load`, tests) knows hyper's server side: in its manifest or in its code.

use super::finding::Finding;
use super::manifest::{Dependency, Kind};
use super::tree::{File, Tree};

const ALLOWED: [&str; 4] = ["crates/server", "crates/testkit", "crates/load", "xtask"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages() {
        if !ALLOWED.contains(&package.folder.as_str()) {
            let asking = package.dependencies.iter().filter(|dependency| asks(dependency));
            findings.extend(asking.map(|dependency| {
                let why = format!("only `server` asks for the server of `{}`", dependency.name);
                Finding::new(&package.manifest, dependency.line, why)
            }));
        }
    }
    let elsewhere =
        |file: &&File| !file.is_test() && !ALLOWED.iter().any(|folder| file.is_in(folder));
    for file in tree.rust_files().filter(elsewhere) {
        let naming = file.lines_of_code().filter(|(_, line)| names_server(line));
        findings.extend(naming.map(|(number, _)| {
            Finding::new(&file.path, number, "only `server` names hyper's server")
        }));
    }
    findings
}

fn asks(dependency: &Dependency) -> bool {
    let server = |feature: &String| feature == "full" || feature.starts_with("server");
    let hyper = ["hyper", "hyper-util"].contains(&dependency.name.as_str());
    hyper && dependency.kind != Kind::Dev && dependency.features.iter().any(server)
}

fn names_server(line: &str) -> bool {
    line.contains("hyper::server") || line.contains("hyper_util::server")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(folder: &str, features: &str) -> usize {
        let path = format!("crates/{folder}/Cargo.toml");
        let text = format!(
            "[package]\nname = \"tidegate-{folder}\"\n[dependencies]\nhyper = {{ version = \"1\", features = [{features}] }}\n"
        );
        check(&Tree::of(&[(&path, &text)])).len()
    }

    #[test]
    fn a_manifest_that_asks_for_the_server_is_found() {
        assert_eq!(manifest("session", "\"http1\", \"server\""), 1);
        assert_eq!(manifest("gateway", "\"full\""), 1);
        assert_eq!(manifest("gateway", "\"client\""), 0);
        assert_eq!(manifest("server", "\"server\""), 0);
    }

    #[test]
    fn code_that_names_the_server_is_found_outside_of_tests() {
        let line = "use hyper_util::server::conn::auto;\n";
        let count = |path| check(&Tree::of(&[(path, line)])).len();
        assert_eq!(count("crates/gateway/src/main.rs"), 1);
        assert_eq!(count("crates/gateway/tests/http.rs"), 0);
        assert_eq!(count("crates/server/src/listen.rs"), 0);
    }
}
