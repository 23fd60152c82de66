//! What differs between two configurations, and what a running gateway can take over.

use super::check;
use super::error::ConfigErrors;
use super::origin::Origins;
use super::schema::{Config, Route};
use super::section::Section;
use super::setting::quoted;

/// Whether the values of a configuration go together.
///
/// # Errors
/// What does not.
pub(crate) fn fits(config: &Config, origins: &Origins) -> Result<(), ConfigErrors> {
    let errors = check::all(config, origins);
    if errors.is_empty() { Ok(()) } else { Err(ConfigErrors::new(errors)) }
}

impl Config {
    /// The value of a key as TOML, secrets as `"***"`.
    pub(crate) fn shown(&self, section: &str, key: &str) -> Option<String> {
        self.of(section).and_then(|values| values.render(key))
    }

    /// Whether a running gateway keeps the value of this key that it started with.
    pub(crate) fn needs_restart(&self, section: &str, key: &str) -> bool {
        let keys = self.of(section).map(Section::keys).unwrap_or_default();
        keys.iter().any(|known| known.name == key && known.restart)
    }

    fn of(&self, section: &str) -> Option<&dyn Section> {
        if section.is_empty() {
            return Some(self);
        }
        let sections = self.sections();
        sections.into_iter().find(|(name, ..)| *name == section).map(|(.., values)| values)
    }
}

impl Route {
    /// The keys whose values are others there, with both values.
    pub(crate) fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        let value = |route: &Self, key| route.render(key).unwrap_or_default();
        let keys = self.changed(other).into_iter();
        keys.map(|key| (key, value(self, key), value(other, key))).collect()
    }

    /// The route's name as TOML.
    pub(crate) fn shown_name(&self) -> String {
        quoted(&self.name)
    }
}
