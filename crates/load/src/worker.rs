//! One thread of the generator: its connections, and the loop that serves them.
//!
//! It does what it is told by [`Command`]s; between them it goes on serving (pings are answered). It knows neither the job nor the
//! report.

mod changing;
mod connecting;
mod events;
mod returning;
mod roster;
mod running;
mod sending;
mod settling;
mod streaming;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use serde::{Deserialize, Serialize};

use self::roster::Roster;
use crate::board::Board;
use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::halt::Halt;
use crate::job::Cut;
use crate::link::Link;
use crate::member::{Load, Member, Role};
use crate::plan::{Plan, Schedule, Share};
use crate::poll::{self, Poll, Ready};
use crate::rules::{Exchanged, Rules, StreamRules};
use crate::socket::Route;
use crate::tally::Tally;
use crate::times::Times;
use crate::tour::Tours;

/// One read buffer for all connections of a thread.
const BUFFER: usize = 256 * 1024;

/// What a thread is told to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Command {
    /// Opens connections of a role: this thread's share of `count`.
    Connect { role: Role, count: u32, deadline: u64 },
    /// Opens this thread's share of the publishers.
    Publishers { count: u32, deadline: u64 },
    /// Loads by a plan.
    Run { plan: Arc<Plan>, traffic: Traffic },
    /// Cuts all connections, or sees them cut, and brings them back.
    Return { cut: Cut, retry: u64, lost_by: u64, deadline: u64 },
    /// Ends all connections and then itself.
    Leave,
}

/// What is sent in a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Traffic {
    /// Each connection keeps so many messages under way.
    Closed { in_flight: u32 },
    /// Each message of the plan is sent by the next connection.
    Open,
    /// Each message of the plan is published by the next publisher.
    Fanout { first_sender: u32, published: Arc<Board> },
    /// Each connection asks for streams.
    Streams { tokens: u32, per_s: f64, size: u32 },
    /// Nothing.
    Silence,
}

/// What came of a command.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    Connected(Connected),
    Ran { tally: Box<Tally>, gone: Option<Error> },
    Returned(Returned),
    Left,
}

/// What came of connecting.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Connected {
    pub(crate) open: u32,
    pub(crate) last: u64,
    pub(crate) times: Times,
}

/// What came of being cut.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Returned {
    pub(crate) cut: u32,
    pub(crate) back: u32,
    pub(crate) first_cut: u64,
    pub(crate) last_back: u64,
    pub(crate) times: Times,
    pub(crate) failed: u64,
}

/// What a thread shows while it works.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    pub(crate) connections: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) missing: AtomicU64,
}

/// How a thread is told and answers.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) commands: Receiver<Command>,
    pub(crate) replies: SyncSender<Result<Vec<Reply>, Error>>,
    pub(crate) gauge: Arc<Gauge>,
    /// Whether another failed, or somebody wants the end.
    pub(crate) halt: Arc<Halt>,
}

/// One connection.
#[derive(Debug)]
struct Connection {
    generation: u32,
    link: Link,
    member: Member,
    reads: bool,
    writes: bool,
}

/// A connection to be tried again.
#[derive(Debug)]
struct Retry {
    due: u64,
    role: Role,
    /// When it was cut.
    cut: u64,
}

/// What is counted while connections come back.
#[derive(Debug, Default)]
struct Homecoming {
    /// How long after a failed attempt the next is made.
    retry: u64,
    lost: u32,
    first_lost: u64,
    failed: u64,
}

/// One thread of the generator.
pub(crate) struct Worker {
    share: Share,
    route: Route,
    publish_route: Route,
    rules: Rules,
    exchanged: Option<Exchanged>,
    stream_rules: Option<StreamRules>,
    line: Line,
    poll: Poll,
    ready: Vec<Ready>,
    tours: Tours,
    buffer: Vec<u8>,
    out: Vec<u8>,
    connections: Vec<Option<Connection>>,
    free: Vec<u32>,
    generation: u32,
    made: u32,
    roster: Roster,
    /// The connections of this thread's publishers, and whose turn it is.
    publishers: Vec<u32>,
    publisher: usize,
    /// Those that have begun to connect and are not open.
    connecting: u32,
    /// Connections to be tried again, and when.
    retries: VecDeque<Retry>,
    /// Connections are being brought back: after how long a failed attempt is repeated.
    returning: Option<Homecoming>,
    traffic: Traffic,
    leaving: Vec<u32>,
    segment: Option<usize>,
    /// When a connection could last be used.
    present: u64,
    /// No attempts before this.
    pause: u64,
    checked: u64,
    patience: u64,
    plan: Arc<Plan>,
    schedule: Schedule,
    tally: Tally,
    load: Load,
    opened: Connected,
    /// What became of the last connection that ended by itself.
    last_end: Option<crate::link::End>,
    ended: u64,
    seed: u64,
    streams_asked: u32,
    churned: u64,
}

