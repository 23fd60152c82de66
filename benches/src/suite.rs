//! A subject's groups, and the order in which they are measured.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::case::{Case, Group, Side};
use crate::options::Options;
use crate::report::{Fact, Figures, Report, Row};
use crate::{allocations, instructions, time};

/// Instructions are counted over so much time's worth of calls: valgrind is some fifty times slower.
const COUNTED: Duration = Duration::from_millis(4);

/// Allocations are counted over so much time's worth of calls.
const ALLOCATING: Duration = Duration::from_millis(500);

/// All groups of one subject.
#[derive(Debug)]
pub struct Suite {
    subject: String,
    groups: Vec<Group>,
    remarks: Vec<String>,
}

impl Suite {
    /// An empty suite for `subject`, the name that `--filter` asks for.
    #[must_use]
    pub fn new(subject: &str) -> Self {
        Self { subject: subject.to_owned(), groups: Vec::new(), remarks: Vec::new() }
    }

    /// Adds a group of cases that do the same work.
    pub fn group(&mut self, name: &str) -> &mut Group {
        let index = self.groups.len();
        self.groups.push(Group::new(name));
        &mut self.groups[index]
    }

    /// Says something below the tables, such as what could not be measured and why.
    pub fn remark(&mut self, text: &str) {
        self.remarks.push(text.to_owned());
    }

    /// The groups so far.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Measures as the command line asks, prints the tables, and writes the JSON where it is wanted.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let outcome =
            Options::parse(std::env::args().skip(1)).and_then(|options| match &options.alone {
                Some((group, case)) => self.alone(group, case, options.calls),
                None => self.whole(&options),
            });
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{}: {why}", self.subject);
                ExitCode::from(2)
            }
        }
    }

    fn alone(&self, group: &str, case: &str, calls: u64) -> Result<(), String> {
        let group = self.groups.iter().find(|known| known.name == group).ok_or("no such group")?;
        let case = group.cases.iter().find(|known| known.name == case).ok_or("no such case")?;
        instructions::run_alone(case, calls);
        Ok(())
    }

    fn whole(&self, options: &Options) -> Result<(), String> {
        let report = self.measure(options);
        println!("{}", report.markdown());
        if let Some(path) = &options.json {
            let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
            std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }

    fn measure(&self, options: &Options) -> Report {
        let (rounds, sample) = if options.quick { (3, 2) } else { (25, 20) };
        let valgrind = options.instructions && instructions::available();
        let mut report = Report {
            subject: self.subject.clone(),
            quick: options.quick,
            rows: Vec::new(),
            facts: Vec::new(),
            remarks: self.remarks.clone(),
        };
        if options.instructions && !valgrind {
            report.remarks.push("Instructions are missing: valgrind is not installed.".to_owned());
        }
        let wanted =
            |group: &&Group| options.group.as_ref().is_none_or(|text| group.name.contains(text));
        for group in self.groups.iter().filter(wanted) {
            progress(&format!("{}: {}", self.subject, group.name));
            let times = time::measure(group, rounds, Duration::from_millis(sample));
            for (case, nanos) in group.cases.iter().zip(times) {
                let counted = valgrind
                    .then(|| instructions::measure(group, case, calls_in(COUNTED, group, &nanos)));
                let instructions = counted.and_then(|counted| {
                    counted
                        .inspect_err(|why| report.remarks.push(format!("{}: {why}", case.name)))
                        .ok()
                });
                let counted = calls_in(ALLOCATING, group, &nanos).min(allocations::MAX_CALLS);
                let allocations = allocations::measure(group, case, counted);
                let figures = Figures { nanos, instructions, allocations };
                report.rows.push(row(group, case, figures));
            }
            report.facts.extend(group.facts.iter().map(|(case, what, value)| Fact {
                group: group.name.clone(),
                case: case.clone(),
                what: what.clone(),
                value: *value,
            }));
        }
        progress("");
        report
    }
}

/// Calls of a case that take about so long.
fn calls_in(span: Duration, group: &Group, nanos: &time::Nanos) -> u64 {
    let call = (nanos.min * group.per_call as f64).max(0.1);
    ((span.as_nanos() as f64 / call) as u64).clamp(1, 100_000)
}

fn row(group: &Group, case: &Case, figures: Figures) -> Row {
    let side = match case.side {
        Side::Ours => "ours",
        Side::Peer => "peer",
        Side::Floor => "floor",
    };
    Row { group: group.name.clone(), case: case.name.clone(), side: side.to_owned(), figures }
}

/// One line that is overwritten, on a terminal.
fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K{what}");
        let _ = std::io::stderr().flush();
    }
}
