//! How many passed, failed and were skipped, read from what test runners print.
//! Knows the closing lines of cargo test, nextest, node and pytest; starts nothing.

use std::fmt;
use std::ops::AddAssign;

/// Three numbers and their one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Counts {
    /// How many tests or checks were seen at all.
    pub(crate) fn all(self) -> u32 {
        self.passed + self.failed + self.skipped
    }

    /// In CI nothing may be left out silently.
    #[must_use]
    pub(crate) fn with_skips_as_failures(self) -> Self {
        Self { passed: self.passed, failed: self.failed + self.skipped, skipped: 0 }
    }

    /// Makes the counts agree with the exit status: a runner that failed without counting a failure (it
    /// did not compile, it crashed) is one failure.
    #[must_use]
    pub(crate) fn agreeing_with(self, success: bool) -> Self {
        if success || self.failed > 0 { self } else { Self { failed: 1, ..self } }
    }

    /// `cargo test` and doc tests: the sum over all `test result:` lines.
    pub(crate) fn of_cargo_test(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines().filter_map(|line| line.strip_prefix("test result:")) {
            sum += Self::of_words(line);
        }
        sum
    }

    /// nextest: its last `Summary` line.
    pub(crate) fn of_nextest(output: &str) -> Self {
        let summary = output.lines().rev().find(|line| line.trim_start().starts_with("Summary ["));
        summary.map_or_else(Self::default, Self::of_words)
    }

    /// pytest: its closing line, the last that says how long it took.
    pub(crate) fn of_pytest(output: &str) -> Self {
        let says_how_long = |line: &&str| {
            line.rsplit_once(" in ")
                .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let closing = output.lines().rev().find(says_how_long);
        closing.map_or_else(Self::default, Self::of_words)
    }

    /// node's test runner: the `# pass N` lines at the foot of its TAP output.
    pub(crate) fn of_tap(output: &str) -> Self {
        let footer = |word: &str| {
            let line = output.lines().rev().find_map(|line| {
                line.strip_prefix("# ")?.strip_prefix(word)?.strip_prefix(' ')?.parse::<u32>().ok()
            });
            line.unwrap_or(0)
        };
        // A file without a test is one passed test of its own name to node; here it is none.
        let is_bare = |line: &&str| line.starts_with("ok ") && line.ends_with(".test.mjs");
        let bare = u32::try_from(output.lines().filter(is_bare).count()).unwrap_or(u32::MAX);
        Self {
            passed: footer("pass").saturating_sub(bare),
            failed: footer("fail") + footer("cancelled"),
            skipped: footer("skipped") + footer("todo"),
        }
    }

    /// Sums every `number word` of one line whose word says how a test ended.
    fn of_words(line: &str) -> Self {
        let words: Vec<&str> = line
            .split(|character: char| !character.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let mut counts = Self::default();
        for pair in words.windows(2) {
            let [number, word] = pair else { continue };
            let Ok(number) = number.parse::<u32>() else { continue };
            match *word {
                "passed" | "xpassed" => counts.passed += number,
                // nextest says `1 timed out` and `1 exec failed`.
                "failed" | "error" | "errors" | "timed" | "exec" => counts.failed += number,
                "skipped" | "ignored" | "xfailed" => counts.skipped += number,
                _ => {}
            }
        }
        counts
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u32, failed: u32, skipped: u32) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn the_closing_line_is_exactly_three_numbers() {
        assert_eq!(counts(412, 0, 3).to_string(), "412 passed, 0 failed, 3 skipped");
    }

    #[test]
    fn in_ci_a_skip_is_a_failure() {
        assert_eq!(counts(5, 1, 2).with_skips_as_failures(), counts(5, 3, 0));
    }

    #[test]
    fn a_runner_that_crashes_before_counting_is_one_failure() {
        assert_eq!(Counts::default().agreeing_with(false), counts(0, 1, 0));
        assert_eq!(counts(3, 2, 0).agreeing_with(false), counts(3, 2, 0));
        assert_eq!(counts(3, 0, 0).agreeing_with(true), counts(3, 0, 0));
    }

    #[test]
    fn cargo_test_binaries_are_summed() {
        let output = "\
running 2 tests
test a ... ok
test b ... FAILED

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s

     Running tests/wire.rs
test result: ok. 4 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        assert_eq!(Counts::of_cargo_test(output), counts(5, 1, 2));
    }

    #[test]
    fn nextest_counts_every_way_to_fail() {
        let good = "    Finished `test` profile\n────────────\n     Summary [   0.021s] 31 tests run: 31 passed (1 slow), 0 skipped\n";
        assert_eq!(Counts::of_nextest(good), counts(31, 0, 0));
        let bad = "     Summary [   9.101s] 7/9 tests run: 3 passed (1 flaky), 2 failed, 1 exec failed, 1 timed out, 4 skipped\n        FAIL [   0.002s] xtask tests::x\nerror: test run failed\n";
        assert_eq!(Counts::of_nextest(bad), counts(3, 4, 4));
        assert_eq!(Counts::of_nextest("error: could not compile `x`"), Counts::default());
    }

    #[test]
    fn tap_takes_the_footer_and_not_a_test_that_prints_one() {
        let output = "\
TAP version 13
# pass 99
# Subtest: echo
ok 1 - echo
1..4
# tests 4
# suites 0
# pass 1
# fail 1
# cancelled 1
# skipped 1
# todo 0
# duration_ms 52.7
";
        assert_eq!(Counts::of_tap(output), counts(1, 2, 1));
    }

    #[test]
    fn a_tap_file_without_a_test_counts_as_none() {
        let output = "TAP version 13\n# Subtest: tests-e2e/a.test.mjs\nok 1 - tests-e2e/a.test.mjs\n1..1\n# pass 1\n# fail 0\n";
        assert_eq!(Counts::of_tap(output), Counts::default());
    }

    #[test]
    fn pytest_counts_errors_as_failures() {
        let quiet = "....\n4 passed in 0.12s\n";
        assert_eq!(Counts::of_pytest(quiet), counts(4, 0, 0));
        let loud = "FAILED test_a.py::x - assert 1 in 2\n===== 1 failed, 2 passed, 1 skipped, 1 xfailed, 3 warnings, 2 errors in 61.02s (0:01:01) =====\n";
        assert_eq!(Counts::of_pytest("no tests ran in 0.00s"), Counts::default());
        assert_eq!(Counts::of_pytest(loud), counts(2, 3, 2));
    }
}
