//! What a stage is, what it answers, and which stages a command line asks for.
//! Knows nothing of cargo or of the screen.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::counts::Counts;
use super::metadata::Workspace;
use crate::Problem;

/// When a stage runs without being named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// Always, also with `--quick`.
    Quick,
    /// Unless `--quick` is given.
    Full,
    /// Only with `--long`: what does not fit into the half hour of the whole.
    Long,
}

/// One step of the gate.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    /// Shown when it starts: what it runs.
    pub(crate) what: &'static str,
    pub(crate) pace: Pace,
    pub(crate) run: fn(&Context<'_>) -> Outcome,
}

/// What every stage may look at.
pub(crate) struct Context<'a> {
    pub(crate) root: &'a Path,
    pub(crate) workspace: Workspace,
    /// Whether the gateway builds, once that has been tried.
    pub(crate) gateway: OnceCell<bool>,
}

/// What a stage answers.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    /// The whole output of what failed; empty when nothing did.
    pub(crate) output: String,
    /// One sentence for the screen, such as why it was skipped.
    pub(crate) note: Option<String>,
}

impl Outcome {
    /// A check that holds.
    pub(crate) fn passed() -> Self {
        Self {
            counts: Counts { passed: 1, ..Counts::default() },
            output: String::new(),
            note: None,
        }
    }

    /// A check that does not hold, with everything there is to read about it.
    pub(crate) fn failed(output: impl Into<String>) -> Self {
        let counts = Counts { failed: 1, ..Counts::default() };
        Self { counts, output: output.into(), note: None }
    }

    /// A stage that cannot run here, and why.
    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        let counts = Counts { skipped: 1, ..Counts::default() };
        Self { counts, output: String::new(), note: Some(why.into()) }
    }

    /// A stage that has nothing to do yet.
    pub(crate) fn empty(why: impl Into<String>) -> Self {
        Self { counts: Counts::default(), output: String::new(), note: Some(why.into()) }
    }

    /// Adds what a further part of the same stage answered.
    pub(crate) fn join(&mut self, other: Self) {
        self.counts += other.counts;
        self.output.push_str(&other.output);
        self.note = self.note.take().or(other.note);
    }
}

impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        Self::failed(format!("{problem}\n"))
    }
}

/// The command line of `cargo xtask test`.
#[derive(Debug)]
pub(crate) struct Options {
    pace: Pace,
    named: Vec<String>,
    pub(crate) list: bool,
    /// A further folder of messages, beside those of `TIDEGATE_CORPORA`.
    pub(crate) corpora: Option<PathBuf>,
}

impl Options {
    /// # Errors
    /// Names the argument that is neither an option nor a stage, or the folder that is none.
    pub(crate) fn parse(arguments: &[String], stages: &[Stage]) -> Result<Self, Problem> {
        let mut options = Self { pace: Pace::Full, named: Vec::new(), list: false, corpora: None };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--corpora" => options.corpora = Some(folder(arguments.next())?),
                "--quick" => options.pace = Pace::Quick,
                "--long" => options.pace = Pace::Long,
                "--list" => options.list = true,
                name if stages.iter().any(|stage| stage.name == name) => {
                    options.named.push(name.to_owned());
                }
                other => {
                    return Err(format!(
                        "no option or stage `{other}`; `cargo xtask test --list` lists the stages"
                    )
                    .into());
                }
            }
        }
        Ok(options)
    }

    /// Whether `stage` is to run. Stages named on the command line run alone, whatever their pace.
    pub(crate) fn wants(&self, stage: &Stage) -> bool {
        if self.named.is_empty() {
            stage.pace <= self.pace
        } else {
            self.named.iter().any(|name| name == stage.name)
        }
    }

    /// Whether someone who named no stage might miss `stage`: what needs `--long` is missed by none.
    pub(crate) fn leaves_out(&self, stage: &Stage) -> bool {
        self.named.is_empty() && stage.pace > self.pace && stage.pace < Pace::Long
    }
}

fn folder(argument: Option<&String>) -> Result<PathBuf, Problem> {
    let path = argument.ok_or("--corpora needs a folder")?;
    Ok(std::fs::canonicalize(path).map_err(|error| format!("--corpora {path}: {error}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &'static str, pace: Pace) -> Stage {
        Stage { name, what: "", pace, run: |_| Outcome::passed() }
    }

    fn chosen(arguments: &[&str]) -> Vec<&'static str> {
        let stages =
            [stage("short", Pace::Quick), stage("slow", Pace::Full), stage("endless", Pace::Long)];
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let options = Options::parse(&arguments, &stages).unwrap();
        stages.iter().filter(|stage| options.wants(stage)).map(|stage| stage.name).collect()
    }

    #[test]
    fn quick_leaves_out_the_slow_half_and_long_adds_what_does_not_fit() {
        assert_eq!(chosen(&["--quick"]), ["short"]);
        assert_eq!(chosen(&[]), ["short", "slow"]);
        assert_eq!(chosen(&["--long"]), ["short", "slow", "endless"]);
    }

    #[test]
    fn a_named_stage_runs_alone_whatever_its_pace() {
        assert_eq!(chosen(&["endless"]), ["endless"]);
        assert_eq!(chosen(&["--quick", "slow"]), ["slow"]);
    }

    #[test]
    fn an_unknown_argument_is_named() {
        let error = Options::parse(&["--qick".to_owned()], &[]).unwrap_err();
        assert!(error.to_string().contains("--qick"), "{error}");
    }

    #[test]
    fn a_folder_of_messages_must_be_there() {
        let parse = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            Options::parse(&arguments, &[])
        };
        assert!(parse(&["--corpora", "."]).unwrap().corpora.unwrap().is_absolute());
        assert!(parse(&["--corpora"]).unwrap_err().to_string().contains("--corpora"));
        let missing = parse(&["--corpora", "no/such/folder"]).unwrap_err().to_string();
        assert!(missing.contains("no/such/folder"), "{missing}");
    }

    #[test]
    fn parts_of_a_stage_add_up() {
        let mut whole = Outcome::passed();
        whole.join(Outcome::failed("broken\n"));
        whole.join(Outcome::skipped("no browser"));
        assert_eq!(whole.counts, Counts { passed: 1, failed: 1, skipped: 1 });
        assert_eq!(whole.output, "broken\n");
        assert_eq!(whole.note.as_deref(), Some("no browser"));
    }
}
