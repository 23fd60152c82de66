//! `cargo xtask autobahn`: the Autobahn test suite against `crates/ws`, as server and as client.
//!
//! Knows what is run against what; how the suite is installed, run and read is in the modules below.

mod python;
mod report;
mod roles;

use std::path::Path;
use std::process::ExitCode;

use crate::Problem;
use crate::test::metadata::Workspace;
use crate::test::screen;
use python::Suite;
use report::Report;

/// Messages that a case of 12.* and 13.* sends, of the suite's own 1 000: those take hours.
const LONG_MESSAGES: u32 = 50;
/// The same where all has to be done within five minutes.
const SHORT_MESSAGES: u32 = 5;

const HELP: &str = "cargo xtask autobahn [--short] [--messages N] [--only CASES] [--write]

  --short        5 messages in each case of 12.* and 13.*, not 50
  --messages N   N of them; the suite's own number is 1000
  --only CASES   such as 6.4.*; may be repeated
  --write        writes docs/autobahn.md";

/// What a run is to cover.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    messages: u32,
    /// As the suite understands them.
    cases: Vec<String>,
    write: bool,
}

impl Options {
    /// `None` if help was asked for.
    fn parse(arguments: &[String]) -> Result<Option<Self>, Problem> {
        let mut options = Self { messages: LONG_MESSAGES, cases: Vec::new(), write: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--short" => options.messages = SHORT_MESSAGES,
                "--messages" => options.messages = value()?.parse()?,
                "--only" => options.cases.push(value()?.clone()),
                "--write" => options.write = true,
                other => return Err(format!("no option `{other}`\n\n{HELP}").into()),
            }
        }
        if options.cases.is_empty() {
            options.cases.push("*".to_owned());
        }
        Ok(Some(options))
    }
}

/// Runs it and shows what came of it.
///
/// # Errors
/// When the suite cannot be installed or run.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<ExitCode, Problem> {
    let Some(options) = Options::parse(arguments)? else {
        screen::progress(HELP);
        return Ok(ExitCode::SUCCESS);
    };
    let suite = Suite::install(root)?.ok_or(python::MISSING)?;
    let reports = run(&suite, &Workspace::read(root)?, &options)?;
    screen::progress(&report::page(&reports, options.messages));
    if options.write {
        std::fs::write(root.join("docs/autobahn.md"), report::page(&reports, options.messages))?;
    }
    let holds = reports.iter().all(Report::holds);
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a stage of the gate wants to know.
pub(crate) enum Verdict {
    /// One line for each role.
    Holds(String),
    /// The cases that do not hold.
    Breaks(String),
    /// There is no Python 2.7 here, and none can be installed.
    NoPython(&'static str),
}

/// All cases, with few messages or more.
///
/// # Errors
/// As [`command`].
pub(crate) fn verdict(root: &Path, workspace: &Workspace, long: bool) -> Result<Verdict, Problem> {
    let Some(suite) = Suite::install(root)? else { return Ok(Verdict::NoPython(python::MISSING)) };
    let messages = if long { LONG_MESSAGES } else { SHORT_MESSAGES };
    let options = Options { messages, cases: vec!["*".to_owned()], write: false };
    let reports = run(&suite, workspace, &options)?;
    let lines: Vec<String> = reports.iter().map(ToString::to_string).collect();
    Ok(if reports.iter().all(Report::holds) {
        Verdict::Holds(lines.join("; "))
    } else {
        let broken: Vec<String> = reports.iter().flat_map(Report::broken).collect();
        Verdict::Breaks(format!("{}\n{}\n", lines.join("\n"), broken.join("\n")))
    })
}

fn run(suite: &Suite, workspace: &Workspace, options: &Options) -> Result<Vec<Report>, Problem> {
    let programs = roles::build(workspace)?;
    let mut reports = roles::as_server(suite, &programs, options)?;
    reports.extend(roles::as_client(suite, &programs, options)?);
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<Options>, Problem> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Options::parse(&arguments)
    }

    #[test]
    fn all_cases_are_run_unless_some_are_named() {
        let all = parse(&[]).unwrap().unwrap();
        assert_eq!((all.cases, all.messages), (vec!["*".to_owned()], LONG_MESSAGES));
        let some = parse(&["--only", "6.4.*", "--only", "9.3.1", "--short"]).unwrap().unwrap();
        assert_eq!((some.cases.len(), some.messages), (2, SHORT_MESSAGES));
    }

    #[test]
    fn an_unknown_option_is_named_with_those_that_exist() {
        let error = parse(&["--sort"]).unwrap_err().to_string();
        assert!(error.contains("--sort") && error.contains("--short"), "{error}");
        assert!(parse(&["--messages"]).is_err() && parse(&["--messages", "many"]).is_err());
    }
}
