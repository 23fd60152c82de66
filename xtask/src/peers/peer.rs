//! What one folder says: `peer.toml` and `dialect.toml`, read and checked. Knows nothing of how it is installed
//! or run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tidegate_load::dialect::Dialect;

use crate::Problem;

/// The file that makes a folder a peer.
pub(super) const DESCRIPTION: &str = "peer.toml";

const DIALECT: &str = "dialect.toml";

/// What may stand in braces in a command, in a variable's value, and in a file that is filled in.
pub(super) const PLACEHOLDERS: [&str; 4] = ["{port}", "{folder}", "{temp}", "{gateway}"];

/// A server beside which the gateway is measured, or the gateway itself.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The folder's name: how it is asked for.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) title: String,
    /// What a reader must know to judge its figures.
    pub(crate) note: String,
    /// Whether it is the gateway; such rows are always there.
    pub(crate) is_ours: bool,
    /// Whether it is no server to use but the limit of what servers can reach.
    pub(crate) is_floor: bool,
    pub(crate) works: Vec<Ability>,
    pub(crate) install: Install,
    /// A command that prints its version, run where it is installed.
    pub(super) version: Vec<String>,
    pub(super) start: Start,
    pub(crate) dialect: Dialect,
}

/// What a server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ability {
    /// A message comes back to its sender.
    Echo,
    /// A message goes to all subscribers.
    Fanout,
    /// Connections stay open.
    Idle,
}

/// Where a server comes from. Braces without fields let serde refuse further keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Install {
    /// `npm ci` by the folder's `package-lock.json`.
    Npm {},
    /// `cargo build --release --locked` in the folder.
    Cargo {},
    /// Debian's packages, unpacked beside the folder's files: the system itself stays as it is.
    Debian {
        /// Their names. What they need and the system lacks comes with them.
        packages: Vec<String>,
    },
    /// The gateway of this work tree.
    Gateway {},
    /// An example of a crate of this work tree, with all the crate's features; in `target/release/examples`.
    Example {
        /// The crate's package.
        package: String,
        /// The example's name.
        example: String,
    },
}

impl Install {
    /// Whether it comes from this work tree, and may be another one although the folder is the same.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::Gateway {} | Self::Example { .. })
    }
}

/// How a server is started.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    /// Files of the folder that are filled in and put into `{temp}`.
    #[serde(default)]
    pub(super) files: Vec<String>,
    /// What it writes when it is ready. Without it, it is ready when its port takes a connection.
    #[serde(default)]
    pub(super) says: Option<String>,
    /// How long it may take until then, in seconds.
    #[serde(default = "start_timeout_s")]
    pub(super) timeout_s: u64,
}

const fn start_timeout_s() -> u64 {
    20
}

/// `peer.toml` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    title: String,
    home: String,
    licence: String,
    note: String,
    works: Vec<Ability>,
    #[serde(default)]
    is_ours: bool,
    #[serde(default)]
    is_floor: bool,
    #[serde(default)]
    version: Vec<String>,
    install: Install,
    start: Start,
}

impl Peer {
    /// # Errors
    /// A sentence that names the file, and the line or key at fault.
    pub(super) fn read(folder: &Path) -> Result<Self, Problem> {
        let path = folder.join(DESCRIPTION);
        let description: Description = parse(&path)?;
        let dialect: Dialect = parse(&folder.join(DIALECT))?;
        let faults = description.faults(folder, &dialect);
        if let Some(fault) = faults.first() {
            return Err(format!("{}: {fault}", path.display()).into());
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = folder.to_owned();
        let Description { title, note, is_ours, is_floor, works, version, install, start, .. } =
            description;
        Ok(Self {
            name,
            folder,
            title,
            note,
            is_ours,
            is_floor,
            works,
            install,
            version,
            start,
            dialect,
        })
    }

    /// What it is started with, for readers: the command, and each file that is filled in.
    pub(crate) fn config(&self) -> String {
        let files = self.start.files.iter().filter_map(|name| {
            let text = fs::read_to_string(self.folder.join(name)).ok()?;
            Some(format!("\n\n{name}:\n{text}"))
        });
        std::iter::once(self.start.command.join(" ")).chain(files).collect()
    }

    pub(crate) fn can(&self, ability: Ability) -> bool {
        self.works.contains(&ability)
    }
}

impl Description {
    /// What no single key shows.
    fn faults(&self, folder: &Path, dialect: &Dialect) -> Vec<String> {
        let mut faults = Vec::new();
        let texts = [("title", &self.title), ("home", &self.home), ("licence", &self.licence)];
        faults.extend(
            texts.iter().filter(|(_, text)| text.is_empty()).map(|(key, _)| {
                format!("`{key}` is empty: readers want to know what they look at")
            }),
        );
        if self.start.command.is_empty() {
            faults.push("`start.command` is empty: name the program and its arguments".into());
        }
        if self.works.is_empty() {
            faults.push("`works` is empty: name what it can do: echo, fanout, idle".into());
        }
        let needs = [
            (Ability::Echo, "echo", "[echo]", dialect.echo.is_some()),
            (Ability::Fanout, "fanout", "[publish]", dialect.publish.is_some()),
        ];
        let unspoken = needs.iter().filter(|(ability, ..)| self.works.contains(ability));
        for (_, name, table, _) in unspoken.filter(|(.., is_there)| !is_there) {
            faults.push(format!("`works` says {name}, and {DIALECT} has no {table}"));
        }
        faults.extend(self.unknown_placeholder());
        let missing = self.start.files.iter().filter(|name| !folder.join(name).is_file());
        faults
            .extend(missing.map(|name| format!("`start.files` names {name}, which is not there")));
        faults
    }

