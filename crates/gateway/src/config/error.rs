//! What can be wrong with a configuration, and how it is told.
//!
//! Each error says where it is, which key it is about, what was expected, and what was found.

use std::fmt;

use super::origin::Origin;

/// One thing that is wrong: where, with which key, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the value came from.
    pub origin: Origin,
    /// The key, such as `rate_limit.max_requests`. Empty where the file as a whole is meant.
    pub key: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be read.
    Unreadable(String),
    /// The file is not TOML, or not YAML.
    Syntax(String),
    /// There is no such key.
    Unknown {
        /// The key that was probably meant.
        nearest: Option<String>,
    },
    /// The key exists, but not with such a value.
    Unfit(Unfit),
    /// A key that must be given is not.
    Missing,
    /// Two values that each are fine do not go together; the text names both keys.
    Conflict(String),
}

/// A value that a key cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What would do, in words.
    pub expected: String,
    /// What was found, in words. Never the content of a secret.
    pub found: String,
    /// What to write instead, if that can be said.
    pub hint: Option<String>,
}

impl Unfit {
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => {}
            Origin::File { path, line: 0 } => write!(f, "{}: ", path.display())?,
            Origin::File { path, line } => write!(f, "{}:{line}: ", path.display())?,
            other => write!(f, "{other}: ")?,
        }
        match &self.problem {
            Problem::Unknown { nearest } => {
                write!(f, "unknown key `{}`", self.key)?;
                nearest.iter().try_for_each(|key| write!(f, "; did you mean `{key}`?"))
            }
            Problem::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Problem::Syntax(why) => f.write_str(why),
            Problem::Missing => write!(f, "{}: must be set", self.key),
            Problem::Conflict(what) => write!(f, "{}: {what}", self.key),
            Problem::Unfit(Unfit { expected, found, hint }) => {
                write!(f, "{}: expected {expected}, found {found}", self.key)?;
                hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// Everything that is wrong with a configuration, in the order in which it was read. `Display` writes
/// one error a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(crate) fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// The errors one by one.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
