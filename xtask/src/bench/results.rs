//! The form of `results.json`: everything that a bench found out, and what it was found out on.
//! Types only, with reading and writing; what figures mean is for others to say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tidegate_load::job::Job;
use tidegate_load::report::Report;

use super::grade::Grade;
use super::machine::{Machine, Revision};
use crate::Problem;

/// The version of this form. A reader refuses others.
pub(crate) const SCHEMA: u32 = 1;

/// What our own gateway is called among servers.
pub(crate) const OURS: &str = "tidegate";

/// All of one run of `cargo xtask bench`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) schema: u32,
    pub(crate) kind: Kind,
    /// When the run began: RFC 3339, UTC.
    pub(crate) began_at: String,
    /// How long it took, in seconds.
    pub(crate) took_s: f64,
    /// Whether everything asked for was done. What is there otherwise is partial.
    pub(crate) complete: bool,
    pub(crate) command_line: Vec<String>,
    pub(crate) machine: Machine,
    /// By name: `rustc`, `tidegate`, `tidegate-load`, each peer.
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) revision: Revision,
    /// What a reader must know, as sentences: what was left out and why.
    pub(crate) notes: Vec<String>,
    /// Of a comparison: who took part.
    #[serde(default)]
    pub(crate) servers: Vec<Participant>,
    pub(crate) entries: Vec<Entry>,
}

/// A server of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Participant {
    /// As entries and versions name it.
    pub(crate) name: String,
    /// As readers know it.
    pub(crate) title: String,
    /// What must be known to judge its figures.
    pub(crate) note: String,
    /// Whether it is no server to use but the limit of what servers can reach.
    pub(crate) is_floor: bool,
}

/// Which command it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// `cargo xtask bench`: scenarios, graded.
    Scenarios,
    /// `cargo xtask bench compare`: works, each with several servers.
    Comparison,
}

/// One load on one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The scenario, or the work of a comparison.
    pub(crate) name: String,
    /// The server: [`OURS`], a peer's name, or an address.
    pub(crate) server: String,
    /// What it is for, as a sentence.
    pub(crate) purpose: String,
    /// What the server was started with, in its own form; empty when it was not started by us.
    pub(crate) config: String,
    pub(crate) asked: Asked,
    /// What the generator was told to do; without it nothing was begun.
    pub(crate) job: Option<Job>,
    /// All that the generator measured; of a failure what it had until then, marked `partial`.
    pub(crate) report: Option<Report>,
    /// Why it was not done, or not to its end.
    pub(crate) failure: Option<Failed>,
    /// Scenarios are graded, comparisons are not.
    pub(crate) grade: Option<Grade>,
    /// Whether losses that the server owns up to belong to the load, and are no errors.
    #[serde(default)]
    pub(crate) expects_said_losses: bool,
    /// The published floors that this entry shows to be met or not.
    pub(crate) floors: Vec<Floor>,
}

/// The size of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Connections at the most.
    pub(crate) connections: u32,
    /// Messages (or publications) a second, on average over its time; `None` where there is no rate.
    pub(crate) rate_per_s: Option<f64>,
}

/// Why an entry is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failed {
    /// What happened, as a sentence.
    pub(crate) what: String,
    /// What to do, as a sentence.
    pub(crate) hint: String,
}

/// One line of what was promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Floor {
    /// `p95 under 100 ms`.
    pub(crate) what: String,
    /// `12.4 ms`.
    pub(crate) seen: String,
    pub(crate) met: bool,
}

impl Entry {
    /// An entry of which nothing is known yet.
    pub(crate) fn new(name: impl Into<String>, server: impl Into<String>, asked: Asked) -> Self {
        Self {
            name: name.into(),
            server: server.into(),
            purpose: String::new(),
            config: String::new(),
            asked,
            job: None,
            report: None,
            failure: None,
            grade: None,
            expects_said_losses: false,
            floors: Vec::new(),
        }
    }

    /// Whether it was done to its end.
    pub(crate) fn is_whole(&self) -> bool {
        self.failure.is_none() && self.report.as_ref().is_some_and(|report| !report.partial)
    }
}

impl Results {
    /// A run that begins now, on this machine; `programs` are asked for their versions.
    pub(crate) fn begin(root: &Path, kind: Kind, programs: &[(&str, &Path)]) -> Self {
        Self {
            schema: SCHEMA,
            kind,
            began_at: super::clock::now_rfc3339(),
            took_s: 0.0,
            complete: false,
            command_line: command_line(),
            machine: Machine::read(),
            versions: super::machine::versions(programs),
            revision: Revision::read(root),
            notes: Vec::new(),
            servers: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// # Errors
    /// When the file cannot be read, is no results file, or has another version of the form.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
        let schema = serde_json::from_str::<Version>(&text)
            .map_err(|error| format!("{shown} is no results file of `cargo xtask bench`: {error}"))?
            .schema;
        if schema != SCHEMA {
            return Err(format!(
                "{shown} has version {schema} of the form, this program reads {SCHEMA}: measure again, \
                 or use the xtask that wrote it"
            )
            .into());
        }
        Ok(serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))?)
    }

    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Problem> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        Ok(fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?)
    }
}

/// What is read of a file whose form is not known yet.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

/// As it was typed, from `bench` on.
fn command_line() -> Vec<String> {
    let typed = ["cargo".to_owned(), "xtask".to_owned()];
    typed.into_iter().chain(std::env::args().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::processes::Scratch;
    use super::*;

    fn results() -> Results {
        let mut results = Results::begin(Path::new("."), Kind::Scenarios, &[]);
        let asked = Asked { connections: 100, rate_per_s: Some(150.0) };
        results.entries.push(Entry::new("baseline", OURS, asked));
        results
    }

    #[test]
    fn what_is_written_is_read_again() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().join("results.json");
        results().write(&path).unwrap();
        let read = Results::read(&path).unwrap();
        assert_eq!(read.entries[0].name, "baseline");
        assert!(!read.complete && !read.entries[0].is_whole());
        assert_eq!(read.machine.cores, Machine::read().cores);
    }

    #[test]
    fn another_form_is_refused_with_a_sentence() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().join("results.json");
        for (text, said) in [
            ("{\"schema\": 99}", "version 99"),
            ("[]", "no results file"),
            ("{\"schema\": 1}", "missing field"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Results::read(&path).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("results.json"), "{error}");
        }
        let missing = Results::read(&scratch.path().join("none.json")).unwrap_err().to_string();
        assert!(missing.contains("none.json"), "{missing}");
    }
}
