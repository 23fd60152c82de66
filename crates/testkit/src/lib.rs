//! What Tidegate's tests stand on: byte splitters, generated corpora, a real HTTP upstream that misbehaves on
//! request, and a WebSocket client that shares no code with the gateway.
//!
//! This crate knows none of the crates it tests. It is a shell: it opens sockets, reads the clock and spawns.

pub mod client;
pub mod corpora;
pub mod random;
pub mod split;
pub mod upstream;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
