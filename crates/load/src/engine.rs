//! A job from beginning to end: its repetitions, and the report of them. It knows no sockets.

mod assemble;
mod crew;
mod idle;
mod load;
mod monitor;
mod probing;
mod reconnect;
mod search;
mod spread;

use self::crew::Crew;
use self::monitor::Monitor;
use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::job::{Job, Work};
use crate::report::{Failure, Progress, Report, Run};
use crate::rules::Rules;
use crate::socket;
use crate::watch::Watch;

/// What came of one repetition: what was measured, and what kept it from being whole.
type Measured = (Run, Option<Error>);

/// Does a job, and calls `progress` about four times a second meanwhile.
///
/// It raises this process's limit of open files where that is needed and allowed.
///
/// # Errors
/// Why the job was not done, what to do about it, and what was measured until then.
///
/// ```
/// use tidegate_load::job::{Echo, Job, Target, Work};
///
/// let work = Work::Echo(Echo { connections: 1, in_flight: 1, size: 64, rate: None });
/// let mut job = Job::new(Target::at("127.0.0.1:1"), Default::default(), work);
/// job.dialect.echo = Some(tidegate_load::dialect::Echo { send: "{payload}".into(), receive: None });
/// let failure = tidegate_load::run(&job, &mut |_| {}).unwrap_err();
/// assert_eq!(failure.what, "nothing listens at 127.0.0.1:1");
/// ```
pub fn run(job: &Job, progress: &mut dyn FnMut(&Progress)) -> Result<Report, Box<Failure>> {
    let mut report = spread::empty(job);
    for repetition in 1..=job.repeat.max(1) {
        let measured = Bench::new(job, repetition, progress).and_then(|mut bench| bench.measure());
        let error = match measured {
            Ok((run, error)) => {
                report.runs.push(run);
                error
            }
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            spread::finish(&mut report);
            report.partial = true;
            let partial = (!report.runs.is_empty()).then(|| Box::new(report));
            let (what, hint) = (error.to_string(), error.hint());
            return Err(Box::new(Failure { what, hint, partial }));
        }
    }
    spread::finish(&mut report);
    Ok(report)
}

/// One repetition.
struct Bench<'a> {
    job: &'a Job,
    monitor: Monitor<'a>,
}

impl<'a> Bench<'a> {
    fn new(
        job: &'a Job,
        repetition: u32,
        progress: &'a mut dyn FnMut(&Progress),
    ) -> Result<Self, Error> {
        check(job)?;
        let files = u64::from(connections(job)) + u64::from(job.threads) * 4 + 32;
        socket::reserve_files(files)?;
        let watch = Watch::new(&job.target.pids, job.target.children)?;
        Ok(Self { job, monitor: Monitor::new(watch, repetition, total_s(job), progress) })
    }

    fn measure(&mut self) -> Result<Measured, Error> {
        match &self.job.work {
            Work::Echo(echo) => load::echo(self, echo),
            Work::Fanout(fanout) => load::fanout(self, fanout),
            Work::Phases(phases) => load::phases(self, phases),
            Work::Streams(streams) => load::streams(self, streams),
            Work::FanoutSearch(search) => search::search(self, search),
            Work::Idle(idle) => idle::idle(self, idle),
            Work::Reconnect(reconnect) => reconnect::reconnect(self, reconnect),
            Work::Limits(limits) => probing::limits(self, limits),
        }
    }

    fn rules(&self) -> Result<Rules, Error> {
        Rules::new(&self.job.dialect, &self.job.target.address)
    }

    fn crew(&mut self, work: crew::Kind) -> Result<Crew, Error> {
        let crew = Crew::new(self.job, work)?;
        self.monitor.look_at(crew.gauges());
        Ok(crew)
    }

    fn connect_deadline(&self) -> u64 {
        clock::now() + self.job.connect_timeout_ms * MILLISECOND
    }
}

/// What a job can be refused for before anything is done.
fn check(job: &Job) -> Result<(), Error> {
    let fault = |what: &str| Err(Error::Job(what.to_owned()));
    if !(1..=64).contains(&job.threads) {
        return fault("`threads` must be 1 to 64");
    }
    if connections(job) == 0 && !matches!(job.work, Work::Limits(_)) {
        return fault("`connections` must be at least 1");
    }
    if sizes(job).iter().any(|size| !(32..=16 << 20).contains(size)) {
        return fault("`size` must be 32 (the marker) to 16 MiB");
    }
    if rates(job).iter().any(|rate| !rate.is_finite() || *rate < 0.0 || *rate > 1e8) {
        return fault("a rate must be 0 to 100 000 000 a second");
    }
    Ok(())
}

/// The most connections that a job has open at a time.
fn connections(job: &Job) -> u32 {
    match &job.work {
        Work::Echo(echo) => echo.connections,
        Work::Fanout(fanout) => fanout.connections.saturating_add(fanout.publishers),
        Work::FanoutSearch(search) => search.connections.saturating_add(search.publishers),
        Work::Phases(phases) => {
            let most = phases.phases.iter().map(|phase| phase.connections).max().unwrap_or(0);
            most.saturating_add(phases.publishers)
        }
        Work::Idle(idle) => idle.connections,
        Work::Reconnect(reconnect) => reconnect.connections,
        Work::Streams(streams) => streams.streams,
        Work::Limits(limits) => limits.probes.iter().map(probing::connections).max().unwrap_or(1),
    }
}

fn sizes(job: &Job) -> Vec<u32> {
    match &job.work {
        Work::Echo(echo) => vec![echo.size],
        Work::Fanout(fanout) => vec![fanout.size],
        Work::FanoutSearch(search) => vec![search.size],
        Work::Phases(phases) => phases.phases.iter().map(|phase| phase.size).collect(),
        Work::Streams(streams) => vec![streams.size],
        Work::Idle(_) | Work::Reconnect(_) | Work::Limits(_) => Vec::new(),
    }
}

fn rates(job: &Job) -> Vec<f64> {
    match &job.work {
        Work::Echo(echo) => echo.rate.into_iter().collect(),
        Work::Fanout(fanout) => vec![fanout.rate],
        Work::FanoutSearch(search) => vec![search.start],
        Work::Phases(phases) => {
            phases.phases.iter().flat_map(|phase| [phase.rate, phase.churn_per_s]).collect()
        }
        Work::Streams(streams) => vec![streams.tokens_per_s],
        Work::Idle(_) | Work::Reconnect(_) | Work::Limits(_) => Vec::new(),
    }
}

fn total_s(job: &Job) -> f64 {
    let phases: u64 = match &job.work {
        Work::Phases(phases) => phases.phases.iter().map(|phase| phase.duration_ms).sum(),
        _ => job.duration_ms,
    };
    let one = (job.warmup_ms + phases) as f64 / 1_000.0;
    match job.work {
        // About as many steps as there usually are.
        Work::FanoutSearch(ref search) => one * (8.0 + f64::from(search.bisections)),
        _ => one * f64::from(job.repeat.max(1)),
    }
}
