//! When to try again: delays, jitter and close codes as one policy value.
//!
//! A [`Policy`] says how long to wait; [`Attempts`] counts the failures of one connection and answers each
//! [`Ending`] with a delay or with [`GaveUp`]; [`CloseMeaning`] says what a WebSocket close code asks for. Nothing
//! here knows a clock, a source of randomness (a number in 0..1 is an argument) or a socket.
//! Feature `tokio` adds the loop, feature `tower` a retry policy.

mod attempts;
mod close;
#[cfg(feature = "tokio")]
mod connect;
mod policy;
#[cfg(feature = "tower")]
mod retry;

pub use attempts::{Attempts, Ending, GaveUp};
pub use close::{CONNECTION_LIMIT, CloseMeaning, SERVER_AT_CAPACITY};
#[cfg(feature = "tokio")]
pub use connect::{Abandoned, Failure, connect_with};
pub use policy::{Policy, Spread};
#[cfg(feature = "tower")]
pub use retry::RetryPolicy;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
