//! `cargo xtask autobahn`: the Autobahn test suite against `crates/ws`, as server and as client, and against the
//! gateway's raw echo.
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
/// The same where all has to be done within three minutes.
const SHORT_MESSAGES: u32 = 5;

/// What is done within three minutes: all cases but those that send much, of which these are a spread. Of 9.* the
/// largest messages, the most fragments, the smallest pieces and the most messages; of 12.* and 13.* four sizes in one
/// frame or many.
const SPREAD: &[&str] = &[
    "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*", "9.1.6", "9.2.6", "9.3.1", "9.3.9",
    "9.4.2", "9.5.4", "9.6.4", "9.7.*", "9.8.*", "12.*.4", "12.*.9", "12.*.13", "12.*.18",
    "13.*.4", "13.*.9", "13.*.13", "13.*.18",
];

const HELP: &str = "cargo xtask autobahn [--short] [--messages N] [--only CASES] [--write]

  --short        a spread of 9.*, 12.* and 13.*, with 5 messages a case, not 50; on debug builds
  --messages N   N messages in each case of 12.* and 13.*; the suite's own number is 1000
  --only CASES   such as 6.4.*; may be repeated
  --write        writes docs/autobahn.md";

/// What a run is to cover.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    messages: u32,
    /// As the suite understands them.
    cases: Vec<String>,
    /// On what is built for tests in any case: a release takes longer to build than the spread to run.
    debug: bool,
    write: bool,
}

impl Options {
    /// `None` if help was asked for.
    fn parse(arguments: &[String]) -> Result<Option<Self>, Problem> {
        let mut options =
            Self { messages: LONG_MESSAGES, cases: Vec::new(), debug: false, write: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--short" => (options.debug, options.messages) = (true, SHORT_MESSAGES),
                "--messages" => options.messages = value()?.parse()?,
                "--only" => options.cases.push(value()?.clone()),
                "--write" => options.write = true,
                other => return Err(format!("no option `{other}`\n\n{HELP}").into()),
            }
        }
        if options.cases.is_empty() {
            options.cases = cases(!options.debug);
        }
        if options.write && options.cases != cases(true) {
            return Err(
                "the page shows all cases: --write goes with neither --short nor --only".into()
            );
        }
        Ok(Some(options))
    }
}

/// All, or the spread.
fn cases(all: bool) -> Vec<String> {
    let cases = if all { &["*"] } else { SPREAD };
    cases.iter().map(ToString::to_string).collect()
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

/// The spread with few messages, or all cases with more.
///
/// # Errors
/// As [`command`].
pub(crate) fn verdict(root: &Path, workspace: &Workspace, long: bool) -> Result<Verdict, Problem> {
    let Some(suite) = Suite::install(root)? else { return Ok(Verdict::NoPython(python::MISSING)) };
    let messages = if long { LONG_MESSAGES } else { SHORT_MESSAGES };
    let options = Options { messages, cases: cases(long), debug: !long, write: false };
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
    let programs = roles::build(workspace, options.debug)?;
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
        let spread = parse(&["--short"]).unwrap().unwrap();
        assert_eq!((spread.cases.len(), spread.messages), (SPREAD.len(), SHORT_MESSAGES));
    }

    #[test]
    fn the_page_is_written_from_a_whole_run_only() {
        assert!(parse(&["--write"]).unwrap().unwrap().write);
        assert!(parse(&["--write", "--short"]).is_err());
        assert!(parse(&["--only", "6.4.*", "--write"]).is_err());
    }

    #[test]
    fn an_unknown_option_is_named_with_those_that_exist() {
        let error = parse(&["--sort"]).unwrap_err().to_string();
        assert!(error.contains("--sort") && error.contains("--short"), "{error}");
        assert!(parse(&["--messages"]).is_err() && parse(&["--messages", "many"]).is_err());
    }
}
