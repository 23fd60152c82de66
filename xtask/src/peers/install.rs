//! Puts a peer where it can be started: `.tools/peers/NAME`, a copy of its folder with what it depends on. Done
//! again only when the folder's contents have changed. Knows the ordinary package clients and no peer.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::peer::{Install, Peer};
use crate::Problem;
use crate::bench::processes::{Interrupt, Program, Scratch};

/// How long one step of an installation may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(1200);

/// The note of what is installed, beside the copied files.
const STAMP: &str = ".installed";

/// Files of a folder that a server does not see.
const NOT_ITS_OWN: [&str; 1] = ["dialect.toml"];

/// Folders of a peer that are made by its own tools.
const MADE: [&str; 2] = ["node_modules", "target"];

/// Where peers are installed, and who may interrupt that.
pub(crate) struct Workshop<'a> {
    pub(crate) root: &'a Path,
    pub(crate) interrupt: &'a Interrupt,
}

impl Workshop<'_> {
    /// Sees to it that `peer` is installed as its folder says now, and answers where. `begins` is called when
    /// that will take a while.
    ///
    /// # Errors
    /// What failed, with the last that was said about it.
    pub(crate) fn install(&self, peer: &Peer, begins: impl FnOnce()) -> Result<PathBuf, Problem> {
        let place = self.root.join(".tools/peers").join(&peer.name);
        let stamp = contents(&peer.folder)?;
        let is_known = fs::read_to_string(place.join(STAMP)).is_ok_and(|found| found == stamp);
        if is_known && !peer.install.is_ours() {
            return Ok(place);
        }
        if !is_known && peer.install != (Install::Gateway {}) {
            begins();
        }
        fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        copy(&peer.folder, &place)?;
        match &peer.install {
            Install::Npm {} => self.npm(&place)?,
            Install::Cargo {} => self.cargo(&place, &place, &[])?,
            Install::Example { package, example } => {
                let what = ["--all-features", "--package", package, "--example", example];
                self.cargo(self.root, &place, &what)?;
            }
            Install::Debian { packages } => self.debian(&place, packages)?,
            Install::Gateway {} => {}
        }
        fs::write(place.join(STAMP), stamp)?;
        Ok(place)
    }

    /// What `peer`, installed at `place`, says of its version; empty if it says nothing.
    pub(crate) fn version(peer: &Peer, place: &Path) -> String {
        let Some((program, arguments)) = peer.version.split_first() else { return String::new() };
        let mut command = Command::new(program);
        let output = command.args(arguments).current_dir(place).stderr(Stdio::null()).output();
        let output = output.ok().filter(|output| output.status.success());
        let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        said.unwrap_or_default().trim().replace('\n', ", ")
    }

    fn npm(&self, place: &Path) -> Result<(), Problem> {
        self.step("npm ci", Command::new("npm").arg("ci").current_dir(place))
    }

    /// Builds `what` of the sources in `from`.
    fn cargo(&self, from: &Path, place: &Path, what: &[&str]) -> Result<(), Problem> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--release", "--locked", "--target-dir"]).arg(place.join("target"));
        self.step("cargo build", command.args(what).current_dir(from))
    }

    /// Lists and archives live in a folder of their own, so that neither root is needed nor the system changed.
    fn debian(&self, place: &Path, packages: &[String]) -> Result<(), Problem> {
        let scratch = Scratch::new()?;
        let apt = |arguments: &[&str]| {
            let mut command = Command::new("apt-get");
            for (name, folder) in [("Dir::State", "state"), ("Dir::Cache", "cache")] {
                let value = scratch.path().join(folder);
                command.arg("-o").arg(format!("{name}={}", value.display()));
            }
            let system = ["Dir::State::status=/var/lib/dpkg/status", "Debug::NoLocking=1"];
            for option in system.into_iter().chain(["APT::Sandbox::User="]) {
                command.args(["-o", option]);
            }
            command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
            command
        };
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(scratch.path().join(folder))?;
        }
        self.step("apt-get update", &mut apt(&["-q", "update"]))?;
        // Named packages come even if the system has them; of what they need, what it lacks.
        let download =
            ["-q", "-y", "--no-install-recommends", "--reinstall", "--download-only", "install"];
        let packages = packages.iter().map(String::as_str);
        let download: Vec<&str> = download.into_iter().chain(packages).collect();
        self.step("apt-get --download-only", &mut apt(&download))?;
        self.unpack(&scratch.path().join("cache/archives"), &place.join("debian"))
    }

    /// Beside the tree's own folders stands `packages`: what it is made of, with versions.
    fn unpack(&self, archives: &Path, tree: &Path) -> Result<(), Problem> {
        let mut packages = Vec::new();
        for entry in fs::read_dir(archives)?.flatten() {
            let (archive, name) = (entry.path(), entry.file_name());
            if let Some(package) = package(&name.to_string_lossy()) {
                self.step("dpkg-deb", Command::new("dpkg-deb").arg("-x").arg(&archive).arg(tree))?;
                packages.push(package);
            }
        }
        packages.sort();
        Ok(fs::write(tree.join("packages"), packages.join("\n"))?)
    }

    fn step(&self, name: &str, command: &mut Command) -> Result<(), Problem> {
        let scratch = Scratch::new()?;
        command.stdin(Stdio::null()).env("NO_COLOR", "1");
        let log = scratch.path().join("log");
        let mut program = Program::start(name, command, &log, false)?;
        program.wait_until(STEP_TIMEOUT, self.interrupt, || program.has_ended())?;
        let how = program.end();
        if how == "exit status: 0" {
            return Ok(());
        }
        Err(format!("{name} failed ({how})\n{}", program.last_words(12)).trim_end().into())
    }
}

