//! Which rate is tried next, and which is the highest that holds. It knows no load: it is told what held.
//!
//! All rates stand on one ladder, the same for every server and every search: [`FOOT`] and its multiples, so many rungs to each
//! doubling. What one attempt shows may be chance, where a server sometimes holds a rate and sometimes falls behind, so a rung
//! is judged by two of three.

use std::collections::BTreeMap;

/// The rate of rung 0, a second.
const FOOT: f64 = 10.0;
/// So often is the rate doubled at most, or halved where the first does not hold.
const DOUBLINGS: u32 = 30;
/// So many attempts that were disturbed are made again.
const PATIENCE: u32 = 6;

/// After so many attempts the votes that there are decide: more would say nothing better. Usual are half of that.
const ATTEMPTS: u32 = 40;

/// A ladder of rates, and what is known of them.
#[derive(Debug)]
pub(super) struct Ladder {
    /// Rungs to a doubling.
    rungs: i32,
    votes: BTreeMap<i32, Votes>,
    /// How many more attempts that were disturbed are made again.
    patience: u32,
    /// How many attempts were made.
    attempts: u32,
}

/// What the attempts at a rung have shown.
#[derive(Clone, Copy, Debug, Default)]
struct Votes {
    held: u32,
    failed: u32,
}

/// What is to be tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Attempt {
    pub(super) rate: f64,
    /// Whether a short one will do: the limit is sought further on.
    pub(super) is_brief: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Failed,
    /// The same, but others were in the way: it is tried again, as long as there is patience.
    Disturbed,
    Held,
    /// With so much to spare that the next may be four times as much.
    HeldEasily,
}

impl Ladder {
    /// A ladder on which the interval between a rate and its double is halved so often.
    pub(super) fn new(halvings: u32) -> Self {
        Self {
            rungs: 1 << halvings.min(6),
            votes: BTreeMap::new(),
            patience: PATIENCE,
            attempts: 0,
        }
    }

    /// The highest rate that holds; `None` where none does.
    ///
    /// # Errors
    /// What ended an attempt.
    pub(super) fn climb<E>(
        &mut self,
        start: f64,
        attempt: &mut dyn FnMut(Attempt) -> Result<Outcome, E>,
    ) -> Result<Option<f64>, E> {
        let (good, bad) = self.bracket(self.nearest(start), attempt)?;
        let Some(mut good) = good else { return Ok(None) };
        let Some(mut bad) = bad else { return Ok(Some(self.rate(good))) };
        loop {
            while bad - good > 1 {
                let middle = good + (bad - good) / 2;
                if self.holds(middle, attempt)? { good = middle } else { bad = middle }
            }
            // The lower one may be known by one short attempt only.
            if self.holds(good, attempt)? {
                return Ok(Some(self.rate(good)));
            }
            let (lower, higher) = self.descend(good, attempt)?;
            let Some(lower) = lower else { return Ok(None) };
            (good, bad) = (lower, higher);
        }
    }

    /// A rung that held and a higher one that did not.
    fn bracket<E>(
        &mut self,
        start: i32,
        attempt: &mut dyn FnMut(Attempt) -> Result<Outcome, E>,
    ) -> Result<(Option<i32>, Option<i32>), E> {
        let (mut good, mut at) = (None, start);
        for _ in 0..DOUBLINGS {
            let outcome = self.attempt(at, true, attempt)?;
            let has_failed = matches!(outcome, Outcome::Failed | Outcome::Disturbed);
            if has_failed && !self.holds(at, attempt)? {
                return match good {
                    Some(good) => Ok((Some(good), Some(at))),
                    None => self.descend(at, attempt).map(|(good, bad)| (good, Some(bad))),
                };
            }
            good = Some(at);
            at += if outcome == Outcome::HeldEasily { 2 * self.rungs } else { self.rungs };
        }
        Ok((good, None))
    }

    /// Down from a rung that did not hold, in steps that grow, to one that does; and the last that did not.
    fn descend<E>(
        &mut self,
        mut bad: i32,
        attempt: &mut dyn FnMut(Attempt) -> Result<Outcome, E>,
    ) -> Result<(Option<i32>, i32), E> {
        let mut step = 1;
        for _ in 0..DOUBLINGS {
            let at = bad - step;
            if self.attempts >= ATTEMPTS {
                return Ok((self.highest_below(bad), bad));
            }
            if self.holds(at, attempt)? {
                return Ok((Some(at), bad));
            }
            bad = at;
            step = (2 * step).min(self.rungs);
        }
        Ok((None, bad))
    }

    /// Whether a rung holds: by two of three.
    fn holds<E>(
        &mut self,
        rung: i32,
        attempt: &mut dyn FnMut(Attempt) -> Result<Outcome, E>,
    ) -> Result<bool, E> {
        loop {
            let votes = self.votes.get(&rung).copied().unwrap_or_default();
            if votes.held >= 2 || votes.failed >= 2 || self.attempts >= ATTEMPTS {
                return Ok(votes.held > votes.failed);
            }
            self.attempt(rung, false, attempt)?;
        }
    }

    /// The highest rung below another that has held oftener than not.
    fn highest_below(&self, bad: i32) -> Option<i32> {
        let mut below = self.votes.range(..bad).rev();
        below.find(|(_, votes)| votes.held > votes.failed).map(|(rung, _)| *rung)
    }

