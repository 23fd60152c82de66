//! The highest rate of deliveries that holds: doubled until it does not, then bisected. It knows no sockets.

use super::load::{act, fanout_scene, set};
use super::{Bench, Measured};
use crate::error::Error;
use crate::job::FanoutSearch;
use crate::plan::Plan;
use crate::report::{Run, Step};

/// So often is the rate doubled at most.
const DOUBLINGS: u32 = 24;

/// Less than this share of what was asked for is not that rate.
const REACHED: f64 = 0.97;

pub(super) fn search(bench: &mut Bench<'_>, search: &FanoutSearch) -> Result<Measured, Error> {
    let mut trials = Trials { search, steps: Vec::new(), best: None };
    let mut good = 0.0;
    let mut bad = None;
    let mut rate = search.start.max(0.1);
    for _ in 0..DOUBLINGS {
        match trials.holds(bench, rate) {
            Ok(true) => {
                good = rate;
                rate *= 2.0;
            }
            Ok(false) => {
                bad = Some(rate);
                break;
            }
            Err(error) => return trials.end_early(error),
        }
    }
    if let Some(mut bad) = bad {
        for _ in 0..search.bisections.min(10) {
            let middle = f64::midpoint(good, bad);
            match trials.holds(bench, middle) {
                Ok(true) => good = middle,
                Ok(false) => bad = middle,
                Err(error) => return trials.end_early(error),
            }
        }
    }
    Ok((trials.finish(), None))
}

struct Trials<'a> {
    search: &'a FanoutSearch,
    steps: Vec<Step>,
    /// Of the best that held, or the first.
    best: Option<Run>,
}

impl Trials<'_> {
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

    /// What the steps that were done have shown.
    fn end_early(self, error: Error) -> Result<Measured, Error> {
        if self.steps.is_empty() { Err(error) } else { Ok((self.finish(), Some(error))) }
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
