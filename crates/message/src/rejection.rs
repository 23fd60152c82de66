//! A refusal as a value: a code for software, a sentence for a person, and the place at fault.

use std::borrow::Cow;
use std::time::Duration;

/// Why a command was refused. The names are the wire's: see [`Code::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The bytes are no JSON object.
    Malformed,
    /// A field is missing or has a wrong type or value.
    InvalidField,
    /// No command and no route has this `type`.
    UnknownType,
    /// The command or field is known, but this version does not do it.
    Unsupported,
    /// The session has no right to do this.
    Forbidden,
    /// What is named does not exist, or must not be seen by this session.
    NotFound,
    /// The session has not said who it is.
    Unauthorized,
    /// No route is configured for this.
    NoRoute,
    /// The message, or what it asks for, is larger than its limit.
    TooLarge,
    /// A receiver's queue has been full for as long as a sender waits.
    QueueFull,
    /// A limit on something other than requests (streams, groups) is reached.
    LimitReached,
    /// The handler took longer than its deadline.
    Timeout,
    /// Too many requests; on the wire this is `rate_limit_error`.
    RateLimited,
    /// The route's upstream failed.
    Upstream,
    /// A fault of the gateway's own.
    Internal,
}

impl Code {
    /// The code as it stands in `error.code`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::InvalidField => "invalid_field",
            Self::UnknownType => "unknown_type",
            Self::Unsupported => "unsupported",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Unauthorized => "unauthorized",
            Self::NoRoute => "no_route",
            Self::TooLarge => "too_large",
            Self::QueueFull => "queue_full",
            Self::LimitReached => "limit_reached",
            Self::Timeout => "timeout",
            Self::RateLimited => "rate_limited",
            Self::Upstream => "upstream_failed",
            Self::Internal => "internal",
        }
    }
}

/// A refused command. Becomes `error`, or `rate_limit_error`, on the wire: see [`crate::Event`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// For software.
    pub code: Code,
    /// For a person: what is wrong and what would be right.
    pub message: Cow<'static, str>,
    /// The byte at fault, counted from the start of the message, where one is.
    pub offset: Option<usize>,
    /// When the same request passes, where waiting helps.
    pub retry_after: Option<Duration>,
}

impl Rejection {
    /// A refusal with a code and a sentence.
    #[must_use]
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), offset: None, retry_after: None }
    }

    /// The same, with the byte at fault.
    #[must_use]
    pub fn at(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// A request over its limit, with the time after which it passes.
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(Code::RateLimited, "Too many requests") }
    }

    /// `field` has the wrong type or value.
    #[must_use]
    pub fn field(field: &str, expected: &str) -> Self {
        Self::new(Code::InvalidField, format!("field `{field}`: expected {expected}"))
    }

    /// Whether the message itself was not understood. Ten of those in a minute end a session.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        matches!(self.code, Code::Malformed | Code::InvalidField | Code::UnknownType)
    }
}
