//! What can go wrong with an upstream, as the client is told it.

use std::borrow::Cow;

use tidegate_message::{Code, Rejection};

use super::client::Unanswered;

/// A failure: a code for software and a sentence for a person. Secrets and addresses stay in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Cow::Borrowed(code), message: message.into() }
    }

    /// The upstream could not be connected to, or broke off before it answered; or each of several.
    pub(crate) fn unreachable(unanswered: &Unanswered) -> Self {
        let what = match unanswered.none_left {
            true => "none of the route's upstreams can be reached",
            false => "the upstream cannot be reached",
        };
        Self::new("upstream_unreachable", what)
    }

    /// The upstream answered with an error status.
    pub(crate) fn status(status: http::StatusCode) -> Self {
        Self::new("upstream_status", format!("the upstream answered {status}"))
    }

    /// The upstream took too long.
    pub(crate) fn timeout(what: &'static str) -> Self {
        Self::new("upstream_timeout", what)
    }

    /// The upstream's answer ended before it was whole.
    pub(crate) fn died() -> Self {
        Self::new("upstream_died", "the upstream broke off in the middle of its answer")
    }

    /// The upstream sent something that is not what its route says.
    pub(crate) fn malformed(error: &impl std::fmt::Display) -> Self {
        Self::new("upstream_malformed", format!("the upstream's answer cannot be read: {error}"))
    }
}

impl From<Failure> for Rejection {
    /// A command that asked a route for one answer: the failure is its refusal.
    fn from(failure: Failure) -> Self {
        let code = match failure.code.as_ref() {
            "upstream_timeout" => Code::Timeout,
            "invalid_input" => Code::InvalidField,
            _ => Code::Upstream,
        };
        Self::new(code, failure.message)
    }
}
