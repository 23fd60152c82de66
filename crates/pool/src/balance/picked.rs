//! A request to one upstream of a list, from the pick to its end. Knows neither the request nor a clock.

use std::time::Instant;

use super::upstreams::{IN, Shared};
use crate::sync::{Arc, Ordering::Relaxed};

/// A request to one upstream, in flight until this is dropped. Say what became of it: dropped without a word, it counts
/// neither for nor against the upstream.
#[derive(Debug)]
#[must_use = "the request is in flight as long as this lives"]
pub struct Picked<T> {
    list: Arc<Shared<T>>,
    index: usize,
    at: Instant,
    is_probe: bool,
    has_answered: bool,
}

impl<T> Picked<T> {
    pub(super) fn new(list: Arc<Shared<T>>, index: usize, at: Instant, is_probe: bool) -> Self {
        Self { list, index, at, is_probe, has_answered: false }
    }

    /// The upstream.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.list.at(self.index).value
    }

    /// Its place in the list.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether this request is to find out if the upstream is well again.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.is_probe
    }

    /// It answered; the time since the pick is its latency.
    pub fn succeeded(mut self, now: Instant) {
        self.answers(now);
    }

    /// Its answer has begun; the time since the pick is its latency. The request stays in flight until this is dropped,
    /// and an answer that breaks off may still have [`failed`](Self::failed).
    pub fn answers(&mut self, now: Instant) {
        let one = self.list.at(self.index);
        if !std::mem::replace(&mut self.has_answered, true) {
            one.latency.observe(now.saturating_duration_since(self.at), now);
        }
        one.failures.store(0, Relaxed);
        if std::mem::take(&mut self.is_probe) {
            one.due.store(IN, Relaxed);
            self.list.available.fetch_add(1, Relaxed);
        } else if one.is_in() {
            one.ejections.store(0, Relaxed);
        }
    }

    /// It could not be reached, gave no answer, or broke off. A failure that came quickly makes nobody look fast.
    pub fn failed(mut self, now: Instant) {
        let one = self.list.at(self.index);
        one.failed.fetch_add(1, Relaxed);
        let took = now.saturating_duration_since(self.at);
        if !self.has_answered && took > one.latency.estimate(now) {
            one.latency.observe(took, now);
        }
        if std::mem::take(&mut self.is_probe) {
            one.due.store(self.list.next_probe(one, now), Relaxed);
            return;
        }
        let failures = one.failures.fetch_add(1, Relaxed).saturating_add(1);
        if failures >= self.list.health.max_failures && one.is_in() {
            self.list.eject(one, now);
        }
    }
}

impl<T> Drop for Picked<T> {
    fn drop(&mut self) {
        let one = self.list.at(self.index);
        one.in_flight.fetch_sub(1, Relaxed);
        if self.is_probe {
            // Given up without an answer: the next request is the probe.
            one.due.store(self.list.millis(self.at).max(IN + 1), Relaxed);
        }
    }
}
