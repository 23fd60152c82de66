//! What a WebSocket close code asks of a client. A code is a `u16` here; it knows no delays.

/// With code 1008: the server is full, come back after a wait.
pub const SERVER_AT_CAPACITY: &str = "Server at capacity";
/// With code 1008: this user has too many connections, come back after a wait.
pub const CONNECTION_LIMIT: &str = "Connection limit reached";

/// What to do after a close (RFC 6455 §7.4 and the ranges of Tidegate's protocol).
///
/// ```
/// use tidegate_reconnect::CloseMeaning;
///
/// assert_eq!(CloseMeaning::of(1001, "restart"), CloseMeaning::Draining);
/// assert_eq!(CloseMeaning::of(1008, "banned"), CloseMeaning::Final);
/// assert_eq!(CloseMeaning::of(1008, "Server at capacity"), CloseMeaning::Wait);
/// ```
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseMeaning {
    /// Do not come back: the same would happen again.
    Final,
    /// Come back after a wait: something has to change first (a quota, a token, room).
    Wait,
    /// Come back with full jitter: everybody else was sent away too.
    Draining,
    /// Come back by the policy: this connection alone was lost.
    Lost,
    /// Come back at once and resume.
    Resume,
}

impl CloseMeaning {
    /// The meaning of a close frame. The reason matters only with 1008. Where an application's own codes
    /// mean something else, it gives [`Ending::Closed`](crate::Ending::Closed) the meaning itself.
    ///
    /// | code | meaning |
    /// |---|---|
    /// | 1000, 1002, 1003, 1007, 1008, 1009, 1010, 4000–4099 | `Final` |
    /// | 1008 `Server at capacity` or `Connection limit reached`, 4100–4199 | `Wait` |
    /// | 1001, 1012, 1013 | `Draining` |
    /// | 4200–4299 | `Resume` |
    /// | 1006, 1011, any other, and 1005 (no code given) | `Lost` |
    pub fn of(code: u16, reason: &str) -> Self {
        match code {
            1008 if matches!(reason, SERVER_AT_CAPACITY | CONNECTION_LIMIT) => Self::Wait,
            1000 | 1002 | 1003 | 1007..=1010 | 4000..=4099 => Self::Final,
            4100..=4199 => Self::Wait,
            1001 | 1012 | 1013 => Self::Draining,
            4200..=4299 => Self::Resume,
            _ => Self::Lost,
        }
    }
}
