//! Which key a misspelt one was meant to be: one with a similar name, or the same name elsewhere.

use super::lists::List;
use super::nearest::nearest;
use super::schema::Config;
use super::section::Section;
use super::{path, variable};

/// Every key as (section, name); the section of those at the top is empty.
pub(crate) fn all(config: &Config) -> Vec<(&'static str, &'static str)> {
    let top = config.keys().into_iter().map(|key| ("", key.name));
    let sections = config.sections();
    let inner = sections
        .iter()
        .flat_map(|(section, _, values)| values.keys().into_iter().map(|key| (*section, key.name)));
    top.chain(inner).collect()
}

/// The key that `key` in `section` of a file was meant to be: one of the section by its name, or one
/// elsewhere by its path.
pub(crate) fn in_file(config: &Config, section: &str, key: &str) -> Option<String> {
    let all = all(config);
    let here = all.iter().filter(|(of, _)| *of == section).map(|(_, name)| *name);
    let sections = config.sections();
    let at_top = sections.iter().map(|(name, ..)| *name).filter(|_| section.is_empty());
    let lists =
        List::ALL.iter().filter(|list| list.place().0 == section).map(|list| list.place().1);
    let known: Vec<&str> = here.chain(at_top).chain(lists).collect();
    nearest(key, known).map(str::to_owned).or_else(|| {
        let elsewhere = all.iter().find(|(of, name)| *of != section && *name == key);
        elsewhere.map(|(section, name)| path(section, name))
    })
}

/// The key that `key` of an item of a list was meant to be.
pub(crate) fn in_list(list: List, key: &str) -> Option<String> {
    nearest(key, list.blank().keys().iter().map(|key| key.name)).map(str::to_owned)
}

/// The variable that `name` was meant to be.
pub(crate) fn variable(config: &Config, name: &str) -> Option<String> {
    let known: Vec<String> =
        all(config).iter().map(|(section, key)| variable::name(section, key)).collect();
    closest(name, &known, variable::PREFIX)
}

/// The whole key that `key` was meant to be.
pub(crate) fn key(config: &Config, key: &str) -> Option<String> {
    let known: Vec<String> = all(config).iter().map(|(section, key)| path(section, key)).collect();
    closest(key, &known, "")
}

/// The closest by all but the prefix, which is the same for all.
fn closest(word: &str, known: &[String], prefix: &str) -> Option<String> {
    let bare = |text: &'_ str| text.strip_prefix(prefix).unwrap_or(text).to_owned();
    let names: Vec<String> = known.iter().map(|name| bare(name)).collect();
    nearest(&bare(word), names.iter().map(String::as_str)).map(|name| format!("{prefix}{name}"))
}
