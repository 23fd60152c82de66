//! What can keep a job from being done. Each error is a sentence, and has a hint that says what to do.

use std::io;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a job was not done, by the guilty side.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The job or its dialect cannot be done as it is written.
    #[error("the job cannot be done: {0}")]
    Job(String),
    /// The system lets this process open too few files.
    #[error("{wanted} files are needed, one a connection, and the system allows {allowed}")]
    TooFewFiles {
        /// How many are needed.
        wanted: u64,
        /// How many there may be.
        allowed: u64,
    },
    /// The address of the target cannot be understood or found.
    #[error("`{address}` is no address that can be connected to: {why}")]
    Address {
        /// As it was written.
        address: String,
        /// What the system says.
        why: String,
    },
    /// Nobody listens there.
    #[error("nothing listens at {address}")]
    Refused {
        /// The address.
        address: String,
    },
    /// What listens there speaks something else.
    #[error(
        "what listens at {address} is no WebSocket server: it answered the upgrade with {said}"
    )]
    NotWebSocket {
        /// The address.
        address: String,
        /// The beginning of its answer.
        said: String,
    },
    /// It is an HTTP server, and did not upgrade.
    #[error("the server refused the upgrade of `{path}` with {status}")]
    NotUpgraded {
        /// The path.
        path: String,
        /// Its status line.
        status: String,
    },
    /// Connecting took too long.
    #[error("{open} of {wanted} connections could be used after {seconds:.1} s{last}")]
    ConnectTimeout {
        /// Connections that could be used.
        open: u32,
        /// Connections that should have been.
        wanted: u32,
        /// How long it took.
        seconds: f64,
        /// What became of the last that could not, or nothing.
        last: String,
    },
    /// The server went away in the middle.
    #[error("the server ended all connections {seconds:.1} s after load began ({reason})")]
    ServerGone {
        /// When.
        seconds: f64,
        /// What became of the last connection.
        reason: String,
    },
    /// It did not go away, though it should have.
    #[error("{open} of {wanted} connections were still there after {seconds:.1} s")]
    NotCut {
        /// Connections that were still there.
        open: u32,
        /// Connections that there were.
        wanted: u32,
        /// How long was waited.
        seconds: f64,
    },
    /// A process that was to be watched is not there.
    #[error("process {pid} is not there to be watched")]
    NoProcess {
        /// Its id.
        pid: u32,
    },
    /// Somebody wanted the end.
    #[error("the job was told to stop before its end")]
    Stopped,
    /// A process of the generator ended before its work was done.
    #[error("a process of the generator ended: {how}")]
    PartGone {
        /// How it ended.
        how: String,
    },
    /// A process of the generator says why it cannot go on.
    #[error("{what}")]
    Part {
        /// The error there, as a sentence.
        what: String,
        /// Its hint.
        hint: String,
    },
    /// The system refused something.
    #[error("the system refused to {what}: {source}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it, as a sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::Job(_) => "Correct the job; README.md has its keys.".into(),
            Self::TooFewFiles { wanted, .. } => format!(
                "Run `ulimit -n {wanted}` in the shell that starts this (root may raise the hard limit), or ask for fewer \
                 connections."
            ),
            Self::Address { .. } => "Write `target.address` as `host:port`.".into(),
            Self::Refused { .. } => "Start the server, or correct its address.".into(),
            Self::NotWebSocket { .. } => "Correct the address; TLS is not spoken here.".into(),
            Self::NotUpgraded { .. } => {
                "Correct the path (in the dialect, with its `headers`), or the server's limits.".into()
            }
            Self::ConnectTimeout { .. } => {
                "Look into the server's log and at its limits; compare the dialect's `greeting`, `ready` and `subscribe.ready` \
                 with what it says; or raise `connect_timeout_ms`."
                    .into()
            }
            Self::ServerGone { .. } => {
                "See whether the server still runs; its log may say why it ended them.".into()
            }
            Self::NotCut { .. } => "Stop the server within `duration_ms` after the job began.".into(),
            Self::NoProcess { .. } => "Correct `target.pids`; the server may have ended.".into(),
            Self::Stopped => {
                "What was measured until then is kept, and marked as partial; start it again for all of it.".into()
            }
            Self::PartGone { .. } => {
                "See whether the machine has memory left (the system's log names what it killed), and run it again.".into()
            }
            Self::Part { hint, .. } => hint.clone(),
            Self::System { .. } => "See what the system says; too many open files or ports in use, most likely.".into(),
        }
    }

    /// Whether another thread or process may know better why the work ended.
    pub(crate) fn is_vague(&self) -> bool {
        matches!(self, Self::ConnectTimeout { .. })
    }

    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

/// An error on its way from one process of the generator to another: what people are told, and what is added up.
#[derive(Serialize, Deserialize)]
enum Told {
    ConnectTimeout { open: u32, wanted: u32, seconds: f64, last: String },
    Other { what: String, hint: String },
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = match self {
            Self::ConnectTimeout { open, wanted, seconds, last } => {
                let (open, wanted, seconds) = (*open, *wanted, *seconds);
                Told::ConnectTimeout { open, wanted, seconds, last: last.clone() }
            }
            other => Told::Other { what: other.to_string(), hint: other.hint() },
        };
        told.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Told::deserialize(deserializer)? {
            Told::ConnectTimeout { open, wanted, seconds, last } => {
                Self::ConnectTimeout { open, wanted, seconds, last }
            }
            Told::Other { what, hint } => Self::Part { what, hint },
        })
    }
}
