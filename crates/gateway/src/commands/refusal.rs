//! The error of a session's stack: a rejection, whichever layer it comes from.

use tidegate_message::Rejection;
use tidegate_ratelimit::Refused;

/// Why a command was refused; becomes `error` or `rate_limit_error`.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Rejection);

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self(Rejection::rate_limited(refused.verdict.retry_after().unwrap_or_default()))
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        refusal.0
    }
}
