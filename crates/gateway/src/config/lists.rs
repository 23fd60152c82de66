//! The tables that repeat: `[[routes]]` and `[[auth.keys]]`. Where each stands, and how its items are reached.
//!
//! It knows no key of an item.

use super::schema::{Config, Route};
use super::schema_auth::AuthKey;
use super::section::Section;

/// A table that repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Routes,
    AuthKeys,
}

impl List {
    pub(crate) const ALL: [Self; 2] = [Self::AuthKeys, Self::Routes];

    /// Its name, as it stands between the brackets.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Routes => "routes",
            Self::AuthKeys => "auth.keys",
        }
    }

    /// Its section, empty at the top, and its name there.
    pub(crate) fn place(self) -> (&'static str, &'static str) {
        self.path().split_once('.').unwrap_or(("", self.path()))
    }

    /// The list of this name in this section.
    pub(crate) fn at(section: &str, name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.place() == (section, name))
    }

    /// The list, the index and the key that a name of several parts means.
    pub(crate) fn of(parts: &[String]) -> Option<(Self, &str, &str)> {
        match parts {
            [name, index, key] => Some((Self::at("", name)?, index, key)),
            [section, name, index, key] => Some((Self::at(section, name)?, index, key)),
            _ => None,
        }
    }

    /// One of its items in words.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Routes => "route",
            Self::AuthKeys => "key",
        }
    }

    /// What its items are.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Routes => "The upstreams",
            Self::AuthKeys => "Keys that tokens are verified with, beside `auth.jwt_secret`",
        }
    }

    /// The most items that may be configured.
    pub(crate) const fn max(self) -> usize {
        match self {
            Self::Routes => 256,
            Self::AuthKeys => 64,
        }
    }

    /// An item with nothing set.
    pub(crate) fn blank(self) -> Box<dyn Section> {
        match self {
            Self::Routes => Box::new(Route::default()),
            Self::AuthKeys => Box::new(AuthKey::default()),
        }
    }

    /// The items that are configured.
    pub(crate) fn items(self, config: &Config) -> Vec<&dyn Section> {
        match self {
            Self::Routes => config.routes.iter().map(|item| item as &dyn Section).collect(),
            Self::AuthKeys => config.auth.keys.iter().map(|item| item as &dyn Section).collect(),
        }
    }

    /// One of the items.
    pub(crate) fn item(self, config: &mut Config, index: usize) -> Option<&mut dyn Section> {
        match self {
            Self::Routes => config.routes.get_mut(index).map(|item| item as &mut dyn Section),
            Self::AuthKeys => config.auth.keys.get_mut(index).map(|item| item as &mut dyn Section),
        }
    }

    /// Adds an item with nothing set.
    pub(crate) fn push(self, config: &mut Config) {
        match self {
            Self::Routes => config.routes.push(Route::default()),
            Self::AuthKeys => config.auth.keys.push(AuthKey::default()),
        }
    }
}
