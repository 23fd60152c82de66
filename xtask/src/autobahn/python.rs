//! Where the suite comes from: PyPI, into `.tools/autobahn`, for Python 2.7, which it needs.
//!
//! Knows interpreters and packages, and nothing of cases.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Problem;
use crate::test::tools;

const PACKAGE: &str = "autobahntestsuite==25.10.1";
const SCRIPT: &str = include_str!("suite.py");

/// Why there is nothing to run.
pub(super) const MISSING: &str = "no Python 2.7 here, which the Autobahn test suite needs: put `python2.7` on the \
                                  PATH, install one with `pyenv install 2.7.18`, or name one in PYTHON2";

/// The installed suite.
pub(crate) struct Suite {
    python: PathBuf,
    folder: PathBuf,
}

impl Suite {
    /// Installs it once; `None` without Python 2.7.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub(super) fn install(root: &Path) -> Result<Option<Self>, Problem> {
        let Some(python) = interpreter() else { return Ok(None) };
        let folder = root.join(".tools/autobahn");
        std::fs::create_dir_all(&folder)?;
        let site = folder.join("site");
        if !site.join("autobahntestsuite").is_dir() {
            let mut command = Command::new(&python);
            command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            command.arg("--target").arg(&site).arg(PACKAGE);
            tools::install("the Autobahn test suite (PyPI)", &mut command)?;
        }
        std::fs::write(folder.join("suite.py"), SCRIPT)?;
        Ok(Some(Self { python, folder }))
    }

    /// Where specifications and reports go.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A run of the suite by a specification, which is a file.
    pub(super) fn command(&self, mode: &str, specification: &Path, messages: u32) -> Command {
        let mut command = Command::new(&self.python);
        command
            .arg(self.folder.join("suite.py"))
            .arg(self.folder.join("site"))
            .arg(mode)
            .arg(specification)
            .arg(messages.to_string())
            .current_dir(&self.folder);
        command
    }
}

/// The first that runs: `PYTHON2`, one on the `PATH`, one of pyenv's that is not chosen there.
fn interpreter() -> Option<PathBuf> {
    let named = std::env::var_os("PYTHON2").map(PathBuf::from);
    let candidates = named.into_iter().chain([PathBuf::from("python2.7")]).chain(of_pyenv());
    candidates.into_iter().find(|python| is_python_2_7(python))
}

fn of_pyenv() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
    let entries = root.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let versions = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    versions.map(|version| version.join("bin/python2.7")).filter(|path| path.is_file()).collect()
}

/// A shim of pyenv's exists also where no 2.7 is chosen, and fails then.
fn is_python_2_7(python: &Path) -> bool {
    let probe = "import sys; sys.exit(sys.version_info[:2] != (2, 7))";
    Command::new(python).args(["-c", probe]).output().is_ok_and(|answer| answer.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_python_2_7_will_do() {
        assert!(!is_python_2_7(Path::new("no-such-python")));
        assert!(!is_python_2_7(Path::new("python3")));
    }
}
