//! The gateway over real sockets, judged by a client and an upstream that share no code with it.

mod codec;
mod door;
mod http_api;
mod issuer;
mod jwks;
mod limits;
mod malformed;
mod publisher;
mod rights;
mod running;
mod secrets;
mod sessions;
mod slow;
mod snapshots;
mod streams;
mod token_command;
mod tokens;
