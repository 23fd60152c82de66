//! What a configuration can have wrong. It does not know refusals: those are [`Refused`](crate::Refused).

/// A configuration that means nothing, by the field that is wrong. Nothing is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The window of a limit is zero: no time, in which nothing can be counted.
    #[error("`window` is zero: a limit needs a time to count in")]
    Window,
    /// More bytes are needed to hold one key.
    #[error("`max_bytes` is {given}: one key alone may need {needed}")]
    MaxBytes {
        /// What was asked for.
        given: usize,
        /// What one key may need, its own heap apart.
        needed: usize,
    },
    /// An address has no such prefix.
    #[error("`prefix` is {given}: an IPv6 address has 128 bits")]
    Prefix {
        /// What was asked for, in bits.
        given: u8,
    },
}
