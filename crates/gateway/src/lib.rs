//! Tidegate: a WebSocket gateway for chat and agent streams.
//!
//! The library behind the binary `tidegate`. Read [`stack`] first: it shows what stands between a socket and
//! a handler, top to bottom. `docs/ARCHITECTURE.md` follows one message through the files.
#![expect(
    clippy::disallowed_methods,
    reason = "the gateway is the shell: it reads clocks, spawns one task per session and sleeps"
)]

mod accept;
mod access;
mod announce;
mod app;
mod around;
mod certificate;
pub mod check_config;
pub mod cli;
mod clock;
mod commands;
pub mod config;
mod connection;
mod demo;
mod direct;
mod drain;
mod fanout;
mod guard;
mod http;
mod identity;
pub mod journal_command;
mod lease;
mod live;
mod network;
mod observe;
mod pace;
mod random;
mod reload;
pub mod remote;
mod runs;
mod shared_limits;
pub mod stack;
pub mod start;
mod stats;
mod token;
pub mod token_command;
mod upstream;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
