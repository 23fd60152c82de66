//! A grade for a measured load, A+ to F, and why: the worst of its latency, errors, throughput and loss.
//!
//! The bounds are set so that the figures others publish grade as they did (the test at the foot). Knows
//! plain numbers; nothing of servers, reports or files.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Problem;

/// The grade itself, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Letter {
    /// As if there were nothing in between.
    #[serde(rename = "A+")]
    APlus,
    A,
    B,
    C,
    D,
    /// Not fit for use, or something was lost without a word.
    F,
}

/// What is graded. What was not measured is `None` and counts neither way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measures {
    pub(crate) p95_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// Errors (refused, failed, cut off) per request, 0 to 1.
    pub(crate) error_share: f64,
    /// Answers per second that came, per second asked for.
    pub(crate) reached_share: Option<f64>,
    /// Messages that are missing and were not said to be.
    pub(crate) lost: u64,
    /// Messages that came more than once.
    pub(crate) doubled: u64,
    /// Messages that came before an earlier one.
    pub(crate) reordered: u64,
    /// Messages that came, and not as they were sent.
    pub(crate) corrupt: u64,
}

/// A letter and what kept it from being a better one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grade {
    pub(crate) letter: Letter,
    /// Empty for an A+.
    pub(crate) reasons: Vec<String>,
}

/// The worst figures with which a letter is still given.
struct Bounds {
    letter: Letter,
    p95_ms: f64,
    p99_ms: f64,
    error_share: f64,
    reached_share: f64,
}

const fn bounds(letter: Letter, p95_ms: f64, p99_ms: f64, errors: f64, reached: f64) -> Bounds {
    Bounds { letter, p95_ms, p99_ms, error_share: errors, reached_share: reached }
}

/// A p99 may be twice the p95. Beyond the last row is an F.
const BOUNDS: [Bounds; 5] = [
    bounds(Letter::APlus, 50.0, 100.0, 0.002, 0.995),
    bounds(Letter::A, 100.0, 200.0, 0.01, 0.99),
    bounds(Letter::B, 200.0, 400.0, 0.02, 0.97),
    bounds(Letter::C, 500.0, 1000.0, 0.05, 0.9),
    bounds(Letter::D, 1000.0, 2000.0, 0.1, 0.75),
];

impl Grade {
    /// The worst letter that any of the measures deserves.
    pub(crate) fn of(measures: &Measures) -> Self {
        let judged = measures.judged();
        let letter = judged.iter().map(|(letter, _)| *letter).max().unwrap_or(Letter::APlus);
        let reasons = judged.into_iter().filter(|(each, _)| *each == letter);
        let reasons = reasons.map(|(_, reason)| reason);
        let reasons = if letter == Letter::APlus { Vec::new() } else { reasons.collect() };
        Self { letter, reasons }
    }

    /// The F of something that brought no figures at all.
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self { letter: Letter::F, reasons: vec![why.into()] }
    }

    /// Lowers the grade to `letter` if it is better, because of `why`.
    pub(crate) fn at_best(&mut self, letter: Letter, why: impl Into<String>) {
        if self.letter < letter {
            *self = Self { letter, reasons: Vec::new() };
        }
        if self.letter == letter {
            self.reasons.push(why.into());
        }
    }
}

impl Measures {
    /// Each measure with the letter it deserves and its figure in words.
    fn judged(&self) -> Vec<(Letter, String)> {
        let least = |holds: &dyn Fn(&Bounds) -> bool| {
            BOUNDS.iter().find(|bounds| holds(bounds)).map_or(Letter::F, |bounds| bounds.letter)
        };
        let mut judged = Vec::new();
        if let Some(p95) = self.p95_ms {
            judged.push((least(&|to| p95 <= to.p95_ms), format!("p95 is {p95:.1} ms")));
        }
        if let Some(p99) = self.p99_ms {
            judged.push((least(&|to| p99 <= to.p99_ms), format!("p99 is {p99:.1} ms")));
        }
        if let Some(reached) = self.reached_share {
            let why = format!("{:.1} % of the asked rate was reached", reached * 100.0);
            judged.push((least(&|to| reached >= to.reached_share), why));
        }
        let why = format!("{:.2} % were errors", self.error_share * 100.0);
        judged.push((least(&|to| self.error_share <= to.error_share), why));
        for (count, what) in [
            (self.lost, "lost without a word"),
            (self.doubled, "came more than once"),
            (self.reordered, "came out of order"),
            (self.corrupt, "came changed"),
        ] {
            if count > 0 {
                judged.push((Letter::F, format!("{count} messages {what}")));
            }
        }
        judged
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::APlus => "A+",
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
        })
    }
}

