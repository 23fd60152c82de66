//! Questions about limits, and what must come of them. It knows not how they are asked.

use serde::{Deserialize, Serialize};

/// Whether limits are where they should be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// One after the other.
    pub probes: Vec<Probe>,
}

/// One question about a limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// How it is called in the report.
    pub name: String,
    /// What is done.
    pub act: Act,
    /// What must come of it. What is not said may be anything.
    pub expect: Expected,
    /// How long answers are waited for, in milliseconds, after the last one.
    #[serde(default = "quiet_ms")]
    pub quiet_ms: u64,
}

/// What a probe does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Sends a message some number of times over one connection.
    Send {
        /// What is sent. Without it, the dialect's echo.
        #[serde(default)]
        send: Option<String>,
        /// A pattern of the answers. Without it, whatever carries the marker of a message.
        #[serde(default)]
        answer: Option<String>,
        /// How often.
        #[serde(default = "times")]
        times: u32,
        /// Bytes of `{payload}`, from 32.
        #[serde(default = "probe_size")]
        size: u32,
        /// Bytes of the whole message, which `{payload}` is then made to fill.
        #[serde(default)]
        message_bytes: Option<u32>,
    },
    /// Opens connections and holds them.
    Connect {
        /// How many.
        connections: u32,
    },
}

/// What must come of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// Messages that are answered.
    pub answered: Option<u32>,
    /// Messages that are refused, by the dialect's `refusal`.
    pub refused: Option<u32>,
    /// The close code of the connection; of connections, that of those that were accepted only to be told.
    pub close: Option<u16>,
    /// A pattern of its reason.
    pub reason: Option<String>,
    /// Connections that can be used.
    pub accepted: Option<u32>,
    /// Connections that were accepted only to be told `close`.
    pub closed: Option<u32>,
    /// The HTTP status of those that were not accepted.
    pub status: Option<u16>,
}

const fn times() -> u32 {
    1
}
const fn probe_size() -> u32 {
    64
}
const fn quiet_ms() -> u64 {
    500
}
