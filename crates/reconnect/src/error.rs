//! Which setting cannot be. It does not know what the settings are for.

/// Settings that would never wait, wait for ever, or contradict themselves. Each names the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Impossible {
    /// The delays of `first_delays` fall, or the last of them is zero: doubled, it would stay so.
    #[error("`first_delays` must not fall, and the last of them must not be zero")]
    FirstDelays,
    /// `max_delay` is zero: every attempt would follow the one before it at once.
    #[error("`max_delay` must not be zero")]
    MaxDelay,
    /// `jitter` is no share.
    #[error("`jitter` must be a number from 0 to 1")]
    Jitter,
    /// `connect_timeout` is zero: every attempt would fail.
    #[error("`connect_timeout` must not be zero")]
    ConnectTimeout,
    /// A time is longer than [`LONGEST`](crate::LONGEST).
    #[error("`{field}` must not be longer than 365 days")]
    TooLong {
        /// The field of [`Settings`](crate::Settings).
        field: &'static str,
    },
}
