//! The packages of the workspace, their features, and where cargo builds: read from `cargo metadata`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::process;
use crate::Problem;

/// What the stages need to know of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
}

/// One member of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Without `default`, in alphabetic order.
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// # Errors
    /// When a manifest is broken, with what cargo says.
    pub(crate) fn read(root: &Path) -> Result<Self, Problem> {
        let answer = process::cargo()
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .current_dir(root)
            .output()?;
        if !answer.status.success() {
            return Err(String::from_utf8_lossy(&answer.stderr).into_owned().into());
        }
        Self::parse(&answer.stdout)
    }

    fn parse(json: &[u8]) -> Result<Self, Problem> {
        let metadata: Value = serde_json::from_slice(json)?;
        let target = metadata["target_directory"].as_str().ok_or("no target_directory")?;
        let packages = metadata["packages"].as_array().ok_or("no packages")?;
        let mut packages: Vec<Package> = packages.iter().filter_map(Package::parse).collect();
        packages.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Self { packages, target: PathBuf::from(target) })
    }
}

impl Package {
    fn parse(json: &Value) -> Option<Self> {
        let features = json["features"].as_object()?;
        let mut features: Vec<String> =
            features.keys().filter(|name| *name != "default").cloned().collect();
        features.sort();
        Some(Self { name: json["name"].as_str()?.to_owned(), features })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_packages_and_features_in_order() {
        let json = br#"{"target_directory": "/t", "packages": [
            {"name": "queue", "features": {"tower": [], "default": [], "tokio": []}},
            {"name": "message", "features": {}}]}"#;
        let workspace = Workspace::parse(json).unwrap();
        assert_eq!(workspace.target, Path::new("/t"));
        assert_eq!(workspace.packages[0], Package { name: "message".into(), features: vec![] });
        assert_eq!(workspace.packages[1].features, ["tokio", "tower"]);
    }

    #[test]
    fn anything_else_is_an_error() {
        assert!(Workspace::parse(b"{}").is_err());
        assert!(Workspace::parse(b"not json").is_err());
    }
}
