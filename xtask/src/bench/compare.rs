//! `cargo xtask bench compare`: not there yet.

use std::path::Path;
use std::process::ExitCode;

use crate::Problem;

pub(crate) fn command(_root: &Path, _arguments: &[String]) -> Result<ExitCode, Problem> {
    Err("`cargo xtask bench compare` is not there yet".into())
}
