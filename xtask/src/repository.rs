//! Where the repository is and which files are in it. Knows git; knows nothing of what files mean.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Problem;

/// The folder that holds the workspace's `Cargo.toml`.
///
/// # Errors
/// When `xtask` lies at no place inside a folder.
pub(crate) fn root() -> Result<PathBuf, Problem> {
    // Cargo sets the variable when it runs xtask; the built-in value serves a binary started by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    Ok(package.parent().ok_or("xtask lies at no place inside a repository")?.to_path_buf())
}

/// Paths of all files that are tracked, or would be by `git add`: relative to the root, `/` between
/// their parts, in order.
///
/// # Errors
/// When git is missing, or `root` is no git work tree.
pub(crate) fn files(root: &Path) -> Result<Vec<String>, Problem> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git ls-files: {error}"))?;
    if !listing.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listing.stderr)).into());
    }
    let mut paths: Vec<String> = listing
        .stdout
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}