/// What a thread is made with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) share: Share,
    pub(crate) route: Route,
    pub(crate) publish_route: Route,
    pub(crate) rules: Rules,
    pub(crate) exchanged: Option<Exchanged>,
    pub(crate) stream_rules: Option<StreamRules>,
    pub(crate) seed: u64,
    /// How long to wait for what is missing, in nanoseconds.
    pub(crate) patience: u64,
}

impl Worker {
    pub(crate) fn new(setup: Setup, line: Line) -> Result<Self, Error> {
        let plan = Arc::new(Plan::empty());
        Ok(Self {
            poll: Poll::new().map_err(Error::system("watch sockets"))?,
            schedule: Schedule::new(setup.share),
            tally: Tally::new(&plan),
            share: setup.share,
            route: setup.route,
            publish_route: setup.publish_route,
            rules: setup.rules,
            exchanged: setup.exchanged,
            stream_rules: setup.stream_rules,
            line,
            plan,
            ready: Vec::new(),
            tours: Tours::default(),
            buffer: vec![0; BUFFER],
            out: Vec::new(),
            connections: Vec::new(),
            free: Vec::new(),
            generation: 0,
            made: 0,
            roster: Roster::default(),
            publishers: Vec::new(),
            publisher: 0,
            connecting: 0,
            retries: VecDeque::new(),
            load: Load::default(),
            opened: Connected::default(),
            last_end: None,
            ended: 0,
            seed: setup.seed,
            streams_asked: 0,
            churned: 0,
            returning: None,
            traffic: Traffic::Silence,
            leaving: Vec::new(),
            segment: None,
            present: 0,
            pause: 0,
            checked: 0,
            patience: setup.patience,
        })
    }

    /// Serves until it is told to leave, or nobody is there to tell it.
    pub(crate) fn serve(mut self) {
        clock::wake_sharply();
        loop {
            let command = match self.line.commands.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Empty) => {
                    if self.turn(2 * MILLISECOND).is_err() {
                        return;
                    }
                    continue;
                }
                Err(TryRecvError::Disconnected) => return,
            };
            let leaves = matches!(command, Command::Leave);
            let reply = self.obey(command);
            if reply.is_err() {
                self.line.halt.abort();
            }
            if self.line.replies.send(reply.map(|reply| vec![reply])).is_err() || leaves {
                return;
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<Reply, Error> {
        match command {
            Command::Connect { role, count, deadline } => {
                self.connect_all(role, self.share.of_count(count), deadline)
            }
            Command::Publishers { count, deadline } => self.connect_publishers(count, deadline),
            Command::Run { plan, traffic } => self.run(plan, traffic),
            Command::Return { cut, retry, lost_by, deadline } => {
                self.bring_back(cut, retry, lost_by, deadline)
            }
            Command::Leave => {
                self.leave()?;
                Ok(Reply::Left)
            }
        }
    }

    /// Waits for sockets, `timeout` nanoseconds at most, and serves those that are ready.
    fn turn(&mut self, timeout: u64) -> Result<(), Error> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        let mut now = clock::now();
        self.poll.wait(0, &mut ready).map_err(Error::system("look at sockets"))?;
        if ready.is_empty() && timeout > 0 {
            self.poll.wait(timeout, &mut ready).map_err(Error::system("wait for sockets"))?;
            now = clock::now();
            self.tours.caught_up(now);
        }
        let is_all = ready.len() < poll::EVENTS;
        self.tours.looked(now, ready.len(), is_all, self.connections.len());
        for one in &ready {
            self.on_ready(*one);
        }
        self.ready = ready;
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.line.halt.is_stopped()
    }

    fn show(&self) {
        let gauge = &self.line.gauge;
        let sum = |of: fn(&crate::tally::Numbers) -> u64| {
            self.tally.segments.iter().map(|segment| of(&segment.numbers)).sum::<u64>()
        };
        gauge.connections.store(self.roster.len() as u64, Ordering::Relaxed);
        gauge.sent.store(sum(|numbers| numbers.sent), Ordering::Relaxed);
        gauge.received.store(sum(|numbers| numbers.received), Ordering::Relaxed);
        gauge.missing.store(self.tally.missing, Ordering::Relaxed);
    }

    /// Ends all connections, politely where that takes no waiting.
    fn leave(&mut self) -> Result<(), Error> {
        for slot in 0..self.connections.len() as u32 {
            self.say_goodbye(slot);
        }
        self.turn(0)?;
        for slot in 0..self.connections.len() as u32 {
            if let Some(connection) = self.remove(slot) {
                crate::socket::reset(connection.link.into_stream());
            }
        }
        self.show();
        Ok(())
    }
}
