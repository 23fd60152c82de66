//! What is to be done to a server: the job that `tidegate-load run` reads as JSON.
//!
//! It knows not how the server is spoken to; that is the dialect inside it.

mod probe;

use serde::{Deserialize, Serialize};

pub use self::probe::{Act, Expected, Limits, Probe};
use crate::dialect::Dialect;

/// One work, done to one server, some number of times.
///
/// ```
/// use tidegate_load::job::{Echo, Job, Target, Work};
///
/// let work = Work::Echo(Echo { connections: 200, in_flight: 1, size: 64, rate: None });
/// let job = Job::new(Target::at("127.0.0.1:8765"), Default::default(), work);
/// assert_eq!((job.duration_ms, job.repeat), (5_000, 1));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The server.
    pub target: Target,
    /// How it is spoken to.
    #[serde(default)]
    pub dialect: Dialect,
    /// Threads that generate load, 1 to 64. With several processes they are divided among them, and each has one at least.
    #[serde(default = "one")]
    pub threads: u32,
    /// Loopback addresses (127.0.0.1, 127.0.0.2 …) that connections come from, 1 to 250. Without it, one for each 4 000 connections.
    /// To a server elsewhere, connections come from wherever the system says.
    #[serde(default)]
    pub sources: Option<u32>,
    /// Connections that one process of the generator has at most. Beyond it, or beyond the files that a process may open,
    /// further processes are started, and all of the job is divided among them but `limits`. Without it, as many as the
    /// files allow.
    #[serde(default)]
    pub connections_per_process: Option<u32>,
    /// Bytes that the system may hold for a connection that does not read. Without it, as many as it likes: megabytes.
    #[serde(default)]
    pub receive_buffer: Option<u32>,
    /// How long load runs before it counts, in milliseconds.
    #[serde(default = "warmup_ms")]
    pub warmup_ms: u64,
    /// How long it counts, in milliseconds.
    #[serde(default = "duration_ms")]
    pub duration_ms: u64,
    /// How often it is done, each time with new connections.
    #[serde(default = "one")]
    pub repeat: u32,
    /// What decides about whatever is random: which readers stall, for one.
    #[serde(default)]
    pub seed: u64,
    /// How long connecting (all of them) may take, in milliseconds.
    #[serde(default = "connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// How long to wait, when nothing is sent any more, for what is still missing, in milliseconds.
    #[serde(default = "drain_timeout_ms")]
    pub drain_timeout_ms: u64,
    /// The work.
    pub work: Work,
}

impl Job {
    /// A job with the values that hold where nothing is said.
    pub fn new(target: Target, dialect: Dialect, work: Work) -> Self {
        Self {
            target,
            dialect,
            threads: one(),
            sources: None,
            connections_per_process: None,
            receive_buffer: None,
            warmup_ms: warmup_ms(),
            duration_ms: duration_ms(),
            repeat: one(),
            seed: 0,
            connect_timeout_ms: connect_timeout_ms(),
            drain_timeout_ms: drain_timeout_ms(),
            work,
        }
    }
}

/// The server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    /// Its processes, whose CPU time and memory are read from `/proc`.
    #[serde(default)]
    pub pids: Vec<u32>,
    /// Whether the children of those processes count too.
    #[serde(default)]
    pub children: bool,
}

impl Target {
    /// A server of which nothing is watched.
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: address.into(), pids: Vec::new(), children: false }
    }
}

/// What is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Messages that come back to their sender.
    Echo(Echo),
    /// Messages that go to everybody, at a rate.
    Fanout(Fanout),
    /// The highest rate of deliveries that holds.
    FanoutSearch(FanoutSearch),
    /// Load that changes: ramps, spikes, churn, slow readers.
    Phases(Phases),
    /// Connections that do nothing.
    Idle(Idle),
    /// Connections that are cut and come back.
    Reconnect(Reconnect),
    /// Token streams.
    Streams(Streams),
    /// Whether limits are where they should be.
    Limits(Limits),
}

/// Messages that come back to their sender.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Echo {
    /// Connections.
    pub connections: u32,
    /// Without a rate: messages that each connection has under way at a time (closed loop).
    #[serde(default = "one")]
    pub in_flight: u32,
    /// Bytes of `{payload}`, 32 to 16 MiB.
    pub size: u32,
    /// Messages a second over all connections (open loop). A message's time then counts from when it should have gone.
    #[serde(default)]
    pub rate: Option<f64>,
}

/// Messages that go to everybody, at a rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fanout {
    /// Readers.
    pub connections: u32,
    /// Bytes of `{payload}`, 32 to 16 MiB.
    pub size: u32,
    /// Publications a second, of all publishers together.
    pub rate: f64,
    /// Publishers, which have connections of their own and read nothing.
    #[serde(default = "one")]
    pub publishers: u32,
}

