//! The highest rate of deliveries that holds: each attempt has new connections, and a server at rest. Which rates are tried is
//! the ladder's matter. It knows no sockets.

mod ladder;

use self::ladder::{Attempt, Ladder, Outcome};
use super::load::{act, fanout_scene, set};
use super::monitor::Flood;
use super::verdict::{self, Failed};
use super::{Bench, Measured, assemble};
use crate::clock::{MILLISECOND, SECOND};
use crate::error::Error;
use crate::job::FanoutSearch;
use crate::plan::Plan;
use crate::report::{Bound, Run, Step};

/// With a 99th percentile so many times under the bound, the rate may be raised fourfold.
const FAR: f64 = 5.0;
/// Unless the server has a thread this busy.
const IDLE: f64 = 0.3;
/// Less than this share of what was asked for is not that rate.
const REACHED: f64 = 0.97;
/// What is published in this many bounds of the 99th percentile is too much to be under way: it is not made up for in time.
const FLOOD: f64 = 6.0;
/// Where others took so much of the machine, it is theirs that a rate did not hold.
const DISTURBED: f64 = 0.1;
/// A server that is not at rest after this time is loaded all the same.
const REST: u64 = 3 * SECOND;

pub(super) fn search(bench: &mut Bench<'_>, search: &FanoutSearch) -> Result<Measured, Error> {
    let mut trials = Trials { search, steps: Vec::new(), held: Vec::new() };
    let mut ladder = Ladder::new(search.bisections);
    let climbed = ladder.climb(search.start, &mut |attempt| trials.outcome(bench, attempt));
    match climbed {
        Ok(highest) => Ok((trials.finish(highest), None)),
        // What the steps that were done have shown.
        Err(error) if !trials.steps.is_empty() => {
            let highest = trials.held.iter().map(|(rate, _)| *rate).max_by(f64::total_cmp);
            Ok((trials.finish(highest), Some(error)))
        }
        Err(error) => Err(error),
    }
}

struct Trials<'a> {
    search: &'a FanoutSearch,
    steps: Vec<Step>,
    /// The last run at each rate that held, and the very first run.
    held: Vec<(f64, Run)>,
}

