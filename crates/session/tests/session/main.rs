//! One session, its client over a pipe in memory or TCP, its commands and its observer; mostly on a paused clock.

mod batching;
mod closing;
mod commands;
mod direct;
mod echo;
mod filling;
mod forms;
mod life;
mod peer;
mod size;
mod slow_client;
mod streams;
mod work;
