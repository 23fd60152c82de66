//! What the rules need of a `Cargo.toml`: package, features, dependencies with the line they stand on.
//! What `workspace = true` inherits is put in.

use toml::{Table, Value};

/// A manifest as it was read.
#[derive(Default)]
pub(super) struct Manifest {
    table: Table,
    text: String,
}

/// One package of the tree.
pub(super) struct Package {
    pub(super) name: String,
    /// `crates/ws`; empty at the root.
    pub(super) folder: String,
    pub(super) manifest: String,
    pub(super) dependencies: Vec<Dependency>,
    /// Each feature with what it switches on, `default` among them.
    pub(super) features: Vec<(String, Vec<String>)>,
    /// The line of `[features]`, or 1.
    pub(super) features_line: usize,
}

/// One line under a table of dependencies.
pub(super) struct Dependency {
    /// The package, also where the manifest gives it another name.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) optional: bool,
    pub(super) features: Vec<String>,
    pub(super) line: usize,
}

/// Which table a dependency stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Dev,
    Build,
}

const KINDS: [(&str, Kind); 3] = [
    ("dependencies", Kind::Normal),
    ("dev-dependencies", Kind::Dev),
    ("build-dependencies", Kind::Build),
];

impl Manifest {
    /// # Errors
    /// The first line of what the TOML parser says.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let table = text.parse::<Table>().map_err(|error| error.message().to_owned())?;
        Ok(Self { table, text: text.to_owned() })
    }

    /// The package this manifest describes; `None` for one that only names a workspace.
    pub(super) fn package(&self, path: &str, workspace: &Self) -> Option<Package> {
        let name = self.table.get("package")?.get("name")?.as_str()?.to_owned();
        let folder = path.trim_end_matches("Cargo.toml").trim_end_matches('/').to_owned();
        let mut dependencies = Vec::new();
        self.add_dependencies(&self.table, workspace, &mut dependencies);
        // `[target.'cfg(…)'.dependencies]`
        for target in tables(&self.table, "target").flat_map(Table::values) {
            if let Some(target) = target.as_table() {
                self.add_dependencies(target, workspace, &mut dependencies);
            }
        }
        let features = tables(&self.table, "features")
            .flatten()
            .map(|(name, parts)| (name.clone(), strings(Some(parts))))
            .collect();
        let features_line = self.line_of(|_, line| line.starts_with("[features]"));
        let manifest = path.to_owned();
        Some(Package { name, folder, manifest, dependencies, features, features_line })
    }

    fn add_dependencies(&self, from: &Table, workspace: &Self, to: &mut Vec<Dependency>) {
        for (section, kind) in KINDS {
            for (key, value) in tables(from, section).flatten() {
                let shared = workspace.shared(key).filter(|_| is_true(value, "workspace"));
                let renamed =
                    value.get("package").or(shared.and_then(|shared| shared.get("package")));
                let mut features = strings(value.get("features"));
                features.extend(strings(shared.and_then(|shared| shared.get("features"))));
                to.push(Dependency {
                    name: renamed.and_then(Value::as_str).unwrap_or(key).to_owned(),
                    kind,
                    optional: is_true(value, "optional"),
                    features,
                    line: self.line_of_dependency(section, key),
                });
            }
        }
    }

    fn shared(&self, key: &str) -> Option<&Value> {
        self.table.get("workspace")?.get("dependencies")?.get(key)
    }

    fn line_of_dependency(&self, section: &str, key: &str) -> usize {
        self.line_of(|head, line| {
            let begins = |text: &str| {
                text.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', ' ', '=', ']']))
            };
            let inside = head.trim_end_matches(']').ends_with(section) && begins(line);
            let own_table = line
                .trim_start_matches('[')
                .strip_prefix(section)
                .is_some_and(|rest| rest.strip_prefix('.').is_some_and(begins));
            inside || own_table
        })
    }

    /// The number of the first line that is `wanted`, given the head of its table; 1 when none is.
    fn line_of(&self, wanted: impl Fn(&str, &str) -> bool) -> usize {
        let mut head = "";
        for (number, line) in (1..).zip(self.text.lines()) {
            if wanted(head, line) {
                return number;
            }
            if line.starts_with('[') {
                head = line.trim();
            }
        }
        1
    }
}

fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    table.get(key).and_then(Value::as_table).into_iter()
}

fn is_true(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str =
        "[workspace.dependencies]\nhyper = { version = \"1\", features = [\"server\"] }\n";
    const PACKAGE: &str = "\
[package]
name = \"tidegate-x\"

[features]
default = []
tokio = [\"dep:tokio\"]

[dependencies]
hyper.workspace = true
tokio = { version = \"1\", optional = true, features = [\"net\"] }
renamed = { package = \"real\", version = \"1\" }

[target.'cfg(unix)'.dependencies]
libc = \"1\"

[dev-dependencies]
tokio = \"1\"
";

    fn package() -> Package {
        let workspace = Manifest::parse(WORKSPACE).unwrap();
        Manifest::parse(PACKAGE).unwrap().package("crates/x/Cargo.toml", &workspace).unwrap()
    }

    #[test]
    fn dependencies_carry_kind_line_and_inherited_features() {
        let package = package();
        let found: Vec<_> = package
            .dependencies
            .iter()
            .map(|found| (found.name.as_str(), found.kind, found.optional, found.line))
            .collect();
        assert!(found.contains(&("hyper", Kind::Normal, false, 9)), "{found:?}");
        assert!(found.contains(&("tokio", Kind::Normal, true, 10)), "{found:?}");
        assert!(found.contains(&("real", Kind::Normal, false, 11)), "{found:?}");
        assert!(found.contains(&("libc", Kind::Normal, false, 14)), "{found:?}");
        assert!(found.contains(&("tokio", Kind::Dev, false, 17)), "{found:?}");
        let hyper = package.dependencies.iter().find(|found| found.name == "hyper").unwrap();
        assert_eq!(hyper.features, ["server"]);
    }

    #[test]
    fn features_and_folder_are_read() {
        let package = package();
        assert_eq!(package.folder, "crates/x");
        assert_eq!(package.features_line, 4);
        assert_eq!(package.features.len(), 2);
    }

    #[test]
    fn a_workspace_without_a_package_is_none() {
        let manifest = Manifest::parse(WORKSPACE).unwrap();
        assert!(manifest.package("Cargo.toml", &Manifest::default()).is_none());
        assert!(Manifest::parse("[package\n").is_err());
    }
}
