//! The threads of a job: made, told what to do, and waited for. It knows not what they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::monitor::Monitor;
use crate::clock::MILLISECOND;
use crate::error::Error;
use crate::job::Job;
use crate::plan::Share;
use crate::rules::Rules;
use crate::socket::Route;
use crate::worker::{Command, Gauge, Line, Reply, Setup, Worker};

/// What is exchanged, and so what the dialect must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Echo,
    Publications,
    Streams,
    Nothing,
}

/// The threads of a job.
pub(super) struct Crew {
    lines: Vec<SyncSender<Command>>,
    replies: Vec<Receiver<Result<Reply, Error>>>,
    gauges: Vec<Arc<Gauge>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    pub(super) fn new(job: &Job, kind: Kind) -> Result<Self, Error> {
        let mut crew = Self {
            lines: Vec::new(),
            replies: Vec::new(),
            gauges: Vec::new(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for index in 0..job.threads {
            crew.hire(setup(job, kind, index)?)?;
        }
        Ok(crew)
    }

    fn hire(&mut self, setup: Setup) -> Result<(), Error> {
        let (commands, told) = sync_channel(1);
        let (answer, replies) = sync_channel(1);
        let gauge = Arc::<Gauge>::default();
        let line = Line {
            commands: told,
            replies: answer,
            gauge: Arc::clone(&gauge),
            stop: Arc::clone(&self.stop),
        };
        let name = format!("load-{}", setup.share.index);
        let worker = Worker::new(setup, line)?;
        let thread = std::thread::Builder::new().name(name).spawn(move || worker.serve());
        self.threads.push(thread.map_err(Error::system("start a thread"))?);
        self.lines.push(commands);
        self.replies.push(replies);
        self.gauges.push(gauge);
        Ok(())
    }

    pub(super) fn gauges(&self) -> Vec<Arc<Gauge>> {
        self.gauges.clone()
    }

    /// Tells all threads the same, and waits for what each has to say.
    pub(super) fn ask(
        &self,
        command: &Command,
        monitor: &mut Monitor<'_>,
    ) -> Result<Vec<Reply>, Error> {
        for line in &self.lines {
            // A thread that is gone says so by its missing reply.
            let _ = line.send(command.clone());
        }
        let replies: Vec<_> = self.replies.iter().map(|from| wait(from, monitor)).collect();
        // The first cause: those that were only told to stop say so later.
        let mut all = Vec::new();
        let mut failure: Option<Error> = None;
        for reply in replies {
            match reply {
                Ok(reply) => all.push(reply),
                Err(error) if failure.as_ref().is_none_or(is_vague) => failure = Some(error),
                Err(_) => {}
            }
        }
        failure.map_or(Ok(all), Err)
    }
}

/// Whether another thread may know better.
fn is_vague(error: &Error) -> bool {
    matches!(error, Error::ConnectTimeout { .. })
}

fn wait(from: &Receiver<Result<Reply, Error>>, monitor: &mut Monitor<'_>) -> Result<Reply, Error> {
    loop {
        let pause = Duration::from_nanos(monitor.tick().min(50 * MILLISECOND));
        match from.recv_timeout(pause) {
            Ok(reply) => return reply,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::System {
                    what: "keep a thread of the generator",
                    source: std::io::Error::other("it ended"),
                });
            }
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for line in self.lines.drain(..) {
            let _ = line.send(Command::Leave);
        }
        for thread in self.threads.drain(..) {
            // What made it panic was printed where it did.
            let _ = thread.join();
        }
    }
}

fn setup(job: &Job, kind: Kind, index: u32) -> Result<Setup, Error> {
    let rules = Rules::new(&job.dialect, &job.target.address)?;
    let connections = super::connections(job);
    let route = Route::new(&job.target.address, job, connections)?;
    let publish_route = match rules.publish_address() {
        Some(address) => Route::new(address, job, connections)?,
        None => route.clone(),
    };
    let exchanged = match kind {
        Kind::Echo => Some(rules.echo()?),
        Kind::Publications => Some(rules.publication()?),
        Kind::Streams | Kind::Nothing => None,
    };
    let stream_rules = if kind == Kind::Streams { Some(rules.streams()?) } else { None };
    Ok(Setup {
        share: Share { index, of: job.threads },
        route,
        publish_route,
        exchanged,
        stream_rules,
        rules,
        seed: job.seed ^ u64::from(index) << 32,
        patience: job.drain_timeout_ms * MILLISECOND,
    })
}
