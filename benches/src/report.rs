//! What came out: rows, as a table for people and as JSON for `cargo xtask bench`.

use std::fmt::Write;

use crate::allocations::Allocations;
use crate::time::Nanos;

/// All that a program measured.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// The subject's name.
    pub subject: String,
    /// Whether this was a quick run: its times are no figures to keep.
    pub quick: bool,
    /// One for each case.
    pub rows: Vec<Row>,
    /// What is known beside the time.
    pub facts: Vec<Fact>,
    /// What could not be measured, and why.
    pub remarks: Vec<String>,
}

/// One case.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// The work.
    pub group: String,
    /// Who does it.
    pub case: String,
    /// `ours`, `peer` or `floor`.
    pub side: String,
    /// What it costs.
    pub figures: Figures,
}

/// What one piece of work costs.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Figures {
    /// Time in nanoseconds.
    pub nanos: Nanos,
    /// Instructions, where they could be counted.
    pub instructions: Option<f64>,
    /// From the allocator, in steady state.
    pub allocations: Allocations,
}

/// A figure that is no time.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Fact {
    /// The work.
    pub group: String,
    /// Who.
    pub case: String,
    /// What, with its unit.
    pub what: String,
    /// How much.
    pub value: f64,
}

impl Report {
    /// The tables in Markdown, one for each group, and the facts below.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let mut group = None;
        for row in &self.rows {
            if group != Some(&row.group) {
                group = Some(&row.group);
                let _ = writeln!(text, "\n**{}**\n", row.group);
                text.push_str("| | ns (fastest) | ns (median) | instructions | allocations | bytes |\n|---|--:|--:|--:|--:|--:|\n");
            }
            let figures = &row.figures;
            let instructions = figures.instructions.map_or("–".to_owned(), number);
            let _ = writeln!(
                text,
                "| {}{} | {} | {} | {instructions} | {} | {} |",
                row.case,
                mark(&row.side),
                number(figures.nanos.min),
                number(figures.nanos.median),
                number(figures.allocations.count),
                number(figures.allocations.bytes),
            );
        }
        if !self.facts.is_empty() {
            text.push_str("\n| work | | what | figure |\n|---|---|---|--:|\n");
        }
        for fact in &self.facts {
            let value = number(fact.value);
            let _ = writeln!(text, "| {} | {} | {} | {value} |", fact.group, fact.case, fact.what);
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "\n{remark}");
        }
        text
    }
}

fn mark(side: &str) -> &'static str {
    match side {
        "ours" => " (ours)",
        "floor" => " (floor)",
        _ => "",
    }
}

/// Three digits that say something; whole numbers from 100 on, in groups of three.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.abs() < 100.0 {
        let digits = if value.abs() < 10.0 { 2 } else { 1 };
        let text = format!("{value:.digits$}");
        let short = text.trim_end_matches('0').trim_end_matches('.');
        // What is there but small must not read as nothing.
        return if short.trim_start_matches('-') == "0" {
            "< 0.01".to_owned()
        } else {
            short.to_owned()
        };
    }
    let whole = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    if value < 0.0 { format!("-{grouped}") } else { grouped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_that_say_something() {
        let shown = [0.0, 0.004, 1.5, 12.34, 99.96, 1234.4, 1_234_567.0].map(number);
        assert_eq!(
            shown,
            ["0", "< 0.01", "1.5", "12.3", "100", "1\u{202f}234", "1\u{202f}234\u{202f}567"]
        );
    }

    #[test]
    fn a_table_names_each_group_once_and_what_is_missing() {
        let row = |case: &str, side: &str| Row {
            group: "echo".into(),
            case: case.into(),
            side: side.into(),
            figures: Figures {
                nanos: Nanos { min: 1.0, median: 2.0, upper_quartile: 3.0 },
                instructions: None,
                allocations: Allocations { count: 0.0, bytes: 0.0 },
            },
        };
        let report = Report {
            subject: "ws".into(),
            quick: true,
            rows: vec![row("a", "ours"), row("b", "peer")],
            facts: vec![],
            remarks: vec!["instructions: valgrind is missing".into()],
        };
        let text = report.markdown();
        assert_eq!(text.matches("**echo**").count(), 1);
        assert!(text.contains("| a (ours) | 1 | 2 | – | 0 | 0 |"), "{text}");
        assert!(text.contains("valgrind is missing"));
    }
}
