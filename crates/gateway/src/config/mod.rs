//! The configuration: one typed [`Config`], read from defaults, a profile, a file, the environment and flags.
//!
//! Every key is declared once, in `schema.rs`; errors, environment names, `check-config` and
//! `docs/CONFIG.md` are derived from that. Nothing here reads the environment or the command line by
//! itself, and nothing here knows what the values are used for.

mod choice;
mod schema;
mod secret;
mod section;
mod size;

pub use choice::{Anonymous, Profile, Request, Response, Vocabulary};
pub use schema::{
    Api, Auth, Authorize, Codec, Config, Dev, Heartbeat, Listen, Pool, Queue, RateLimit, Route,
    Session, Stream,
};
pub use secret::Secret;
pub use size::Size;
