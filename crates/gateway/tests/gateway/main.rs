//! The gateway over real sockets, judged by a client and an upstream that share no code with it.

mod codec;
mod door;
mod http_api;
mod limits;
mod malformed;
mod running;
mod sessions;
mod slow;
mod snapshots;
mod streams;
mod tls;
