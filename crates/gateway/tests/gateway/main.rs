//! The gateway over real sockets, judged by a client and an upstream that share no code with it.

mod codec;
mod cors;
mod door;
mod hostile;
mod http_api;
mod limits;
mod malformed;
mod running;
mod sessions;
mod shared_limits;
mod slow;
mod snapshots;
mod streams;
