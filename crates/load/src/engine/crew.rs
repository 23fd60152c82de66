//! Whoever does a job: threads of this process, or further processes with threads of theirs. Made, told what to do, and
//! waited for. It knows not what they are told.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::orders::Shares;
use super::part::Part;
use crate::clock::MILLISECOND;
use crate::error::Error;
use crate::halt::Halt;
use crate::job::Job;
use crate::plan::Share;
use crate::rules::Rules;
use crate::socket::Route;
use crate::worker::{Command, Gauge, Line, Reply, Setup, Worker};

/// What is exchanged, and so what the dialect must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Echo,
    Publications,
    Streams,
    Nothing,
}

/// What one of a crew answers.
pub(super) type Answer = Result<Vec<Reply>, Error>;

/// Whoever does a job.
#[derive(Default)]
pub(super) struct Crew {
    threads: Vec<Thread>,
    parts: Vec<Part>,
    halt: Arc<Halt>,
}

/// A thread of this process.
struct Thread {
    commands: SyncSender<Command>,
    answers: Receiver<Answer>,
    gauge: Arc<Gauge>,
    handle: JoinHandle<()>,
}

impl Crew {
    /// A thread of this process for each share.
    pub(super) fn of_threads(
        job: &Job,
        kind: Kind,
        shares: Shares,
        halt: Arc<Halt>,
    ) -> Result<Self, Error> {
        let mut crew = Self { threads: Vec::new(), parts: Vec::new(), halt };
        for share in shares.all() {
            let thread = Thread::hire(setup(job, kind, share)?, &crew.halt)?;
            crew.threads.push(thread);
        }
        Ok(crew)
    }

    /// A process of `program` for each of `shares`.
    pub(super) fn of_processes(
        job: &Job,
        kind: Kind,
        shares: &[Shares],
        program: &Path,
    ) -> Result<Self, Error> {
        let mut crew = Self::default();
        for shares in shares {
            crew.parts.push(Part::start(program, job, kind, *shares, &crew.halt)?);
        }
        Ok(crew)
    }

    pub(super) fn gauges(&self) -> Vec<Arc<Gauge>> {
        let threads = self.threads.iter().map(|thread| &thread.gauge);
        threads.chain(self.parts.iter().map(Part::gauge)).map(Arc::clone).collect()
    }

    /// The processes besides this one.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.parts.iter().map(Part::pid).collect()
    }

    /// By which all can be told to stop.
    pub(super) fn halt(&self) -> Arc<Halt> {
        Arc::clone(&self.halt)
    }

    /// Tells all the same, and waits for what each has to say. `tick` is called meanwhile, and says after how many
    /// nanoseconds it should be called again.
    pub(super) fn ask(
        &self,
        command: &Command,
        tick: &mut dyn FnMut() -> u64,
    ) -> Result<Vec<Reply>, Error> {
        for thread in &self.threads {
            // A thread that is gone says so by its missing reply.
            let _ = thread.commands.send(command.clone());
        }
        self.parts.iter().for_each(|part| part.tell(command));
        let threads = self.threads.iter().map(|thread| &thread.answers);
        let answers = threads.chain(self.parts.iter().map(Part::answers));
        let answers: Vec<_> = answers.map(|from| self.wait(from, tick)).collect();
        // The first cause: those that were only told to stop say so later.
        let mut all = Vec::new();
        let mut failure: Option<Error> = None;
        for answer in answers {
            match answer {
                Ok(replies) => all.extend(replies),
                Err(error) if failure.as_ref().is_none_or(Error::is_vague) => failure = Some(error),
                Err(_) => {}
            }
        }
        failure.map_or(Ok(all), Err)
    }

    fn wait(&self, from: &Receiver<Answer>, tick: &mut dyn FnMut() -> u64) -> Answer {
        loop {
            let pause = Duration::from_nanos(tick().min(50 * MILLISECOND));
            // Threads see it by themselves.
            self.parts.iter().for_each(Part::pass_on_halt);
            match from.recv_timeout(pause) {
                Ok(answer) => return answer,
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
}

impl Thread {
    fn hire(setup: Setup, halt: &Arc<Halt>) -> Result<Self, Error> {
        let (commands, told) = sync_channel(1);
        let (answer, answers) = sync_channel(1);
        let gauge = Arc::<Gauge>::default();
        let line = Line {
            commands: told,
            replies: answer,
            gauge: Arc::clone(&gauge),
            halt: Arc::clone(halt),
        };
        let name = format!("load-{}", setup.share.index);
        let worker = Worker::new(setup, line)?;
        let handle = std::thread::Builder::new().name(name).spawn(move || worker.serve());
        let handle = handle.map_err(Error::system("start a thread"))?;
        Ok(Self { commands, answers, gauge, handle })
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.halt.abort();
        let threads = self.threads.drain(..).map(|thread| {
            let _ = thread.commands.send(Command::Leave);
            thread.handle
        });
        // All are told before any is waited for.
        for handle in threads.collect::<Vec<_>>() {
            // What made it panic was printed where it did.
            let _ = handle.join();
        }
        self.parts.iter().for_each(Part::pass_on_halt);
    }
}

fn setup(job: &Job, kind: Kind, share: Share) -> Result<Setup, Error> {
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
        share,
        route,
        publish_route,
        exchanged,
        stream_rules,
        rules,
        seed: job.seed ^ u64::from(share.index) << 32,
        patience: job.drain_timeout_ms * MILLISECOND,
    })
}
