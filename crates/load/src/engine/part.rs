//! A further process of the generator, as the first one sees it: started, told what to do, and ended with its value. It knows
//! not what it is told.

use std::cell::{Cell, RefCell};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Program, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::crew::{Answer, Kind};
use super::orders::{Begin, Flow, Order, Shares, Word};
use crate::error::Error;
use crate::halt::Halt;
use crate::job::Job;
use crate::worker::{Command, Gauge};

/// A process that does not end within this time is killed.
const LAST_TIMEOUT: Duration = Duration::from_secs(3);

/// A further process of the generator.
pub(super) struct Part {
    child: RefCell<Child>,
    /// Closed, it tells the process to end.
    orders: RefCell<Option<ChildStdin>>,
    answers: Receiver<Answer>,
    /// Ends with its standard output.
    ended: Receiver<()>,
    gauge: Arc<Gauge>,
    halt: Arc<Halt>,
    told: Cell<(bool, bool)>,
}

impl Part {
    /// Starts `program` as a part of a job.
    pub(super) fn start(
        program: &Path,
        job: &Job,
        kind: Kind,
        shares: Shares,
        halt: &Arc<Halt>,
    ) -> Result<Self, Error> {
        let mut command = Program::new(program);
        command.arg("part").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().map_err(Error::system("start another process of the generator"))?;
        let gauge = Arc::<Gauge>::default();
        let (answer, answers) = sync_channel(2);
        let (end, ended) = sync_channel(1);
        if let Some(output) = child.stdout.take() {
            let listener = Listener { answer, gauge: Arc::clone(&gauge), halt: Arc::clone(halt) };
            let listen = move || {
                listener.listen(output);
                drop(end);
            };
            let thread = std::thread::Builder::new().name("part".into()).spawn(listen);
            drop(thread.map_err(Error::system("start a thread"))?);
        }
        let orders = RefCell::new(child.stdin.take());
        let (child, halt) = (RefCell::new(child), Arc::clone(halt));
        let part = Self { child, orders, answers, ended, gauge, halt, told: Cell::default() };
        part.say(&Order::Begin(Box::new(Begin { job: job.clone(), kind, shares })));
        Ok(part)
    }

    pub(super) fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    pub(super) fn answers(&self) -> &Receiver<Answer> {
        &self.answers
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.borrow().id()
    }

    pub(super) fn tell(&self, command: &Command) {
        self.say(&Order::Do(command.clone()));
    }

    /// Tells the process to stop, where others were told so.
    pub(super) fn pass_on_halt(&self) {
        let (stopped, aborted) = (self.halt.is_stopped(), self.halt.is_aborted());
        if self.told.replace((stopped, aborted)) == (stopped, aborted) {
            return;
        }
        self.say(if aborted { &Order::Abort } else { &Order::WrapUp });
    }

    fn say(&self, order: &Order) {
        let Ok(mut line) = serde_json::to_vec(order) else { return };
        line.push(b'\n');
        if let Some(orders) = &mut *self.orders.borrow_mut() {
            // A process that is gone says so by its missing answer.
            let _ = orders.write_all(&line);
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.orders.borrow_mut().take();
        let mut child = self.child.borrow_mut();
        if self.ended.recv_timeout(LAST_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            // It is ended, or about to be.
            let _ = child.kill();
        }
        let _ = child.wait();
    }
}

/// Hears what a process says.
struct Listener {
    answer: SyncSender<Answer>,
    gauge: Arc<Gauge>,
    halt: Arc<Halt>,
}

impl Listener {
    fn listen(&self, output: ChildStdout) {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(Word::Flow(flow)) => self.show(flow),
                Ok(Word::Done(replies)) => self.hand_on(Ok(replies)),
                Ok(Word::Failed(error)) => self.hand_on(Err(error)),
                Err(error) => {
                    let how = format!("it said what cannot be read ({error})");
                    self.hand_on(Err(Error::PartGone { how }));
                    return;
                }
            }
        }
        // Nobody waits for this where it was told to leave.
        self.hand_on(Err(Error::PartGone { how: "it said nothing about why".into() }));
    }

    fn hand_on(&self, answer: Answer) {
        if answer.is_err() {
            self.halt.abort();
        }
        let _ = self.answer.try_send(answer);
    }

    fn show(&self, flow: Flow) {
        let gauge = &self.gauge;
        gauge.connections.store(flow.connections, Ordering::Relaxed);
        gauge.sent.store(flow.sent, Ordering::Relaxed);
        gauge.received.store(flow.received, Ordering::Relaxed);
        gauge.missing.store(flow.missing, Ordering::Relaxed);
    }
}