    fn unknown_placeholder(&self) -> Option<String> {
        let commands = self.start.command.iter().chain(&self.version);
        let texts = commands.chain(self.start.environment.values());
        let mut words = texts.flat_map(|text| braced(text));
        let unknown = words.find(|word| !PLACEHOLDERS.contains(word))?;
        Some(format!("{unknown} stands for nothing; there are {}", PLACEHOLDERS.join(", ")))
    }
}

/// The words in braces, with their braces.
fn braced(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter_map(|(at, _)| {
        let rest = &text[at..];
        rest.find('}').map(|end| &rest[..=end])
    })
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, Problem> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).trim_end().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::processes::Scratch;

    const PEER: &str = r#"
title = "a server"
home = "https://example.com"
licence = "MIT"
note = ""
works = ["echo"]

[install]
kind = "npm"

[start]
command = ["node", "{folder}/server.mjs", "{port}"]
"#;

    const ECHO: &str = "[echo]\nsend = \"{payload}\"\n";

    fn read(peer: &str, dialect: &str) -> Result<Peer, String> {
        let scratch = Scratch::new().unwrap();
        fs::write(scratch.path().join(DESCRIPTION), peer).unwrap();
        fs::write(scratch.path().join(DIALECT), dialect).unwrap();
        Peer::read(scratch.path()).map_err(|error| error.to_string())
    }

    /// What is said about [`PEER`] when `from` in it is replaced.
    fn fault(from: &str, to: &str) -> String {
        assert!(PEER.contains(from));
        read(&PEER.replace(from, to), ECHO).unwrap_err()
    }

    #[test]
    fn a_folder_says_what_it_can_do_and_how_it_is_started() {
        let peer = read(PEER, ECHO).unwrap();
        assert!(peer.can(Ability::Echo) && !peer.can(Ability::Fanout));
        assert_eq!((peer.install, peer.start.timeout_s), (Install::Npm {}, 20));
        assert!(!peer.is_ours && !peer.is_floor);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_those_there_are() {
        let error = fault("note =", "notice =");
        assert!(error.contains("peer.toml") && error.contains("line 5"), "{error}");
        assert!(error.contains("`notice`") && error.contains("`note`"), "{error}");
    }

    #[test]
    fn an_unknown_kind_of_installation_or_work_is_named() {
        let error = fault("\"npm\"", "\"pip\"");
        assert!(error.contains("`pip`") && error.contains("`debian`"), "{error}");
        let error = fault("\"echo\"", "\"ecko\"");
        assert!(error.contains("`ecko`") && error.contains("`fanout`"), "{error}");
    }

    #[test]
    fn a_key_of_another_kind_of_installation_is_refused() {
        let error = fault("kind = \"npm\"", "kind = \"npm\"\npackages = [\"nginx\"]");
        assert!(error.contains("packages"), "{error}");
    }

    #[test]
    fn what_it_says_it_can_do_must_be_in_its_dialect() {
        let error = fault("[\"echo\"]", "[\"echo\", \"fanout\"]");
        assert!(error.contains("fanout") && error.contains("[publish]"), "{error}");
        let error = read(PEER, "path = \"/\"\n").unwrap_err();
        assert!(error.contains("echo") && error.contains("dialect.toml has no [echo]"), "{error}");
    }

    #[test]
    fn a_placeholder_that_stands_for_nothing_is_named() {
        let error = fault("{port}", "{prot}");
        assert!(error.contains("{prot} stands for nothing") && error.contains("{port}"), "{error}");
    }

    #[test]
    fn empty_lists_texts_and_missing_files_are_named() {
        assert!(fault("[\"echo\"]", "[]").contains("`works` is empty"));
        assert!(fault("\"MIT\"", "\"\"").contains("`licence` is empty"));
        let command = "[\"node\", \"{folder}/server.mjs\", \"{port}\"]";
        assert!(fault(command, "[]").contains("`start.command` is empty"));
        let error = fault(command, "[\"a\"]\nfiles = [\"gone.conf\"]");
        assert!(error.contains("gone.conf, which is not there"), "{error}");
    }

    #[test]
    fn a_dialect_that_cannot_be_read_is_named() {
        let error = read(PEER, "pth = \"/\"\n").unwrap_err();
        assert!(error.contains("dialect.toml") && error.contains("`pth`"), "{error}");
    }
}