impl Trials<'_> {
    /// Tries a rate with a server at rest.
    fn outcome(&mut self, bench: &mut Bench<'_>, attempt: Attempt) -> Result<Outcome, Error> {
        bench.monitor.rest(REST);
        let rate = attempt.rate;
        let (run, gone) = self.run(bench, attempt)?;
        let fault = match gone {
            Some(gone) => Some(Fault::of(gone.to_string())),
            None if bench.monitor.is_given_up() => Some(self.fallen_behind(&run, rate)),
            None => self.fault(&run, rate),
        };
        let step = self.step(&run, rate, fault);
        let Step { ok: is_ok, p99_ms, busy_others, .. } = step;
        self.steps.push(step);
        if !is_ok {
            // An unwatched server is one of the others.
            let is_disturbed = run.server.is_some() && busy_others > DISTURBED;
            return Ok(if is_disturbed { Outcome::Disturbed } else { Outcome::Failed });
        }
        let busy = run.server.as_ref().and_then(|server| server.busiest_thread).unwrap_or(0.0);
        self.held.retain(|(other, _)| *other != rate);
        self.held.push((rate, run));
        let is_far = p99_ms < self.search.p99_ms / FAR && busy < IDLE;
        Ok(if is_far { Outcome::HeldEasily } else { Outcome::Held })
    }

    fn run(&self, bench: &mut Bench<'_>, attempt: Attempt) -> Result<Measured, Error> {
        let Attempt { rate, is_brief } = attempt;
        let part = if is_brief { 2 } else { 1 };
        let (warmup, duration) = (bench.job.warmup_ms / part, bench.job.duration_ms / part);
        let FanoutSearch { connections, size, publishers, p99_ms, .. } = *self.search;
        let deliveries = rate * f64::from(connections);
        bench.monitor.give_up_on(Flood {
            readers: connections,
            most: (deliveries * FLOOD * p99_ms / 1_000.0).max(f64::from(connections)),
            // One in a hundred of what counts.
            at_last: deliveries * duration as f64 / 1_000.0 / 100.0,
            after: (p99_ms * MILLISECOND as f64) as u64,
        });
        let plan = Plan::rising(connections, rate, size, warmup, duration);
        let scene = fanout_scene(bench, connections, publishers, plan)?;
        let crew = bench.crew(scene.kind)?;
        let connecting = set(bench, &crew, &scene)?;
        bench.monitor.rest(REST);
        let (mut run, gone) = act(bench, &crew, scene)?;
        if bench.monitor.is_stopped() {
            return Err(Error::Stopped);
        }
        run.connections = connecting.connections;
        run.connecting = connecting;
        Ok((run, gone))
    }

    /// Why a rate did not hold.
    fn fault(&self, run: &Run, rate: f64) -> Option<Fault> {
        let account = &run.accounting;
        let (bound, p99) = (self.search.p99_ms, run.latency.p99);
        if account.lost > 0 {
            let (lost, expected) = (account.lost, account.expected);
            return Some(Fault::of(format!("{lost} of {expected} deliveries were lost")));
        }
        if account.unsent > 0 || run.sent_per_s < REACHED * rate {
            let sent = run.sent_per_s;
            return Some(Fault::of(format!("{sent:.0} publications a second could be sent")));
        }
        if account.doubled + account.out_of_order + account.corrupt > 0 {
            return Some(Fault::of("deliveries were doubled, out of order or corrupt".into()));
        }
        let what = || format!("the 99th percentile was {p99:.1} ms, over {bound} ms");
        (p99 >= bound).then(|| Fault { p99_ms: Some(p99), ..Fault::of(what()) })
    }

    /// Of a fan-out that was given up: the last that came are as late as it would take to make up for what is under way.
    fn fallen_behind(&self, run: &Run, rate: f64) -> Fault {
        let all = run.accounting.expected;
        let under_way = all.saturating_sub(run.accounting.received);
        let behind_ms = 1_000.0 * under_way as f64 / (rate * f64::from(self.search.connections));
        let p99_ms = Some(run.latency.p99.max(behind_ms).max(self.search.p99_ms));
        let what = format!(
            "it fell behind, and was given up with {under_way} of {all} deliveries under way"
        );
        Fault { is_given_up: true, p99_ms, ..Fault::of(what) }
    }

    fn step(&self, run: &Run, rate: f64, fault: Option<Fault>) -> Step {
        let bound_ms = self.search.p99_ms;
        let mut step = Step {
            rate,
            received_per_s: run.received_per_s,
            p99_ms: run.latency.p99,
            lost: run.accounting.lost,
            ok: fault.is_none(),
            own_ms: run.generator.own_ms(),
            busy_others: run.machine.busy_others,
            server_cpu_s_per_million: run.server.as_ref().and_then(|it| it.cpu_s_per_million),
            ..Step::default()
        };
        if let Some(Fault { what, p99_ms, is_given_up }) = fault {
            let failed = Failed { bound_ms, p99_ms };
            let (bound, whose) = verdict::of_failed(failed, &run.generator, run.server.as_ref());
            if is_given_up {
                // Most that is late has not come, and what has not come is not lost.
                (step.p99_ms, step.lost) = (p99_ms.unwrap_or(step.p99_ms), 0);
            }
            step.generator_limited = bound == Bound::Generator;
            (step.bound, step.why) = (Some(bound), Some(format!("{what}; {whose}")));
        }
        step
    }

    /// The run at the highest rate that held, with who kept it from being higher.
    fn finish(mut self, highest: Option<f64>) -> Run {
        let at = self.held.iter().position(|(rate, _)| Some(*rate) == highest);
        let mut run = at.map(|at| self.held.swap_remove(at).1).unwrap_or_default();
        run.sustained_per_s = Some(highest.map_or(0.0, |_| run.received_per_s));
        assemble::judge(&mut run.generator, self.edge(highest.unwrap_or(0.0)));
        run.steps = self.steps;
        run
    }

    /// Whoever is to blame for most of the attempts at the lowest rate above that did not hold.
    fn edge(&self, highest: f64) -> Option<verdict::Verdict> {
        let above = self.steps.iter().filter(|step| !step.ok && step.rate > highest);
        let lowest = above.clone().map(|step| step.rate).min_by(f64::total_cmp)?;
        let edge: Vec<&Step> = above.filter(|step| step.rate == lowest).collect();
        let blamed = |bound| edge.iter().filter(|step| step.bound == Some(bound)).count();
        let bounds = [Bound::Server, Bound::Cores, Bound::Generator];
        let most = bounds.into_iter().rev().max_by_key(|bound| blamed(*bound))?;
        let why = edge.iter().find(|step| step.bound == Some(most))?.why.clone()?;
        Some((most, format!("{lowest:.0} publications a second did not hold: {why}")))
    }
}

/// Why a rate did not hold.
struct Fault {
    what: String,
    /// Where it was that.
    p99_ms: Option<f64>,
    is_given_up: bool,
}

impl Fault {
    fn of(what: String) -> Self {
        Self { what, p99_ms: None, is_given_up: false }
    }
}
