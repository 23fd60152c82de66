//! What does not construct, or does not fit, in the rooms beside the outbox.

/// Why a schedule does not construct, or a window or a wheel takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A schedule with this would never time out.
    #[error("`timeout` must not be zero")]
    ZeroTimeout,
    /// A time of a schedule is longer than 365 days.
    #[error("`{field}` must not be longer than 365 days")]
    TooLong {
        /// The argument.
        field: &'static str,
    },
    /// A bound with this would take nothing.
    #[error("`{field}` must not be zero")]
    Zero {
        /// The argument.
        field: &'static str,
    },
    /// It holds as many messages as it may. Nothing was changed.
    #[error("it holds as many messages as it may")]
    Full,
    /// A message was tracked under a number that is not above all before it. Nothing was changed.
    #[error("numbers of messages must rise: {number} is not above {last}")]
    NotRising {
        /// The number given.
        number: u64,
        /// The highest so far.
        last: u64,
    },
}

/// What was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not taken: {why}")]
pub struct Refused<T> {
    /// It comes back.
    pub item: T,
    /// The reason.
    pub why: Error,
}