impl FromStr for Letter {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let all = [Self::APlus, Self::A, Self::B, Self::C, Self::D, Self::F];
        let found = all.into_iter().find(|letter| letter.to_string().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("`{text}` is no grade: give A+, A, B, C, D or F").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Measures = Measures {
        p95_ms: Some(5.0),
        p99_ms: Some(9.0),
        error_share: 0.0,
        reached_share: Some(1.0),
        lost: 0,
        doubled: 0,
        reordered: 0,
        corrupt: 0,
    };

    #[test]
    fn the_published_rows_grade_as_they_did() {
        for (connections, p95, errors, letter) in [
            (100, 45.0, 0.001, Letter::APlus),
            (500, 75.0, 0.003, Letter::A),
            (1000, 95.0, 0.008, Letter::A),
            (2000, 140.0, 0.012, Letter::B),
        ] {
            let row = Measures { p95_ms: Some(p95), error_share: errors, ..Measures::default() };
            assert_eq!(Grade::of(&row).letter, letter, "{connections} connections");
        }
    }

    #[test]
    fn one_message_lost_doubled_or_reordered_is_an_f() {
        assert_eq!(Grade::of(&GOOD), Grade { letter: Letter::APlus, reasons: Vec::new() });
        for bad in [
            Measures { lost: 1, ..GOOD },
            Measures { doubled: 1, ..GOOD },
            Measures { reordered: 1, ..GOOD },
            Measures { corrupt: 1, ..GOOD },
        ] {
            let grade = Grade::of(&bad);
            assert_eq!(grade.letter, Letter::F);
            assert!(grade.reasons[0].starts_with("1 messages"), "{:?}", grade.reasons);
        }
    }

    #[test]
    fn the_worst_measure_decides_and_is_the_reason() {
        let slow_tail = Measures { p99_ms: Some(450.0), ..GOOD };
        let grade = Grade::of(&slow_tail);
        assert_eq!((grade.letter, grade.reasons.len()), (Letter::C, 1));
        assert_eq!(grade.reasons[0], "p99 is 450.0 ms");
        let short = Measures { reached_share: Some(0.5), ..GOOD };
        assert_eq!(Grade::of(&short).letter, Letter::F);
        let refusing = Measures { error_share: 0.03, ..GOOD };
        assert_eq!(Grade::of(&refusing).letter, Letter::C);
    }

    #[test]
    fn more_is_never_graded_better() {
        let letters = |measures: &dyn Fn(f64) -> Measures| {
            let steps = (0..200).map(|step| Grade::of(&measures(f64::from(step))).letter);
            steps.collect::<Vec<_>>()
        };
        let by_p95 = letters(&|step| Measures { p95_ms: Some(step * 10.0), ..GOOD });
        let by_errors = letters(&|step| Measures { error_share: step / 200.0, ..GOOD });
        assert!(by_p95.is_sorted() && by_errors.is_sorted());
        assert_eq!((by_p95[0], by_p95[199]), (Letter::APlus, Letter::F));
    }

    #[test]
    fn a_grade_is_lowered_and_never_raised() {
        let mut grade = Grade::of(&GOOD);
        grade.at_best(Letter::B, "recovery took 7 s");
        assert_eq!((grade.letter, grade.reasons.len()), (Letter::B, 1));
        grade.at_best(Letter::A, "something small");
        assert_eq!((grade.letter, grade.reasons.len()), (Letter::B, 1));
    }

    #[test]
    fn letters_are_read_as_they_are_written() {
        for letter in BOUNDS.iter().map(|bounds| bounds.letter).chain([Letter::F]) {
            assert_eq!(letter.to_string().parse::<Letter>().unwrap(), letter);
            let json = serde_json::to_string(&letter).unwrap();
            assert_eq!(json, format!("\"{letter}\""));
        }
        assert!("E".parse::<Letter>().unwrap_err().to_string().contains("A+, A, B"));
    }
}
