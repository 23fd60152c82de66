//! The highest rate of deliveries that holds: raised until it does not, then bisected. It knows no sockets.

use super::load::{act, fanout_scene, set};
use super::{Bench, Measured};
use crate::error::Error;
use crate::job::FanoutSearch;
use crate::plan::Plan;
use crate::report::{Run, Step};

/// So often is the rate raised at most.
const RAISES: u32 = 24;

/// With a 99th percentile so many times under the bound, the rate is raised fourfold.
const FAR: f64 = 5.0;

/// Less than this share of what was asked for is not that rate.
const REACHED: f64 = 0.97;

pub(super) fn search(bench: &mut Bench<'_>, search: &FanoutSearch) -> Result<Measured, Error> {
    let mut trials = Trials { search, steps: Vec::new(), best: None };
    match trials.narrow(bench) {
        Ok(()) => Ok((trials.finish(), None)),
        // What the steps that were done have shown.
        Err(error) if !trials.steps.is_empty() => Ok((trials.finish(), Some(error))),
        Err(error) => Err(error),
    }
}

struct Trials<'a> {
    search: &'a FanoutSearch,
    steps: Vec<Step>,
    /// Of the best that held, or the first.
    best: Option<Run>,
}

impl Trials<'_> {
    /// Raises the rate until it does not hold, then halves the interval.
    fn narrow(&mut self, bench: &mut Bench<'_>) -> Result<(), Error> {
        let (mut good, mut rate) = (0.0, self.search.start.max(0.1));
        let mut raised = 0;
        while raised < RAISES && self.holds(bench, rate)? {
            (good, rate) = (rate, rate * self.factor());
            raised += 1;
        }
        if raised == RAISES {
            return Ok(());
        }
        let mut bad = rate;
        if good > 0.0 && bad > 2.0 * good {
            // As if it had been doubled.
            let doubled = 2.0 * good;
            if self.holds(bench, doubled)? { good = doubled } else { bad = doubled }
        }
        for _ in 0..self.search.bisections.min(10) {
            let middle = f64::midpoint(good, bad);
            if self.holds(bench, middle)? { good = middle } else { bad = middle }
        }
        Ok(())
    }

    /// By how much the rate is raised after a step that held: less where the bound is near.
    fn factor(&self) -> f64 {
        let p99_ms = self.steps.last().map_or(0.0, |step| step.p99_ms);
        if p99_ms < self.search.p99_ms / FAR { 4.0 } else { 2.0 }
    }

    /// Tries a rate, with new connections.
    fn holds(&mut self, bench: &mut Bench<'_>, rate: f64) -> Result<bool, Error> {
        let (warmup, duration) = (bench.job.warmup_ms, bench.job.duration_ms);
        let FanoutSearch { connections, size, publishers, .. } = *self.search;
        let plan = Plan::steady(connections, rate, size, warmup, duration);
        let scene = fanout_scene(bench, connections, publishers, plan)?;
        let crew = bench.crew(scene.kind)?;
        let connecting = set(bench, &crew, &scene)?;
        let (mut run, gone) = act(bench, &crew, scene)?;
        if bench.monitor.is_stopped() {
            return Err(Error::Stopped);
        }
        run.connections = connecting.connections;
        run.connecting = connecting;
        let why = match gone {
            Some(gone) => Some(gone.to_string()),
            None => self.fault(&run, rate),
        };
        self.steps.push(Step {
            rate,
            received_per_s: run.received_per_s,
            p99_ms: run.latency.p99,
            lost: run.accounting.lost,
            ok: why.is_none(),
            generator_limited: run.generator.limited,
            server_cpu_s_per_million: run.server.as_ref().and_then(|it| it.cpu_s_per_million),
            why,
        });
        let ok = self.steps.last().is_some_and(|step| step.ok);
        if ok || self.best.is_none() {
            run.sustained_per_s = ok.then_some(run.received_per_s);
            self.best = Some(run);
        }
        Ok(ok)
    }

    /// Why a rate did not hold.
    fn fault(&self, run: &Run, rate: f64) -> Option<String> {
        let account = &run.accounting;
        let bound = self.search.p99_ms;
        if account.lost > 0 {
            return Some(format!("{} of {} deliveries were lost", account.lost, account.expected));
        }
        if account.unsent > 0 || run.sent_per_s < REACHED * rate {
            return Some(format!("{:.0} publications a second could be sent", run.sent_per_s));
        }
        if account.doubled + account.out_of_order + account.corrupt > 0 {
            return Some("deliveries were doubled, out of order or corrupt".into());
        }
        (run.latency.p99 >= bound)
            .then(|| format!("the 99th percentile was {:.1} ms, over {bound} ms", run.latency.p99))
    }

    fn finish(self) -> Run {
        let mut run = self.best.unwrap_or_default();
        run.sustained_per_s = Some(run.sustained_per_s.unwrap_or(0.0));
        // The limit is the generator's where what did not hold was limited by it.
        let limited = self.steps.iter().any(|step| !step.ok && step.generator_limited);
        if limited && !run.generator.limited {
            run.generator.limited = true;
            run.generator.why = Some("it was the bottleneck at the rate that did not hold".into());
        }
        run.steps = self.steps;
        run
    }
}
