//! What came of a job: the lines that `tidegate-load run` writes.
//!
//! Figures only: whether they are good is for others to say. Times of latencies are milliseconds, others are in their names.

mod parties;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::parties::{Bound, Generator, Machine, ServerUse};

/// One line of output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// How far it is, about four times a second.
    Progress(Progress),
    /// The last line of a job that was done.
    Report(Box<Report>),
    /// The last line of one that was not.
    Failure(Failure),
}

/// How far a job is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Seconds since the job began.
    pub elapsed_s: f64,
    /// Seconds that it takes in all, as far as that is known.
    pub total_s: f64,
    /// What is being done: `connect`, `warm-up`, `run`, `drain`, or the name of a phase.
    pub phase: String,
    /// Which repetition, from 1.
    pub run: u32,
    /// Connections that can be used.
    pub connections: u32,
    /// Messages sent in the last second or so.
    pub sent_per_s: f64,
    /// Messages received in the last second or so.
    pub received_per_s: f64,
    /// Messages that are known to be missing.
    pub lost: u64,
}

/// Why a job was not done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// What happened, as a sentence.
    pub what: String,
    /// What to do, as a sentence.
    pub hint: String,
    /// What was measured until then, marked as partial.
    pub partial: Option<Box<Report>>,
}

/// What came of a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// The version of this form.
    pub schema: u32,
    /// The version of the generator.
    pub version: String,
    /// The kind of work, as in the job.
    pub kind: String,
    /// Whether it ended before its time. The figures are then of what was done.
    pub partial: bool,
    /// Whether each message waited for the one before (`in_flight`): such latencies leave out what waiting would have cost.
    pub closed_loop: bool,
    /// Whether the generator was the bottleneck in any run.
    pub generator_limited: bool,
    /// Whether generator or server waited for a core in any run, and might have done better with more of them.
    #[serde(default)]
    pub crowded: bool,
    /// The repetitions.
    pub runs: Vec<Run>,
    /// The least, middle and greatest of the main figures over the runs, by the names `p50_ms`, `p95_ms`, `p99_ms`, `p999_ms`, `sent_per_s`,
    /// `received_per_s`, `lost`, `server_cpu_s`, `server_cpu_s_per_million`, `server_rss_bytes`, and whatever else the work has.
    pub spread: BTreeMap<String, Spread>,
    /// What a reader must know, as sentences.
    pub notes: Vec<String>,
}

/// The least, middle and greatest of a figure over the repetitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

/// One repetition.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    /// Seconds that counted.
    pub elapsed_s: f64,
    /// Connections that could be used when load began.
    pub connections: u32,
    /// Messages (or publications) a second that were asked for, in an open loop.
    pub asked_per_s: Option<f64>,
    /// Messages (or publications) a second that were sent.
    pub sent_per_s: f64,
    /// Messages a second that were received.
    pub received_per_s: f64,
    /// Bytes written to sockets, heads and frames included, while it counted.
    pub bytes_sent: u64,
    /// Bytes read from sockets, while it counted.
    pub bytes_received: u64,
    /// How long messages took; in an open loop from when they should have gone.
    pub latency: Latency,
    /// What became of every message.
    pub accounting: Accounting,
    /// The same of the time before it counted.
    pub warm_up: Accounting,
    /// How connecting went.
    pub connecting: Connecting,
    /// The generator itself.
    pub generator: Generator,
    /// The machine.
    pub machine: Machine,
    /// The server's processes, where they were named.
    pub server: Option<ServerUse>,
    /// One row for each second that counted.
    pub timeline: Vec<Second>,
    /// One row for each phase, with work `phases`.
    pub phases: Vec<PhaseRow>,
    /// One row for each step of a search.
    pub steps: Vec<Step>,
    /// With work `fanout_search`: the highest rate of deliveries that held, a second.
    pub sustained_per_s: Option<f64>,
    /// With work `idle`.
    pub idle: Option<IdleCost>,
    /// With work `reconnect`.
    pub reconnect: Option<Back>,
    /// With work `streams`.
    pub streams: Option<StreamTimes>,
    /// With work `limits`.
    pub probes: Vec<ProbeRow>,
}

/// Percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many there are. With none, the others are 0.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Half are at most this.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p999: f64,
    /// The greatest.
    pub max: f64,
}

/// What became of every message.
///
/// `expected` = received once + `lost`; `lost` = `said` + `critical_loss`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// Messages (or publications) sent.
    pub sent: u64,
    /// Messages that should have gone and could not: no connection, or one that took nothing for too long.
    pub unsent: u64,
    /// Messages that should have been received: of a publication, one for each reader.
    pub expected: u64,
    /// Messages received, doubled ones left out.
    pub received: u64,
    /// Messages that were not.
    pub lost: u64,
    /// Of those, the ones that the server owned up to: by a notice of a gap, a refusal, or a close with a code.
    pub said: u64,
    /// Of those, the ones of which nothing was said.
    pub critical_loss: u64,
    /// Messages that were received again.
    pub doubled: u64,
    /// Messages that came after a later one of the same sender.
    pub out_of_order: u64,
    /// Messages whose marker or filler was not as it was sent.
    pub corrupt: u64,
    /// Requests that the server refused, by the dialect's pattern.
    pub refused: u64,
    /// Messages that notices of gaps spoke for.
    pub gaps: u64,
    /// Connections that ended without having been told to.
    pub broken: u64,
    /// Connections that could not be made.
    pub failed_connects: u64,
    /// Why, with how often: `closed 4200 slow consumer`, `reset`, `503`.
    pub reasons: BTreeMap<String, u64>,
}

