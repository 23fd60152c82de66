//! Time per piece of work: the cases of a group take turns, so that a busy machine is busy for all alike.

use std::time::Duration;

use crate::case::{Group, Runner};

/// Nanoseconds per piece of work over all rounds.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Nanos {
    /// The fastest round: the least disturbed one.
    pub min: f64,
    /// The round in the middle.
    pub median: f64,
    /// Three quarters of the rounds were at least as fast.
    pub upper_quartile: f64,
}

/// Measures all cases of `group` in turn, `rounds` times, each for about `sample`.
pub(crate) fn measure(group: &Group, rounds: usize, sample: Duration) -> Vec<Nanos> {
    let mut runners: Vec<(Runner, u64)> = group
        .cases
        .iter()
        .map(|case| {
            let mut runner = (case.start)();
            let times = calibrate(&mut runner, sample);
            (runner, times)
        })
        .collect();
    let mut taken = vec![Vec::with_capacity(rounds); runners.len()];
    for round in 0..rounds {
        for turn in 0..runners.len() {
            // Each round starts with another case: none always runs after the same neighbour's cache.
            let index = (turn + round) % runners.len();
            let (runner, times) = &mut runners[index];
            let nanos = runner(*times).as_nanos() as f64;
            taken[index].push(nanos / (*times as f64) / group.per_call as f64);
        }
    }
    taken.into_iter().map(summary).collect()
}

/// How many calls take about `sample`.
fn calibrate(runner: &mut Runner, sample: Duration) -> u64 {
    let mut times = 1_u64;
    loop {
        let took = runner(times);
        if took * 4 >= sample {
            let wanted = sample.as_nanos() as f64 / took.as_nanos().max(1) as f64;
            return ((times as f64 * wanted) as u64).max(1);
        }
        times = times.saturating_mul(2);
    }
}

fn summary(mut rounds: Vec<f64>) -> Nanos {
    rounds.sort_by(f64::total_cmp);
    let at = |share: f64| rounds[((rounds.len() - 1) as f64 * share).round() as usize];
    Nanos { min: at(0.0), median: at(0.5), upper_quartile: at(0.75) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_summed_up_by_their_order() {
        let nanos = summary(vec![5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((nanos.min, nanos.median, nanos.upper_quartile), (1.0, 3.0, 4.0));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "work that takes a known time")]
    fn figures_are_per_piece_of_work() {
        let mut group = Group::new("sleep");
        let nap = |_: &mut ()| std::thread::sleep(Duration::from_millis(2));
        group.per_call(2).ours("nap", || (), nap);
        let nanos = measure(&group, 1, Duration::from_millis(1));
        assert!(nanos[0].min >= 1e6, "{nanos:?}");
    }
}
