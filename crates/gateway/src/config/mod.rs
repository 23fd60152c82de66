//! The configuration: one typed [`Config`], read from defaults, a profile, a file, the environment and flags.
//!
//! Every key is declared once, in `schema.rs`; errors, environment names, `check-config` and
//! `docs/CONFIG.md` are derived from that. Nothing here reads the environment or the command line by
//! itself, and nothing here knows what the values are used for.

mod check;
mod check_auth;
mod choice;
mod derived;
mod difference;
mod duration;
mod error;
mod file;
mod from_toml;
mod from_yaml;
mod hints;
mod lists;
mod load;
mod meant;
mod nearest;
mod network;
mod node;
mod origin;
mod profile;
mod quota;
mod reference;
mod render;
mod schema;
mod schema_auth;
mod secret;
mod section;
mod setting;
mod size;
mod upstreams;
mod variable;
mod web_address;

pub use check::safety;
pub use choice::{
    Algorithm, Anonymous, ForwardedHeader, Profile, Request, Response, Strategy, Vocabulary,
};
pub(crate) use difference::fits;
pub use error::{ConfigError, ConfigErrors, Problem, Unfit};
pub use hints::hints;
pub use load::{Loaded, Sources};
pub use origin::{Origin, Origins};
pub use quota::Quota;
pub(crate) use quota::limit_of;
pub use reference::reference;
pub use schema::{
    Api, Codec, Config, Dev, Heartbeat, Listen, Pool, Queue, RateLimit, Route, Session, Stream, Tls,
};
pub use schema_auth::{Auth, AuthKey, Authorize};
pub use secret::Secret;
pub use size::Size;
pub use upstreams::{Upstream, Upstreams};
pub use web_address::WebAddress;

/// A duration as the configuration writes it: `90s`, `1h30m`.
pub(crate) use duration::parse as parse_duration;

/// The whole name of a key; `section` is empty for those at the top.
pub(crate) fn path(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}
