//! Sliding-window rate limits with bursts and blocks; the refusal is a value that says when to retry.
//!
//! A [`Limit`] is a value: N requests in a window W, a burst B, a block. A [`Limiter`] is the state of
//! one key and lives where the key lives (a session, a connection); [`Keyed`] holds the states of many
//! keys under a hard cap. Both answer with a [`Verdict`] at once and never wait. Nothing here knows a
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
//! # Exact and estimated
//!
//! Up to N + B = [`EXACT_CAPACITY`] the bookings themselves are kept, four bytes each, and the decision is
//! exact to [`Limit::resolution`]. Above, two counters are kept and the units of the window before are taken as spread evenly
//! over it. Then at most 2·N + B units pass in any window (N + B if they come evenly), and a request may be
//! refused up to W too early or late when they do not.
//!
//! # The block
//!
//! With [`Limit::block`] the first refusal blocks the key until the block is over *and* the refused request
//! fits. Refusals before that moment are told the time that is left, and never extend it.

mod counter;
mod keyed;
#[cfg(feature = "tower")]
mod layer;
mod limit;
mod limiter;
mod log;
mod state;
mod totals;
mod verdict;

pub use keyed::Keyed;
#[cfg(feature = "tower")]
pub use layer::{Cost, RateLimit, RateLimitFuture, RateLimitLayer};
pub use limit::{EXACT_CAPACITY, Limit};
pub use limiter::Limiter;
pub use totals::{SharedTotals, Totals};
pub use verdict::{FOREVER, Refused, Verdict};

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
