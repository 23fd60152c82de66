//! Close codes of the wire. What a client does with one is `tidegate-reconnect`'s matter.

use std::borrow::Cow;

/// A WebSocket close code (RFC 6455 section 7.4): a standard one, or one of Tidegate's own ranges.
///
/// 4000–4099: do not reconnect. 4100–4199: reconnect after a wait. 4200–4299: reconnect now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose is fulfilled; also an idle session's end.
    pub const NORMAL: Self = Self(1000);
    /// The gateway drains or the client leaves its page.
    pub const GOING_AWAY: Self = Self(1001);
    /// A policy is broken: too many malformed messages, or a limit on connections.
    pub const POLICY: Self = Self(1008);
    /// A fault of the gateway's own.
    pub const INTERNAL: Self = Self(1011);
    /// The token is missing or wrong.
    pub const INVALID_TOKEN: Self = Self(4001);
    /// The token expired and was not refreshed in its grace period.
    pub const TOKEN_EXPIRED: Self = Self(4101);
    /// The client did not read, and something that must not be lost no longer fits.
    pub const SLOW_CONSUMER: Self = Self(4200);
}

/// How a session is to end: the code and a reason for a person (at most 123 bytes on the wire).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// Tells the client's software what to do.
    pub code: CloseCode,
    /// Tells a person why.
    pub reason: Cow<'static, str>,
}

impl Close {
    /// A close with a fixed reason.
    #[must_use]
    pub const fn new(code: CloseCode, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }
}
