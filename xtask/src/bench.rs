//! `cargo xtask bench`: loads the gateway, alone or beside other servers, and says what came of it.
//!
//! Knows its sub-commands; each is a module below.

mod attempt;
mod clock;
mod compare;
mod diff;
mod figures;
mod files;
mod gateway;
mod generator;
mod grade;
mod install;
mod judge;
mod machine;
pub(crate) mod micro;
mod numbers;
mod options;
mod page;
mod paper;
mod plan;
pub(crate) mod processes;
mod results;
mod rows;
mod run;
mod scenario;
mod screen;
pub(crate) mod smoke;
mod table;
mod toml_error;

use std::path::Path;
use std::process::ExitCode;

use crate::Problem;

/// Runs the sub-command that `arguments` begin with; without one, scenarios.
///
/// # Errors
/// When it cannot do its work at all.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<ExitCode, Problem> {
    match arguments.split_first() {
        Some((name, rest)) if name == "compare" => compare::command(root, rest),
        Some((name, rest)) if name == "micro" => micro::command(root, rest),
        Some((name, rest)) if name == "diff" => diff::command(rest),
        Some((name, rest)) if name == "run" => run::command(root, rest),
        _ => run::command(root, arguments),
    }
}
