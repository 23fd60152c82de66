//! One session, its client over a pipe in memory, its commands and its observer, on a paused clock.

mod batching;
mod closing;
mod commands;
mod echo;
mod forms;
mod life;
mod peer;
mod size;
mod slow_client;
mod streams;
