//! Builds what a bench runs: the gateway and the load generator. Knows cargo.

use std::path::{Path, PathBuf};

use super::gateway::Installed;
use super::generator::Generator;
use crate::Problem;
use crate::test::process;

/// With what optimisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For figures.
    Release,
    /// For whether it works.
    Dev,
}

/// Where the built programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) gateway: PathBuf,
    pub(crate) generator: PathBuf,
}

impl Programs {
    /// Builds both, or finds them built; cargo speaks on the screen meanwhile.
    ///
    /// # Errors
    /// When they do not build.
    pub(crate) fn build(root: &Path, profile: Profile) -> Result<Self, Problem> {
        let mut command = process::cargo();
        command.args(["build", "--quiet", "-p", "tidegate", "-p", "tidegate-load", "--bins"]);
        if profile == Profile::Release {
            command.arg("--release");
        }
        let status = command.current_dir(root).status()?;
        if !status.success() {
            return Err("the gateway and the load generator do not build, as shown above".into());
        }
        Ok(Self::built(&target(root)?, profile))
    }

    /// Where cargo puts them.
    pub(crate) fn built(target: &Path, profile: Profile) -> Self {
        let folder = target.join(if profile == Profile::Release { "release" } else { "debug" });
        let program = |name: &str| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        Self { gateway: program("tidegate"), generator: program("tidegate-load") }
    }

    pub(crate) fn installed(&self) -> Installed {
        Installed::at(&self.gateway)
    }

    pub(crate) fn generator(&self) -> Generator {
        Generator::at(&self.generator)
    }

    /// For [`super::results::Results::begin`]; the generator says its version in its report.
    pub(crate) fn named(&self) -> [(&str, &Path); 1] {
        [("tidegate", &self.gateway)]
    }
}

/// Cargo's target folder.
///
/// # Errors
/// When cargo cannot say.
pub(crate) fn target(root: &Path) -> Result<PathBuf, Problem> {
    Ok(crate::test::metadata::Workspace::read(root)?.target)
}
