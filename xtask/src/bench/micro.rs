//! `cargo xtask bench micro`: the crates' own benchmarks, each beside its alternatives, in one run.
//!
//! Knows where the benchmark programs are and how they are started; what they measure is theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::Problem;

const USAGE: &str =
    "[--filter SUBJECT] [--group TEXT] [--quick] [--no-instructions] [--output FILE]";

/// Builds and runs the chosen subjects; their tables go to the screen, all of them together to `--output`.
///
/// # Errors
/// Names an unknown argument or subject; a program that fails is named with its status.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<ExitCode, Problem> {
    let options = Options::parse(arguments)?;
    let reports = root.join("target/benches/reports");
    fs::create_dir_all(&reports)?;
    let mut all = Vec::new();
    for subject in options.chosen(&subjects(root))? {
        let report = reports.join(format!("{subject}.json"));
        run(root, &subject, &report, &options.passed_on)?;
        all.push(serde_json::from_str::<serde_json::Value>(&fs::read_to_string(&report)?)?);
    }
    if let Some(path) = &options.output {
        fs::write(path, serde_json::to_string_pretty(&all)?)
            .map_err(|error| format!("--output {}: {error}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The names of the programs in `benches/src/bin`, in order.
pub(crate) fn subjects(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("benches/src/bin")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| subject(&entry.path())).collect();
    names.sort();
    names
}

/// The program that a file is, or a folder with a `main.rs`.
fn subject(path: &Path) -> Option<String> {
    let is_source = path.extension().is_some_and(|ending| ending == "rs");
    let name = path.file_stem()?.to_str()?.to_owned();
    (is_source || path.join("main.rs").exists()).then_some(name)
}

fn run(root: &Path, subject: &str, report: &Path, passed_on: &[String]) -> Result<(), Problem> {
    println!("\n## {subject}");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--release", "--manifest-path", "benches/Cargo.toml"])
        .args(["--bin", subject, "--", "--json"])
        .arg(report)
        .args(passed_on)
        .env("CARGO_TARGET_DIR", root.join("target/benches"))
        .current_dir(root)
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("{subject} ended with {status}").into()) }
}

/// The command line.
#[derive(Debug, Default, PartialEq)]
struct Options {
    filter: Option<String>,
    output: Option<PathBuf>,
    /// For the programs themselves.
    passed_on: Vec<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Problem> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--filter" => options.filter = Some(value()?.clone()),
                "--output" => options.output = Some(value()?.into()),
                "--group" => {
                    let text = value()?.clone();
                    options.passed_on.extend([argument.clone(), text]);
                }
                "--quick" | "--no-instructions" => options.passed_on.push(argument.clone()),
                other => return Err(format!("no option `{other}`; there are {USAGE}").into()),
            }
        }
        Ok(options)
    }

    /// The subjects whose name holds the filter.
    fn chosen(&self, subjects: &[String]) -> Result<Vec<String>, Problem> {
        let Some(filter) = &self.filter else { return Ok(subjects.to_vec()) };
        let chosen: Vec<_> =
            subjects.iter().filter(|name| name.contains(filter)).cloned().collect();
        if chosen.is_empty() {
            let known = subjects.join(", ");
            return Err(format!("--filter {filter}: no such subject; there are {known}").into());
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Problem> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_concerns_the_programs_is_passed_on() {
        let options = parse("--quick --filter ws --group echo").unwrap();
        assert_eq!(options.passed_on, ["--quick", "--group", "echo"]);
        assert_eq!(options.filter.as_deref(), Some("ws"));
        assert!(parse("--fast").unwrap_err().to_string().contains("--fast"));
    }

    #[test]
    fn a_filter_that_matches_nothing_says_what_there_is() {
        let subjects = ["deflate".to_owned(), "ws".to_owned()];
        assert_eq!(parse("--filter def").unwrap().chosen(&subjects).unwrap(), ["deflate"]);
        let why = parse("--filter tls").unwrap().chosen(&subjects).unwrap_err().to_string();
        assert!(why.contains("deflate, ws"), "{why}");
    }
}
