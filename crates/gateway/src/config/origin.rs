//! Where a value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::choice::Profile;

/// Where a value came from. `Display` is what `check-config` writes behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// Nobody set it.
    #[default]
    Default,
    /// The profile sets it.
    Profile(Profile),
    /// A line of the configuration file; 0 where the line is not known.
    File {
        /// The file, as it was named.
        path: Arc<Path>,
        /// The line, counted from 1.
        line: u32,
    },
    /// An environment variable, by its name.
    Env(String),
    /// A command-line flag, as it was written: `--listen`, `--set queue.batch_size`.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Profile(profile) => write!(f, "profile {}", profile.word()),
            Self::File { path, line: 0 } => write!(f, "file {}", path.display()),
            Self::File { path, line } => write!(f, "file {}:{line}", path.display()),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// The origin of every value, by its key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where the value of `key` came from: `rate_limit.max_requests`, `routes[0].name`.
    #[must_use]
    pub fn of(&self, key: &str) -> Origin {
        self.0.get(key).cloned().unwrap_or_default()
    }

    pub(crate) fn note(&mut self, key: String, origin: Origin) {
        self.0.insert(key, origin);
    }
}
