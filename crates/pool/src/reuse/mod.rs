//! Connections that are kept for the next who needs one: bounded, given in the order of asking, looked at before they
//! are given. Knows neither how to connect nor a runtime nor a clock.
//!
//! [`Reuse::checkout`] answers with a connection that is free, or with a [`Vacancy`]: leave to make one. A
//! [`Lent`] that is given back is kept for the next; one that is dropped is closed, for whoever was cut off in the
//! middle of something has left the connection in the middle of it.

mod checkout;
mod lanes;
mod lent;
mod limits;

pub use checkout::{Checkout, Given};
pub use lent::{Lent, Reuse, Vacancy};
pub use limits::{Exhausted, ReuseLimits, ReuseStats};
#[cfg(feature = "tower")]
pub use service::{Reused, ReusedError, ReusedFuture};

#[cfg(feature = "tower")]
mod service;
