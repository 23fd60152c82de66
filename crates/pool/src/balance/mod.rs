//! Picks one of many: members of a group, or upstreams. Knows only who is available, their load and their weight;
//! randomness and time are arguments.

mod latency;
mod pick;
mod picked;
mod upstreams;

pub use latency::Latency;
pub(crate) use pick::Turn;
pub use pick::{Balancer, Candidates, Method};
pub use picked::Picked;
pub use upstreams::{Health, UpstreamState, Upstreams};
