//! Those that have a part in a run: the generator, the server, the machine. Figures of what they used, no judgement.

use serde::{Deserialize, Serialize};

use super::Latency;

/// The generator itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Generator {
    /// CPU seconds, of all its threads.
    pub cpu_s: f64,
    /// CPU time of the busiest thread as a share of the time that passed, 0 to 1.
    pub busiest_thread: f64,
    /// How much later than they should messages went, in an open loop.
    pub lateness: Latency,
    /// How long messages had lain in a socket, at the most, when they were read: an upper bound of what reading added.
    #[serde(default)]
    pub reading: Latency,
    /// How long a thread stood ready and had no core, as a share of the time that passed, 0 to 1: of the thread where that
    /// was the most.
    #[serde(default)]
    pub waited: f64,
    /// Messages that waited in the generator since their connection took no more: the server did not read.
    #[serde(default)]
    pub held_back: u64,
    /// Whether its own work held the figures back.
    pub limited: bool,
    /// Whether one of server and generator waited for a core. The server may do better on more of
    /// them.
    #[serde(default)]
    pub crowded: bool,
    /// Which of those, as a sentence.
    pub why: Option<String>,
}

impl Generator {
    /// What of the latencies was the generator's at the most, in milliseconds: the 99th percentiles of sending and of reading.
    pub fn own_ms(&self) -> f64 {
        self.lateness.p99 + self.reading.p99
    }

    /// The same of one message in a thousand.
    pub fn worst_ms(&self) -> f64 {
        self.lateness.p999 + self.reading.p999
    }
}

/// Who held a figure back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The server.
    Server,
    /// The generator, by its own work.
    Generator,
    /// Neither by itself: one of them waited for a core, which the other or somebody else had.
    Cores,
}

/// The machine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// Cores.
    pub cores: u32,
    /// How much of them was busy in all, 0 to 1.
    pub busy: f64,
    /// The same without the generator and the server.
    pub busy_others: f64,
}

/// The server's processes, seen from outside.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ServerUse {
    /// CPU seconds while it counted.
    pub cpu_s: f64,
    /// CPU time in percent of one core.
    pub cpu_percent: f64,
    /// CPU seconds per million messages received.
    pub cpu_s_per_million: Option<f64>,
    /// CPU time of the thread that wanted a core the most, as a share of the time that passed, 0 to 1.
    #[serde(default)]
    pub busiest_thread: Option<f64>,
    /// How long that thread stood ready and had no core, as a share of the time that passed.
    #[serde(default)]
    pub waited: Option<f64>,
    /// Resident memory before the first connection.
    pub rss_before_bytes: u64,
    /// Resident memory at the end of the time that counted.
    pub rss_bytes: u64,
    /// The greatest that was seen.
    pub rss_peak_bytes: u64,
    /// The proportional set size before, where the system has it.
    pub pss_before_bytes: Option<u64>,
    /// The proportional set size at the end, where the system has it.
    pub pss_bytes: Option<u64>,
}