/// `nginx_1.22.1-9_amd64.deb` as `nginx 1.22.1-9`; nothing for other files.
fn package(file: &str) -> Option<String> {
    let mut parts = file.strip_suffix(".deb")?.split('_');
    let (name, version) = (parts.next()?, parts.next()?);
    Some(format!("{name} {}", version.replace("%3a", ":")))
}

/// A number for all that is in the folder, file by file.
fn contents(folder: &Path) -> Result<String, Problem> {
    let mut hasher = DefaultHasher::new();
    for path in files(folder)? {
        path.hash(&mut hasher);
        fs::read(folder.join(&path))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn copy(folder: &Path, place: &Path) -> Result<(), Problem> {
    for path in files(folder)? {
        let copy = place.join(&path);
        if let Some(parent) = copy.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(folder.join(&path), &copy)
            .map_err(|error| format!("{}: {error}", copy.display()))?;
    }
    Ok(())
}

/// The paths of a peer's files from its folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = folders.pop() {
        let path = folder.join(&below);
        let entries =
            fs::read_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for entry in entries.flatten() {
            let name = below.join(entry.file_name());
            let is_made = MADE.iter().any(|made| name == Path::new(made));
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_made => folders.push(name),
                Ok(kind) if kind.is_file() && !is_not_its_own(&name) => found.push(name),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_not_its_own(name: &Path) -> bool {
    NOT_ITS_OWN.iter().any(|file| name == Path::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "title = \"a\"\nhome = \"b\"\nlicence = \"c\"\nnote = \"\"\nworks = [\"idle\"]\n\
                        [start]\ncommand = [\"sh\"]\n[install]\n";

    /// A repository with one peer of this kind of installation.
    fn repository(kind: &str) -> (Scratch, Peer) {
        let root = Scratch::new().unwrap();
        let folder = root.path().join("xtask/peers/one");
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("peer.toml"), format!("{PEER}{kind}\n")).unwrap();
        fs::write(folder.join("dialect.toml"), "").unwrap();
        fs::write(folder.join("src/main.rs"), "//! One.\n").unwrap();
        let peer = Peer::read(&folder).unwrap();
        (root, peer)
    }

    fn install(root: &Scratch, peer: &Peer) -> Result<PathBuf, Problem> {
        Workshop { root: root.path(), interrupt: &Interrupt::default() }.install(peer, || {})
    }

    #[test]
    fn a_peer_is_copied_without_what_its_tools_made() {
        let (root, peer) = repository("kind = \"gateway\"");
        fs::create_dir_all(peer.folder.join("node_modules/x")).unwrap();
        fs::write(peer.folder.join("node_modules/x/y.js"), "").unwrap();
        let place = install(&root, &peer).unwrap();
        assert!(place.join("src/main.rs").is_file());
        assert!(!place.join("node_modules").exists());
    }

    #[test]
    fn the_stamp_changes_with_any_file_but_the_dialect() {
        let (_root, peer) = repository("kind = \"gateway\"");
        let before = contents(&peer.folder).unwrap();
        fs::write(peer.folder.join("dialect.toml"), "path = \"/x\"\n").unwrap();
        assert_eq!(contents(&peer.folder).unwrap(), before);
        fs::write(peer.folder.join("src/main.rs"), "//! Two.\n").unwrap();
        assert_ne!(contents(&peer.folder).unwrap(), before);
    }

    #[test]
    fn a_package_is_named_by_its_archive() {
        let named = package("libnginx-mod-nchan_1%3a1.3.6+dfsg-2_amd64.deb");
        assert_eq!(named.as_deref(), Some("libnginx-mod-nchan 1:1.3.6+dfsg-2"));
        assert_eq!(package("lock"), None);
    }

    #[test]
    fn a_version_is_what_its_command_prints() {
        let (root, mut peer) = repository("kind = \"gateway\"");
        assert_eq!(Workshop::version(&peer, root.path()), "");
        peer.version = ["sh", "-c", "echo one 1; echo two 2"].map(str::to_owned).to_vec();
        assert_eq!(Workshop::version(&peer, root.path()), "one 1, two 2");
        peer.version = ["sh", "-c", "echo broken; exit 1"].map(str::to_owned).to_vec();
        assert_eq!(Workshop::version(&peer, root.path()), "");
    }

    #[test]
    fn a_failed_step_keeps_the_peer_from_counting_as_installed() {
        for kind in ["kind = \"cargo\"", "kind = \"example\"\npackage = \"a\"\nexample = \"b\""] {
            let (root, peer) = repository(kind);
            let error = install(&root, &peer).unwrap_err().to_string();
            assert!(error.contains("cargo build failed"), "{error}");
            assert!(!root.path().join(".tools/peers/one").join(STAMP).exists());
        }
    }
}
