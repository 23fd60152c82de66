//! When to try again: delays, jitter and close codes as one policy value.
//!
//! [`Settings`] make a [`Policy`], which says how long to wait; [`Attempts`] counts the failures of one connection and
//! answers each [`Ending`] with a delay or with [`GaveUp`]; [`CloseMeaning`] says what a WebSocket close code asks
//! for. Nothing here knows a clock, a source of randomness or a socket: a time and a number in 0..1 are arguments.
//! Feature `tokio` adds the loop, `Connector`; feature `tower` a retry policy.

mod attempts;
mod close;
#[cfg(feature = "tokio")]
mod connect;
mod ending;
mod error;
#[cfg(feature = "tower")]
mod layer;
mod policy;
mod settings;
#[cfg(feature = "tokio")]
mod signals;
mod spread;

pub use attempts::{Attempts, Hint};
pub use close::{CONNECTION_LIMIT, CloseMeaning, SERVER_AT_CAPACITY};
#[cfg(feature = "tokio")]
pub use connect::{Abandoned, Connector, Failure, State};
pub use ending::{Ending, GaveUp};
pub use error::Impossible;
#[cfg(feature = "tower")]
pub use layer::RetryPolicy;
pub use policy::Policy;
pub use settings::{LONGEST, Settings};
#[cfg(feature = "tokio")]
pub use signals::Signals;
pub use spread::Spread;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
