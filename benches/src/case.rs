//! What is measured: a case is a state and the work on it, a group the cases that do the same work.
//! Knows nothing of how it is measured.
#![expect(clippy::disallowed_methods, reason = "the clock is what is read here")]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Whose code a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This project's.
    Ours,
    /// Somebody else's, for the same work.
    Peer,
    /// The least that the work can cost: neither theirs nor ours to beat.
    Floor,
}

/// One way to do a group's work.
pub struct Case {
    pub(crate) name: String,
    pub(crate) side: Side,
    /// Makes a fresh state; the answer runs the work so many times and says how long it took.
    pub(crate) start: Box<dyn Fn() -> Runner>,
}

/// The work on one state, any number of times.
pub(crate) type Runner = Box<dyn FnMut(u64) -> Duration>;

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("side", &self.side)
            .finish_non_exhaustive()
    }
}

/// Cases that do the same work, and what is known about them beside time.
#[derive(Debug)]
pub struct Group {
    pub(crate) name: String,
    pub(crate) cases: Vec<Case>,
    pub(crate) facts: Vec<(String, String, f64)>,
    /// Pieces of work in one call: figures are divided by it.
    pub(crate) per_call: u64,
}

impl Group {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), cases: Vec::new(), facts: Vec::new(), per_call: 1 }
    }

    /// Says that one call of `work` does `pieces` pieces of work; at least 1. Figures are per piece.
    pub fn per_call(&mut self, pieces: u64) -> &mut Self {
        self.per_call = pieces.max(1);
        self
    }

    /// Adds this project's way. `setup` makes the state once per measurement, `work` is what is measured;
    /// what it answers is kept from the optimiser.
    pub fn ours<S: 'static, T>(
        &mut self,
        name: &str,
        setup: impl Fn() -> S + 'static,
        work: impl Fn(&mut S) -> T + Copy + 'static,
    ) -> &mut Self {
        self.case(name, Side::Ours, setup, work)
    }

    /// Adds somebody else's way.
    pub fn peer<S: 'static, T>(
        &mut self,
        name: &str,
        setup: impl Fn() -> S + 'static,
        work: impl Fn(&mut S) -> T + Copy + 'static,
    ) -> &mut Self {
        self.case(name, Side::Peer, setup, work)
    }

    /// Adds the least that the work can cost.
    pub fn floor<S: 'static, T>(
        &mut self,
        name: &str,
        setup: impl Fn() -> S + 'static,
        work: impl Fn(&mut S) -> T + Copy + 'static,
    ) -> &mut Self {
        self.case(name, Side::Floor, setup, work)
    }

    /// Adds a figure that is no time: bytes of memory per connection, percent saved. `what` names the unit.
    pub fn fact(&mut self, case: &str, what: &str, value: f64) -> &mut Self {
        self.facts.push((case.to_owned(), what.to_owned(), value));
        self
    }

    fn case<S: 'static, T>(
        &mut self,
        name: &str,
        side: Side,
        setup: impl Fn() -> S + 'static,
        work: impl Fn(&mut S) -> T + Copy + 'static,
    ) -> &mut Self {
        let start = move || -> Runner {
            let mut state = setup();
            Box::new(move |times| {
                let began = Instant::now();
                for _ in 0..times {
                    black_box(work(black_box(&mut state)));
                }
                began.elapsed()
            })
        };
        self.cases.push(Case { name: name.to_owned(), side, start: Box::new(start) });
        self
    }
}