    fn attempt<E>(
        &mut self,
        rung: i32,
        is_brief: bool,
        attempt: &mut dyn FnMut(Attempt) -> Result<Outcome, E>,
    ) -> Result<Outcome, E> {
        self.attempts += 1;
        let mut outcome = attempt(Attempt { rate: self.rate(rung), is_brief })?;
        while outcome == Outcome::Disturbed && self.patience > 0 {
            self.patience -= 1;
            self.attempts += 1;
            outcome = attempt(Attempt { rate: self.rate(rung), is_brief })?;
        }
        let votes = self.votes.entry(rung).or_default();
        match outcome {
            Outcome::Failed | Outcome::Disturbed => votes.failed += 1,
            Outcome::Held | Outcome::HeldEasily => votes.held += 1,
        }
        Ok(outcome)
    }

    /// The rung nearest to a rate.
    fn nearest(&self, rate: f64) -> i32 {
        ((rate.max(0.1) / FOOT).log2() * f64::from(self.rungs)).round() as i32
    }

    fn rate(&self, rung: i32) -> f64 {
        FOOT * (f64::from(rung) / f64::from(self.rungs)).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found of a server that does as `holds` says, and how many attempts it took.
    fn climbed(
        halvings: u32,
        start: f64,
        mut holds: impl FnMut(f64) -> bool,
    ) -> (Option<f64>, Vec<Attempt>) {
        let mut attempts = Vec::new();
        let found = Ladder::new(halvings).climb(start, &mut |attempt: Attempt| {
            attempts.push(attempt);
            let easily = attempt.rate < 100.0;
            Ok::<_, ()>(match holds(attempt.rate) {
                false => Outcome::Failed,
                true if easily => Outcome::HeldEasily,
                true => Outcome::Held,
            })
        });
        (found.unwrap(), attempts)
    }

    #[test]
    fn the_highest_rung_under_the_limit_is_found_wherever_it_began() {
        for start in [1.0, 20.0, 333.0, 1_999.0, 50_000.0] {
            let (found, attempts) = climbed(4, start, |rate| rate <= 3_000.0);
            let found = found.unwrap();
            assert!((3_000.0 / 1.045..=3_000.0).contains(&found), "{found} from {start}");
            assert!(attempts.len() < 40, "{} attempts from {start}", attempts.len());
        }
    }

    #[test]
    fn all_searches_use_the_same_rates() {
        let found = [17.0, 20.0, 900.0].map(|start| climbed(3, start, |rate| rate < 2_600.0).0);
        assert_eq!(found, [Some(2_560.0); 3]);
    }

    #[test]
    fn what_is_far_from_the_limit_is_tried_briefly_and_what_is_near_it_twice() {
        let (found, attempts) = climbed(2, 20.0, |rate| rate <= 800.0);
        assert!((found.unwrap() - 761.1).abs() < 0.1, "{found:?}");
        let rates: Vec<(u32, bool)> =
            attempts.iter().map(|it| (it.rate.round() as u32, it.is_brief)).collect();
        let raised =
            [(20, true), (80, true), (320, true), (640, true), (1280, true), (1280, false)];
        assert_eq!(rates[..6], raised);
        // Two for each half.
        let near = [(905, false), (905, false), (761, false), (761, false)];
        assert_eq!(rates[6..], near);
    }

    #[test]
    fn one_chance_failure_does_not_decide() {
        let mut number = 0;
        let (found, _) = climbed(4, 20.0, |rate| {
            number += 1;
            rate <= 3_000.0 && number % 5 != 0
        });
        assert!((2_900.0..=3_000.0).contains(&found.unwrap()), "{found:?}");
    }

    #[test]
    fn a_failure_that_others_caused_is_tried_again_as_long_as_there_is_patience() {
        let mut number = 0;
        let mut climb = |disturbed: u32| {
            number = 0;
            Ladder::new(4).climb(20.0, &mut |attempt: Attempt| {
                number += 1;
                Ok::<_, ()>(match attempt.rate {
                    rate if rate > 3_000.0 => Outcome::Failed,
                    _ if number > 4 && number <= 4 + disturbed => Outcome::Disturbed,
                    _ => Outcome::Held,
                })
            })
        };
        let (alone, few, many) = (climb(0), climb(6), climb(40));
        assert_eq!(few, alone);
        assert!(many.unwrap() < alone.unwrap(), "{many:?}");
    }

    #[test]
    fn what_held_once_by_chance_is_tried_again() {
        let mut at_640 = 0;
        let (found, _) = climbed(4, 20.0, |rate| {
            at_640 += u32::from(rate == 640.0);
            rate <= 500.0 || rate == 640.0 && at_640 == 1
        });
        assert!((480.0..=500.0).contains(&found.unwrap()), "{found:?}");
    }

    #[test]
    fn a_server_that_holds_nothing_has_no_rate_and_one_without_limits_an_end() {
        assert_eq!(climbed(4, 20.0, |_| false).0, None);
        let (found, attempts) = climbed(4, 20.0, |_| true);
        assert_eq!(attempts.len(), 30);
        assert!(found.is_some());
    }

    #[test]
    fn a_search_that_finds_no_end_is_given_one() {
        let mut number = 0;
        let (found, attempts) = climbed(6, 20.0, |rate| {
            number += 1;
            // The more it was tried, the less it holds.
            rate * f64::from(number) < 20_000.0
        });
        assert!(attempts.len() as u32 <= ATTEMPTS + 1, "{}", attempts.len());
        assert!(found.is_some_and(|found| found > 300.0), "{found:?}");
    }

    #[test]
    fn what_ends_an_attempt_ends_the_search() {
        let ended = Ladder::new(4).climb(20.0, &mut |_| Err("stopped"));
        assert_eq!(ended, Err("stopped"));
    }
}
