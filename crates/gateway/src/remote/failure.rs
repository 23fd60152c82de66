//! What can go wrong between a command and the gateway, and with which exit code it is told.

use http::StatusCode;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The gateway was asked and said no.
    #[error("the gateway refuses: {detail} ({status}, {code})")]
    Refused {
        /// The status of its answer.
        status: StatusCode,
        /// The problem document's code for software.
        code: String,
        /// The problem document's sentence.
        detail: String,
    },
    /// The command line or the environment does not say enough.
    #[error("{0}")]
    Usage(String),
    /// Nobody answered, or somebody who is no gateway.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    /// The exit code: 1 refused, 2 asked wrongly (as for a wrong flag), 3 no gateway there.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }
}