impl Accounting {
    /// Errors as a share of what was expected: lost, doubled and corrupt messages, what could not be sent, and connections that
    /// broke or failed.
    pub fn error_rate(&self) -> f64 {
        let errors = self.lost + self.doubled + self.corrupt + self.unsent;
        let errors = errors + self.broken + self.failed_connects;
        if errors == 0 { 0.0 } else { errors as f64 / self.expected.max(errors) as f64 }
    }
}

/// How connecting went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Connecting {
    /// Connections that could be used.
    pub connections: u32,
    /// Seconds until the last of them.
    pub elapsed_s: f64,
    /// Connections a second.
    pub per_s: f64,
    /// From the first packet to usable.
    pub latency: Latency,
    /// The server's CPU seconds per 1 000 of them, where it is watched.
    pub server_cpu_s_per_1000: Option<f64>,
}

/// One second that counted. Messages count in the second in which they should have gone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Second {
    /// From 0.
    pub second: u32,
    /// Messages sent.
    pub sent: u64,
    /// Messages received.
    pub received: u64,
    /// The median, in milliseconds.
    pub p50: f64,
    /// The 99th percentile, in milliseconds.
    pub p99: f64,
    /// Connections that could be used at its end.
    pub connections: u32,
    /// The server's CPU in percent of one core, where it is watched.
    pub server_cpu_percent: Option<f64>,
    /// The server's resident memory, where it is watched.
    pub server_rss_bytes: Option<u64>,
}

/// One phase.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PhaseRow {
    /// Its name; `phase 1` where it has none.
    pub name: String,
    /// Seconds.
    pub elapsed_s: f64,
    /// Connections that could be used at its end.
    pub connections: u32,
    /// Messages (or publications) a second that were asked for.
    pub asked_per_s: f64,
    /// Messages (or publications) sent.
    pub sent: u64,
    /// Messages received.
    pub received: u64,
    /// How long they took.
    pub latency: Latency,
    /// How long what came to stalled readers took.
    pub stalled_latency: Latency,
}

/// One step of a search.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Step {
    /// Publications a second.
    pub rate: f64,
    /// Deliveries a second that were received.
    pub received_per_s: f64,
    /// The 99th percentile, in milliseconds.
    pub p99_ms: f64,
    /// Deliveries that were lost.
    pub lost: u64,
    /// Whether it held.
    pub ok: bool,
    /// Whether the generator was the bottleneck.
    pub generator_limited: bool,
    /// Where it did not hold: who is to blame.
    #[serde(default)]
    pub bound: Option<Bound>,
    /// What of the latencies was the generator's at the most: the 99th percentile, in milliseconds.
    #[serde(default)]
    pub own_ms: f64,
    /// How much of the machine was busy with neither the generator nor the server, 0 to 1.
    #[serde(default)]
    pub busy_others: f64,
    /// Why it did not hold and by whom, as a sentence.
    pub why: Option<String>,
    /// The server's CPU seconds per million deliveries, where it is watched.
    pub server_cpu_s_per_million: Option<f64>,
}

/// What idle connections cost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct IdleCost {
    /// Connections that were held.
    pub connections: u32,
    /// Growth of the server's resident memory, by connection.
    pub rss_bytes_per_connection: Option<f64>,
    /// Growth of its proportional set size, by connection.
    pub pss_bytes_per_connection: Option<f64>,
    /// Its CPU time while nothing was done, in percent of one core.
    pub server_cpu_percent: Option<f64>,
    /// Connections that ended without having been told to.
    pub broken: u64,
}

/// How long it took until all were back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Back {
    /// Connections that were cut.
    pub connections: u32,
    /// Connections that came back.
    pub back: u32,
    /// Seconds from the cut until the last was back; with a server that restarts, from the first lost connection.
    pub all_back_s: f64,
    /// The same for each connection by itself, in milliseconds.
    pub latency: Latency,
    /// Attempts that failed meanwhile.
    pub failed_attempts: u64,
    /// The server's CPU seconds for it, where it is watched.
    pub server_cpu_s: Option<f64>,
}

/// Token streams, in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StreamTimes {
    /// Streams that ended well.
    pub completed: u64,
    /// Streams that failed.
    pub failed: u64,
    /// Tokens received.
    pub tokens: u64,
    /// Messages that they came in.
    pub messages: u64,
    /// From the request to the first token.
    pub first_token: Latency,
    /// Between one token and the next, as they arrived.
    pub inter_token: Latency,
    /// Between one token and the next, as the upstream sent them.
    pub upstream_inter_token: Latency,
    /// From the upstream's write of a token to its arrival: the share that the server added, with both of the system's hops.
    pub added: Latency,
    /// The same of first tokens alone.
    pub first_added: Latency,
}

/// One question about a limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProbeRow {
    /// Its name.
    pub name: String,
    /// What should have come of it.
    pub expected: String,
    /// What did.
    pub seen: String,
    /// Whether they are the same.
    pub ok: bool,
}