/// The highest rate of deliveries that holds: it is raised until it does not, fourfold while the server has much to spare,
/// else twofold; then the interval is bisected.
///
/// All rates are 10 a second and 2^(1/2^`bisections`) of it, its square and so on, whatever the start. Near the limit each is tried until
/// two attempts say the same. Attempts have new connections and a server at rest, take the job's `warmup_ms` and `duration_ms`
/// (half of them far from the limit), and are given up once they cannot hold any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FanoutSearch {
    /// Readers.
    pub connections: u32,
    /// Bytes of `{payload}`, 32 to 16 MiB.
    pub size: u32,
    /// Publishers.
    #[serde(default = "one")]
    pub publishers: u32,
    /// What the 99th percentile must stay under, in milliseconds. Besides, nothing may be lost.
    #[serde(default = "p99_ms")]
    pub p99_ms: f64,
    /// Publications a second to start from.
    #[serde(default = "start")]
    pub start: f64,
    /// How often the interval between a rate and its double is halved, 0 to 6: with 4, neighbouring rates differ by 4.4 %.
    #[serde(default = "bisections")]
    pub bisections: u32,
}

/// Load that changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phases {
    /// What one message is.
    #[serde(default)]
    pub exchange: Exchange,
    /// Publishers, with [`Exchange::Fanout`].
    #[serde(default = "one")]
    pub publishers: u32,
    /// The phases. The job's `warmup_ms` comes before the first, with its rate; `duration_ms` does not count.
    pub phases: Vec<Phase>,
}

/// What one message of a phase is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchange {
    /// A request of one connection, answered to it.
    #[default]
    Echo,
    /// A publication to all.
    Fanout,
}

/// A stretch of load.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// How it is called in the report.
    #[serde(default)]
    pub name: String,
    /// How long it lasts, in milliseconds.
    pub duration_ms: u64,
    /// Connections at its end. They come or go evenly over the phase; those of the first are there from the start.
    pub connections: u32,
    /// Messages (or publications) a second over all connections.
    pub rate: f64,
    /// Bytes of `{payload}`, 32 to 16 MiB.
    pub size: u32,
    /// Connections a second that leave and are replaced.
    #[serde(default)]
    pub churn_per_s: f64,
    /// Readers that read nothing for the length of the phase, and read on after it. What reaches them counts in the
    /// accounting, and not in the latencies.
    #[serde(default)]
    pub stalled: u32,
}

/// Connections that do nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// Connections. They are held for the job's `duration_ms`.
    pub connections: u32,
    /// Whether they subscribe to the channel.
    #[serde(default)]
    pub subscribe: bool,
}

/// Connections that are cut and come back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconnect {
    /// Connections.
    pub connections: u32,
    /// Who cuts them.
    #[serde(default)]
    pub cut: Cut,
    /// Whether they subscribe to the channel, which then counts as part of being back.
    #[serde(default)]
    pub subscribe: bool,
    /// The wait before a refused or failed attempt is repeated, in milliseconds.
    #[serde(default = "retry_ms")]
    pub retry_ms: u64,
}

/// Who cuts connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The clients, by a reset.
    #[default]
    Reset,
    /// The clients, by a close frame.
    Close,
    /// The server, which whoever runs the job restarts meanwhile: within `duration_ms`, all connections must have been lost.
    Server,
}

/// Token streams, from `tidegate-load upstream` through the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streams {
    /// Streams at a time, one a connection. Where one ends within the duration, the next is asked for.
    pub streams: u32,
    /// Tokens a second that the upstream sends, of each stream.
    #[serde(default = "tokens_per_s")]
    pub tokens_per_s: f64,
    /// Tokens of one stream.
    #[serde(default = "tokens")]
    pub tokens: u32,
    /// Bytes of one token's text, 32 to 64 KiB.
    #[serde(default = "token_size")]
    pub size: u32,
}

const fn one() -> u32 {
    1
}
const fn warmup_ms() -> u64 {
    1_000
}
const fn duration_ms() -> u64 {
    5_000
}
const fn connect_timeout_ms() -> u64 {
    30_000
}
const fn drain_timeout_ms() -> u64 {
    3_000
}
const fn p99_ms() -> f64 {
    100.0
}
const fn start() -> f64 {
    20.0
}
const fn bisections() -> u32 {
    4
}
const fn retry_ms() -> u64 {
    100
}
const fn tokens_per_s() -> f64 {
    50.0
}
const fn tokens() -> u32 {
    200
}
const fn token_size() -> u32 {
    36
}
