//! What `tidegate check-config` says of a configuration that could be read. Nothing is started; only the
//! certificate's files are looked at.

use std::fmt::Write as _;

use crate::certificate::Certificate;
use crate::config::{Loaded, hints, safety};

/// The answer of `check-config`: TOML with comments, which loads as the same configuration but for its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What to print.
    pub text: String,
    /// Whether a gateway would start with it, as far as can be told without starting one.
    pub starts: bool,
}

/// Shows every value with its origin, then what keeps the gateway from starting, then what is still missing for it
/// to be safe.
///
/// ```
/// use tidegate::check_config::check_config;
/// use tidegate::config::{Config, Sources};
///
/// let flags = vec![("profile".to_owned(), "production".to_owned())];
/// let report = check_config(&Config::load(&Sources { flags, ..Sources::default() })?);
/// assert!(report.starts);
/// assert!(report.text.contains("# Still missing to be safe:\n"));
/// # Ok::<(), tidegate::config::ConfigErrors>(())
/// ```
#[must_use]
pub fn check_config(loaded: &Loaded) -> Report {
    let config = &loaded.config;
    let mut refusals = safety(config).err().unwrap_or_default();
    refusals.extend(Certificate::load(&config.tls).err());
    let mut text = loaded.render_effective();
    section(&mut text, "The gateway would not start:", &refusals);
    section(&mut text, "Still missing to be safe:", &hints(config));
    Report { text, starts: refusals.is_empty() }
}

fn section(text: &mut String, title: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    // Writing into a String cannot fail.
    let _ = writeln!(text, "\n# {title}");
    for sentence in sentences {
        // A file's name may hold anything; a comment ends with its line.
        let line: String = sentence.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(text, "# - {line}");
    }
}
