//! `cargo xtask bench diff`: what changed between two results beyond noise.

use std::process::ExitCode;

use crate::Problem;

pub(crate) fn command(_arguments: &[String]) -> Result<ExitCode, Problem> {
    Err("`cargo xtask bench diff` is not there yet".into())
}
