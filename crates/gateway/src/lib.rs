//! Tidegate: a WebSocket gateway for chat and agent streams.

pub mod config;
