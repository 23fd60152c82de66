//! What a run came to: read from the suite's `index.json`, shown as a page. Knows no process.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::Problem;

/// The cases of one agent, which is what the suite calls who is tested.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    agent: String,
    cases: BTreeMap<Id, Outcome>,
}

/// `6.4.1`, in its numeric order.
type Id = Vec<u32>;

/// What the suite says of the behaviour and of the closing.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    behavior: String,
    closing: String,
}

impl Outcome {
    fn holds(&self) -> bool {
        [&self.behavior, &self.closing].iter().all(|word| *word == "OK" || *word == INFORMATIONAL)
    }
}

const INFORMATIONAL: &str = "INFORMATIONAL";

impl Report {
    /// All reports in a folder, in the order of their agents' names.
    pub(super) fn read(folder: &Path) -> Result<Vec<Self>, Problem> {
        let index = folder.join("index.json");
        let text = std::fs::read(&index)
            .map_err(|error| format!("the suite left no report: {}: {error}", index.display()))?;
        Self::parse(&text)
    }

    fn parse(json: &[u8]) -> Result<Vec<Self>, Problem> {
        let index: Value = serde_json::from_slice(json)?;
        let agents = index.as_object().ok_or("a report is an object of agents")?;
        agents.iter().map(|(agent, cases)| Self::of(agent, cases)).collect()
    }

    fn of(agent: &str, cases: &Value) -> Result<Self, Problem> {
        let cases = cases.as_object().ok_or("an agent is an object of cases")?;
        let outcome = |case: &Value| {
            let word = |name: &str| case[name].as_str().unwrap_or("MISSING").to_owned();
            Outcome { behavior: word("behavior"), closing: word("behaviorClose") }
        };
        let cases = cases.iter().map(|(id, case)| Ok((parse_id(id)?, outcome(case))));
        Ok(Self { agent: agent.to_owned(), cases: cases.collect::<Result<_, Problem>>()? })
    }

    /// Whether every case is OK or informational.
    pub(super) fn holds(&self) -> bool {
        !self.cases.is_empty() && self.cases.values().all(Outcome::holds)
    }

    /// One line for each case that does not hold.
    pub(super) fn broken(&self) -> Vec<String> {
        let broken = self.cases.iter().filter(|(_, outcome)| !outcome.holds());
        let line = |(id, outcome): (&Id, &Outcome)| {
            let Outcome { behavior, closing } = outcome;
            format!("{} {}: {behavior}, closing {closing}", self.agent, show_id(id))
        };
        broken.map(line).collect()
    }

    fn count(&self, behavior: &str) -> usize {
        self.cases.values().filter(|case| case.behavior == behavior && case.holds()).count()
    }

    /// How many of a category hold, and how many there are.
    fn category(&self, first: u32) -> (usize, usize) {
        let cases = self.cases.iter().filter(|(id, _)| id.first() == Some(&first));
        cases.fold((0, 0), |(hold, all), (_, case)| (hold + usize::from(case.holds()), all + 1))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ok, informational) = (self.count("OK"), self.count(INFORMATIONAL));
        let others = self.cases.len() - ok - informational;
        write!(f, "{}: {ok} OK, {informational} informational, {others} others", self.agent)
    }
}

fn parse_id(id: &str) -> Result<Id, Problem> {
    let numbers: Result<Id, _> = id.split('.').map(str::parse).collect();
    numbers.map_err(|_| format!("`{id}` is no case").into())
}

fn show_id(id: &Id) -> String {
    id.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

const CATEGORIES: &[(u32, &str)] = &[
    (1, "framing"),
    (2, "pings and pongs"),
    (3, "reserved bits"),
    (4, "op codes"),
    (5, "fragmentation"),
    (6, "UTF-8 (6.4.*: refused at the first byte)"),
    (7, "closing"),
    (9, "limits and performance"),
    (10, "auto-fragmentation"),
    (12, "compression of different data"),
    (13, "compression by different parameters"),
];

/// The page that `docs/` keeps.
pub(super) fn page(reports: &[Report], messages: u32) -> String {
    let mut page = String::from(
        "# Autobahn\n\nThe Autobahn test suite 25.10.1 against `crates/ws` and the gateway, as `cargo xtask autobahn --write` \
         left it. The servers are\nthe example `echo`, with and without context takeover, the clients the example \
         `echo_client`; `gateway` is the gateway's raw `/echo`\n(`dev.echo`), with its defaults but for the largest \
         message, which is 16 MiB.\n",
    );
    page.push_str(&format!(
        "Cases of 12.* and 13.* send {messages} messages each (the suite's own number is 1 000). \"Strict\" is what counts: a \
         case that is\n\"non-strict\" stands under \"others\".\n\n",
    ));
    page.push_str("| who | cases | OK | informational | others |\n|---|---:|---:|---:|---:|\n");
    for report in reports {
        let (ok, informational) = (report.count("OK"), report.count(INFORMATIONAL));
        let (who, all) = (&report.agent, report.cases.len());
        let others = all - ok - informational;
        page.push_str(&format!("| {who} | {all} | {ok} | {informational} | {others} |\n"));
    }
    page.push_str("\nCases that hold, of those there are:\n\n| category |");
    reports.iter().for_each(|report| page.push_str(&format!(" {} |", report.agent)));
    page.push_str(&format!("\n|---|{}\n", "---:|".repeat(reports.len())));
    for (number, name) in CATEGORIES {
        page.push_str(&format!("| {number} {name} |"));
        for report in reports {
            let (hold, all) = report.category(*number);
            page.push_str(&format!(" {hold}/{all} |"));
        }
        page.push('\n');
    }
    let broken: Vec<String> = reports.iter().flat_map(Report::broken).collect();
    if !broken.is_empty() {
        page.push_str(&format!("\nDo not hold:\n\n- {}\n", broken.join("\n- ")));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &[u8] = br#"{"server": {
        "6.4.1": {"behavior": "NON-STRICT", "behaviorClose": "OK"},
        "10.1.1": {"behavior": "OK", "behaviorClose": "OK"},
        "7.1.6": {"behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL"},
        "2.1": {"behavior": "OK", "behaviorClose": "FAILED"}}}"#;

    #[test]
    fn non_strict_is_not_enough_and_neither_is_a_wrong_close() {
        let reports = Report::parse(INDEX).unwrap();
        assert!(!reports[0].holds());
        assert_eq!(reports[0].to_string(), "server: 1 OK, 1 informational, 2 others");
        let broken = ["server 2.1: OK, closing FAILED", "server 6.4.1: NON-STRICT, closing OK"];
        assert_eq!(reports[0].broken(), broken);
        assert_eq!((reports[0].category(6), reports[0].category(10)), ((0, 1), (1, 1)));
    }

    #[test]
    fn a_report_without_cases_proves_nothing() {
        assert!(!Report::parse(br#"{"server": {}}"#).unwrap()[0].holds());
        assert!(Report::parse(b"[]").is_err());
    }

    #[test]
    fn the_page_names_what_does_not_hold() {
        let page = page(&Report::parse(INDEX).unwrap(), 50);
        assert!(page.contains("| server | 4 | 1 | 1 | 2 |"), "{page}");
        assert!(page.contains("- server 6.4.1: NON-STRICT"), "{page}");
    }
}
