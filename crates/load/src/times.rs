//! Times as histograms, and the percentiles of the report. It reads no clock.

use hdrhistogram::{Counter, Histogram};
use serde::{Deserialize, Serialize};

use crate::report::Latency;

/// Ten minutes: longer times count as that.
const MAX_MICROS: u64 = 600_000_000;

/// Many times, each within 0.1 %, and within a microsecond.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Buckets", into = "Buckets")]
pub(crate) struct Times(Histogram<u64>);

/// The same within 1 % in a tenth of the memory, for one second each.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Buckets", into = "Buckets")]
pub(crate) struct RoughTimes(Histogram<u32>);

/// A histogram on its way to another process: the last value of each bucket that is not empty, and how many are in it.
/// Nothing is lost: buckets are the same everywhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Buckets(Vec<(u64, u64)>);

impl<T: Counter> From<&Histogram<T>> for Buckets {
    fn from(all: &Histogram<T>) -> Self {
        let buckets = all.iter_recorded();
        Self(buckets.map(|at| (at.value_iterated_to(), at.count_at_value().as_u64())).collect())
    }
}

impl From<Times> for Buckets {
    fn from(times: Times) -> Self {
        Self::from(&times.0)
    }
}

impl From<Buckets> for Times {
    fn from(buckets: Buckets) -> Self {
        let mut times = Self::default();
        buckets.0.into_iter().for_each(|(value, count)| times.0.saturating_record_n(value, count));
        times
    }
}

impl From<RoughTimes> for Buckets {
    fn from(times: RoughTimes) -> Self {
        Self::from(&times.0)
    }
}

impl From<Buckets> for RoughTimes {
    fn from(buckets: Buckets) -> Self {
        let mut times = Self::default();
        for (value, count) in buckets.0 {
            times.0.saturating_record_n(value, u32::try_from(count).unwrap_or(u32::MAX));
        }
        times
    }
}

impl Default for Times {
    fn default() -> Self {
        Self(
            Histogram::new_with_bounds(1, MAX_MICROS, 3).expect("the bounds are constant and good"),
        )
    }
}

impl Default for RoughTimes {
    fn default() -> Self {
        Self(
            Histogram::new_with_bounds(1, MAX_MICROS, 2).expect("the bounds are constant and good"),
        )
    }
}

impl Times {
    /// Notes a time in nanoseconds.
    pub(crate) fn note(&mut self, nanos: u64) {
        self.0.saturating_record((nanos + 500) / 1_000);
    }

    /// Notes the same time so often.
    pub(crate) fn note_many(&mut self, nanos: u64, count: u64) {
        self.0.saturating_record_n((nanos + 500) / 1_000, count);
    }

    /// Adds all of another.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    pub(crate) fn latency(&self) -> Latency {
        if self.0.is_empty() {
            return Latency::default();
        }
        let at = |quantile| millis(self.0.value_at_quantile(quantile).min(self.0.max()));
        Latency {
            count: self.0.len(),
            min: millis(self.0.min()),
            mean: self.0.mean() / 1_000.0,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: millis(self.0.max()),
        }
    }
}

impl RoughTimes {
    /// Notes a time in nanoseconds.
    pub(crate) fn note(&mut self, nanos: u64) {
        self.0.saturating_record((nanos + 500) / 1_000);
    }

    /// Adds all of another.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// The median and the 99th percentile in milliseconds.
    pub(crate) fn p50_p99(&self) -> (f64, f64) {
        if self.0.is_empty() {
            return (0.0, 0.0);
        }
        let at = |quantile| millis(self.0.value_at_quantile(quantile).min(self.0.max()));
        (at(0.5), at(0.99))
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_noted() {
        let mut times = Times::default();
        for millis in 1..=1_000 {
            times.note(millis * 1_000_000);
        }
        let latency = times.latency();
        assert_eq!(latency.count, 1_000);
        let near = |seen: f64, expected: f64| (seen - expected).abs() <= expected / 500.0;
        assert!(near(latency.p50, 500.0) && near(latency.p99, 990.0), "{latency:?}");
        assert!(near(latency.min, 1.0) && near(latency.max, 1_000.0), "{latency:?}");
    }

    #[test]
    fn nothing_is_lost_on_the_way_to_another_process() {
        let (mut times, mut rough) = (Times::default(), RoughTimes::default());
        for step in 0..50_000_u64 {
            let nanos = step * step * 37 % 7_000_000_000;
            times.note(nanos);
            rough.note(nanos);
        }
        times.note(u64::MAX - 500);
        let there = serde_json::to_string(&times).expect("it can be written");
        let back: Times = serde_json::from_str(&there).expect("it can be read");
        assert_eq!(back.latency(), times.latency());
        assert!(back.0 == times.0);
        let there = serde_json::to_string(&rough).expect("it can be written");
        let back: RoughTimes = serde_json::from_str(&there).expect("it can be read");
        assert!(back.0 == rough.0);
    }

    #[test]
    fn none_are_zero() {
        assert_eq!(Times::default().latency(), Latency::default());
    }

    #[test]
    fn what_is_too_long_counts_as_the_longest() {
        let mut times = Times::default();
        times.note(u64::MAX - 500);
        assert!(times.latency().max >= 599_000.0);
    }
}
