//! What a limiter answers. It does not know how an answer is put on a wire.

use std::time::{Duration, Instant};

use crate::Limit;

/// The `retry_after` of a request that never passes, because it costs more than [`Limit::capacity`].
pub const FOREVER: Duration = Duration::MAX;

/// The largest number of seconds told, as RFC 9111 §1.2.2 recommends for times that overflow: 2³¹.
const MOST_SECONDS: u64 = 1 << 31;

/// The answer to one request. All durations count from the `now` that was asked with,
/// and are exact: a request that waits as long as told passes (if no other is admitted meanwhile), one that waits a nanosecond
/// less does not.
#[must_use = "a verdict that nobody reads limits nothing"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request passes and is counted.
    Allowed {
        /// The units that would still pass at this moment, the burst included.
        remaining: u32,
        /// When everything is free again if nothing more is sent.
        reset: Duration,
    },
    /// The request does not pass; nothing was counted. The limit has no block, or the request can never pass.
    Limited {
        /// When the same request passes, if no other is admitted before; [`FOREVER`]: never.
        retry_after: Duration,
    },
    /// The key is blocked: by this refusal, or by an earlier one.
    Blocked {
        /// When the same request passes: the block is over *and* the window has room.
        until: Instant,
        /// The time until then.
        retry_after: Duration,
    },
}

impl Verdict {
    /// Whether the request passes.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// How long to wait; `None` if the request passes.
    pub const fn retry_after(&self) -> Option<Duration> {
        match *self {
            Self::Allowed { .. } => None,
            Self::Limited { retry_after } | Self::Blocked { retry_after, .. } => Some(retry_after),
        }
    }

    /// [`Self::retry_after`] in whole seconds, rounded up, as `Retry-After` (RFC 9110 §10.2.3) takes it:
    /// at least 1, at most 2³¹.
    pub fn retry_after_secs(&self) -> Option<u64> {
        let wait = self.retry_after()?;
        let rounded_up = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        Some(rounded_up.clamp(1, MOST_SECONDS))
    }

    /// The refusal as an error, for `?`; its policy is `default`.
    ///
    /// # Errors
    /// [`Refused`] with this verdict unless the request passes.
    pub const fn into_result(self, limit: Limit) -> Result<(), Refused> {
        match self {
            Self::Allowed { .. } => Ok(()),
            verdict => Err(Refused { policy: "default", limit, verdict }),
        }
    }
}

/// How a request stands with one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The name by which clients are told of the limit.
    pub policy: &'static str,
    /// The limit.
    pub limit: Limit,
    /// What it says.
    pub verdict: Verdict,
}

/// A request was refused: by which limit, and until when.
///
/// With the feature `tower`, `too_many_requests` makes a 429 of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests: {} in {:?} are allowed", limit.max_requests(), limit.window())]
#[non_exhaustive]
pub struct Refused {
    /// The name by which clients are told of the limit.
    pub policy: &'static str,
    /// The limit that refused.
    pub limit: Limit,
    /// The answer; never [`Verdict::Allowed`].
    pub verdict: Verdict,
}

impl Refused {
    /// The refusal that lasts longest; `None` if all allow.
    #[must_use]
    pub fn by(standings: &[Standing]) -> Option<Self> {
        let refusing = standings.iter().filter(|standing| !standing.verdict.is_allowed());
        let longest = refusing.max_by_key(|standing| standing.verdict.retry_after())?;
        let Standing { policy, limit, verdict } = *longest;
        Some(Self { policy, limit, verdict })
    }

    /// The same with another name for the limit.
    #[must_use]
    pub const fn named(mut self, policy: &'static str) -> Self {
        self.policy = policy;
        self
    }
}
