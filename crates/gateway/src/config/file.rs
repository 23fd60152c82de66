//! Reads a configuration file: YAML by its extension, TOML otherwise.

use std::path::Path;
use std::sync::Arc;

use super::error::{ConfigError, Problem};
use super::node::{Node, SyntaxError};
use super::origin::Origin;
use super::{from_toml, from_yaml};

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

pub(crate) fn read(path: &Path) -> Result<Node, Vec<ConfigError>> {
    let error = |line, problem| ConfigError {
        origin: Origin::File { path: Arc::from(path), line },
        key: String::new(),
        problem,
    };
    let bytes =
        std::fs::read(path).map_err(|why| vec![error(0, Problem::Unreadable(why.to_string()))])?;
    if bytes.len() > MAX_BYTES {
        let why = format!("larger than {MAX_BYTES} bytes");
        return Err(vec![error(0, Problem::Unreadable(why))]);
    }
    let text = String::from_utf8(bytes).map_err(|why| {
        let before = why.as_bytes().iter().take(why.utf8_error().valid_up_to());
        let breaks = before.filter(|byte| **byte == b'\n').count();
        let line = u32::try_from(breaks + 1).unwrap_or(u32::MAX);
        vec![error(line, Problem::Syntax("not UTF-8".to_owned()))]
    })?;
    let parsed =
        if is_yaml(path) { from_yaml::document(&text) } else { from_toml::document(&text) };
    parsed.map_err(|errors| {
        let syntax = |SyntaxError { line, message }| error(line, Problem::Syntax(message));
        errors.into_iter().map(syntax).collect()
    })
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
    })
}
