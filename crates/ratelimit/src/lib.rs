//! Sliding-window rate limits with bursts and blocks; the refusal is a value that says when to retry.
//!
//! A [`Limit`] is a value: N requests in a window W, a burst B, a block. A [`Limiter`] is the state of
//! one key and lives where the key lives (a session, a connection), [`Limiters`] are several limits on one key; [`Keyed`] holds
//! the states of many keys under a hard cap. All answer with a [`Verdict`] at once and never wait. Nothing here knows a
//! clock (`now` is an argument), a runtime, a wire format or what a request is.
//!
//! # How a burst is paid back
//!
//! Every unit admitted is *booked*. Of the bookings no more than N lie in any window W. A unit that comes
//! when the window is full is booked for the moment when it would have fitted (W after the Nth booking
//! before it), and at most B bookings lie in the future. So a burst takes the places of later requests:
//! at most N + B pass in any window, and at most k·N + B in any k windows.
//!
//! With 30 in 60 s and a burst of 5, after silence, 35 pass at once; the 36th passes 60 s later. From then
//! on 30 pass in each window, and the spike of 35 is possible again after 120 s without a request.
//! With 5 in 1 s and no burst, the 6th request at 0 s is refused and passes at 1 s.
//!
//! # Exact and counted
//!
//! Up to N + B = [`EXACT_CAPACITY`] the bookings themselves are kept, four bytes each, and the decision is
//! exact to [`Limit::resolution`]. Above, units are counted in eleven buckets of W / 10, and a bucket counts whole until
//! all of it has left the window. So here too at most N + B units pass in any window (and k·N + B in any k); but a
//! request may be refused up to W / 10 longer than an exact log would refuse it, and a steady stream gets at least
//! ten elevenths of N. Above N + B = 65 535 each bucket is rounded up to N + B / 65 535 units.
//!
//! # The block
//!
//! With [`Limit::block`] the first refusal blocks the key until the block is over *and* the refused request
//! fits. Refusals before that moment are told the time that is left, and never extend it.

#[cfg(feature = "tower")]
mod ask;
mod buckets;
mod cells;
mod error;
#[cfg(feature = "tower")]
mod fields;
#[cfg(feature = "tower")]
mod future;
mod held;
mod keyed;
mod keyed_limiters;
#[cfg(feature = "tower")]
mod layer;
mod limit;
mod limiter;
mod limiters;
mod log;
mod network;
#[cfg(feature = "tower")]
mod note;
mod place;
#[cfg(feature = "tower")]
mod session_layer;
mod shard;
mod state;
mod table;
mod totals;
mod verdict;
mod window;

#[cfg(feature = "tower")]
pub use ask::{Ask, ByAddress, ByHeader, Costed};
pub use error::ConfigError;
#[cfg(feature = "tower")]
pub use fields::{too_many_requests, write_fields};
#[cfg(feature = "tower")]
pub use future::RateLimitFuture;
pub use keyed::Keyed;
pub use keyed_limiters::KeyedLimiters;
#[cfg(feature = "tower")]
pub use layer::{RateLimit, RateLimitLayer};
pub use limit::{EXACT_CAPACITY, Limit};
pub use limiter::Limiter;
pub use limiters::Limiters;
pub use network::Network;
#[cfg(feature = "tower")]
pub use note::{InExtensions, Note, Nowhere};
#[cfg(feature = "tower")]
pub use session_layer::{SessionLimit, SessionLimitLayer};
pub use totals::{SharedTotals, Totals};
pub use verdict::{FOREVER, Refused, Standing, Verdict};

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
