//! The gateway over real sockets, judged by a client and an upstream that share no code with it.

mod api;
mod codec;
mod cors;
mod door;
mod drain;
mod hostile;
mod http_api;
mod issuer;
mod jwks;
mod limits;
mod malformed;
mod process;
mod publisher;
mod reload;
mod remote;
mod rights;
mod running;
mod secrets;
mod sessions;
mod shared_limits;
mod slow;
mod snapshots;
mod streams;
mod tls;
mod token_command;
mod tokens;
