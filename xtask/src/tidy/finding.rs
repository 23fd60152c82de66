//! One thing that is not as it should be: where, which rule, why.

use std::fmt;

/// Ordered by file and line, so that the output reads like the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    pub(super) rule: &'static str,
    why: String,
}

impl Finding {
    /// `line` counts from 1. The rule's name is put on by the list of rules.
    pub(super) fn new(path: &str, line: usize, why: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule: "", why: why.into() }
    }

    pub(super) fn of(self, rule: &'static str) -> Self {
        Self { rule, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_file_line_rule_why() {
        let finding = Finding::new("crates/ws/src/lib.rs", 7, "no").of("heads");
        assert_eq!(finding.to_string(), "crates/ws/src/lib.rs:7: heads: no");
    }
}
