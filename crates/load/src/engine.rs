//! A job from beginning to end: its repetitions, and the report of them. It knows no sockets.

mod assemble;
mod crew;
mod idle;
mod load;
mod monitor;
mod orders;
mod part;
mod probing;
mod reconnect;
mod search;
mod serving;
mod spread;
mod verdict;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self::crew::Crew;
use self::monitor::{InJob, Monitor};
use self::orders::Shares;
pub use self::serving::serve_part;
use crate::board::Board;
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
    run_as(job, Conduct { progress, stop: &AtomicBool::new(false), program: None })
}

/// How a job is done, besides what it says itself.
pub struct Conduct<'a> {
    /// Called about four times a second.
    pub progress: &'a mut dyn FnMut(&Progress),
    /// Once it is true, the job ends within three seconds, with what it has.
    pub stop: &'a AtomicBool,
    /// The program `tidegate-load`, for jobs that need more connections than one process may have files. Without it, those
    /// are refused.
    pub program: Option<&'a Path>,
}

/// Does a job as [`run`] does, in several processes where one may not open enough files, and until it is told to stop.
///
/// # Errors
/// Why the job was not done, what to do about it, and what was measured until then.
pub fn run_as(job: &Job, mut conduct: Conduct<'_>) -> Result<Report, Box<Failure>> {
    let mut report = spread::empty(job);
    let began = clock::now();
    for repetition in 1..=job.repeat.max(1) {
        let in_job = InJob { repetition, began, total_s: total_s(job) };
        let measured = Bench::new(job, in_job, &mut conduct).and_then(|mut bench| {
            report.notes.extend(bench.note().filter(|_| repetition == 1));
            bench.measure()
        });
        let (run, mut error) = match measured {
            Ok((run, error)) => (Some(run), error),
            Err(error) => (None, Some(error)),
        };
        report.runs.extend(run);
        if conduct.stop.load(Ordering::Relaxed) {
            error = Some(Error::Stopped);
        }
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
    /// By process; of none but this one, empty.
    parts: Vec<Shares>,
    program: Option<&'a Path>,
}

impl<'a> Bench<'a> {
    fn new(job: &'a Job, in_job: InJob, conduct: &'a mut Conduct<'_>) -> Result<Self, Error> {
        check(job)?;
        let (stop, program) = (conduct.stop, conduct.program);
        let parts = parts(job, program.is_some())?;
        let watch = Watch::new(&job.target.pids, job.target.children)?;
        let monitor = Monitor::new(watch, in_job, conduct.progress, stop);
        Ok(Self { job, monitor, parts, program })
    }

    /// What a reader must know of how it is done.
    fn note(&self) -> Option<String> {
        let processes = self.parts.len();
        (processes > 1).then(|| {
            format!("{processes} processes of the generator shared the connections; the figures are of all of them.")
        })
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

    fn crew(&mut self, kind: crew::Kind) -> Result<Crew, Error> {
        let crew = match self.program.filter(|_| !self.parts.is_empty()) {
            Some(program) => Crew::of_processes(self.job, kind, &self.parts, program)?,
            None => {
                Crew::of_threads(self.job, kind, Shares::alone(self.job.threads), Arc::default())?
            }
        };
        self.monitor.look_at(&crew);
        Ok(crew)
    }

    /// Where publishers write how much they have sent.
    fn board(&self, publishers: u32) -> Result<Arc<Board>, Error> {
        let board = match self.parts[..] {
            [] => Board::new(publishers),
            _ => Board::shared(publishers).map_err(Error::system("share memory"))?,
        };
        Ok(Arc::new(board))
    }

    fn connect_deadline(&self) -> u64 {
        clock::now() + self.job.connect_timeout_ms * MILLISECOND
    }
}

/// Files that so many connections and threads need.
fn files(connections: u32, threads: u32) -> u64 {
    u64::from(connections) + u64::from(threads) * 4 + 32
}

/// The processes among which a job is divided; none where this one does.
fn parts(job: &Job, may_divide: bool) -> Result<Vec<Shares>, Error> {
    let connections = connections(job);
    let may_divide = may_divide && !matches!(job.work, Work::Limits(_));
    let most = job.connections_per_process.filter(|most| may_divide && *most < connections);
    match (socket::reserve_files(files(connections, job.threads)), most) {
        (Ok(()), None) => Ok(Vec::new()),
        (Err(Error::TooFewFiles { allowed, .. }), most) if may_divide => {
            let room = allowed.saturating_sub(files(0, job.threads)).try_into().unwrap_or(u32::MAX);
            Ok(Shares::of_processes(connections, most.unwrap_or(room).min(room), job.threads))
        }
        (Ok(()), Some(most)) => Ok(Shares::of_processes(connections, most, job.threads)),
        (Err(error), _) => Err(error),
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
    if job.connections_per_process == Some(0) {
        return fault("`connections_per_process` must be at least 1");
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
        // About as many as there usually are: raised by short ones, then each half tried twice or more.
        Work::FanoutSearch(ref search) => one * (5.0 + 2.5 * f64::from(search.bisections)),
        _ => one * f64::from(job.repeat.max(1)),
    }
}
