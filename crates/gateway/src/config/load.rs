//! Puts the sources together: defaults, profile, file, environment, flags; the later wins.
//!
//! It reads the file; environment and flags are arguments.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::choice::Profile;
use super::error::{ConfigError, ConfigErrors, Problem, Unfit};
use super::lists::List;
use super::meant;
use super::node::{Entry, Node, Value};
use super::origin::{Origin, Origins};
use super::profile::PRESETS;
use super::schema::Config;
use super::section::Section;
use super::setting::Given;
use super::{check, file, path, variable};

/// Where a configuration is read from, besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file, or a YAML one by its extension (`.yaml`, `.yml`).
    pub file: Option<PathBuf>,
    /// The environment. Names that do not begin with `TIDEGATE_` are ignored.
    pub env: Vec<(String, String)>,
    /// Keys and values from the command line: `("listen.address", "127.0.0.1:0")`.
    pub flags: Vec<(String, String)>,
}

/// A configuration and where each of its values came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration in force.
    pub config: Config,
    /// Where each value came from.
    pub origins: Origins,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// ```
    /// use tidegate::config::{Config, Sources};
    ///
    /// let variable = ("TIDEGATE_RATE_LIMIT__WINDOW".to_owned(), "1m30s".to_owned());
    /// let sources = Sources { env: vec![variable], ..Sources::default() };
    /// let loaded = Config::load(&sources)?;
    /// assert_eq!(loaded.config.rate_limit.window.as_secs(), 90);
    /// # Ok::<(), tidegate::config::ConfigErrors>(())
    /// ```
    ///
    /// # Errors
    /// All that is wrong, in the order in which it was read. Keys that contradict each other are
    /// reported once every value is right by itself.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let mut loader = Loader::default();
        let file = sources.file.as_deref().and_then(|path| loader.read_file(path));
        loader.apply_profile(profile_of(sources, file.as_ref()));
        if let (Some(node), Some(path)) = (&file, &sources.file) {
            loader.apply_file(node, &Arc::from(path.as_path()));
        }
        loader.apply_env(&sources.env);
        loader.apply_flags(&sources.flags);
        loader.finish()
    }
}

/// The profile that the strongest source names. A wrong name is reported when that source is applied.
fn profile_of(sources: &Sources, file: Option<&Node>) -> Option<Profile> {
    let named = |pairs: &[(String, String)], name: &str| {
        pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    named(&sources.flags, "profile")
        .or_else(|| named(&sources.env, &variable::name("", "profile")))
        .or_else(|| file.and_then(profile_in_file))
        .and_then(|word| Profile::from_word(word.trim()))
}

fn profile_in_file(node: &Node) -> Option<String> {
    let Value::Table(entries) = &node.value else { return None };
    match &entries.iter().find(|entry| entry.key == "profile")?.node.value {
        Value::Text(word) => Some(word.clone()),
        _ => None,
    }
}

/// The configuration while it is put together.
#[derive(Default)]
struct Loader {
    config: Config,
    origins: Origins,
    errors: Vec<ConfigError>,
}

impl Loader {
    fn read_file(&mut self, path: &Path) -> Option<Node> {
        match file::read(path) {
            Ok(node) => Some(node),
            Err(errors) => {
                self.errors.extend(errors);
                None
            }
        }
    }

    fn apply_profile(&mut self, profile: Option<Profile>) {
        let Some(profile) = profile else { return };
        for preset in PRESETS.iter().filter(|preset| preset.profile == profile) {
            let given = Given::Text(preset.value);
            self.assign(preset.section, preset.key, given, Origin::Profile(profile));
        }
    }

    fn apply_file(&mut self, node: &Node, path: &Arc<Path>) {
        let Value::Table(entries) = &node.value else {
            let unfit = Unfit::new("sections and keys", node.value.shown());
            return self.report(from(path, node.line), String::new(), Problem::Unfit(unfit));
        };
        for entry in entries {
            if let Some(list) = List::at("", &entry.key) {
                self.apply_list(list, entry, path);
            } else if self.config.section_mut(&entry.key).is_some() {
                self.apply_section(entry, path);
            } else {
                let given = Given::Node(&entry.node);
                self.assign("", &entry.key, given, from(path, entry.line));
            }
        }
    }

    fn apply_section(&mut self, section: &Entry, path: &Arc<Path>) {
        let Value::Table(entries) = &section.node.value else {
            if section.node.value == Value::Nothing {
                return;
            }
            let unfit = Unfit::new("a section with keys", section.node.value.shown());
            let origin = from(path, section.line);
            return self.report(origin, section.key.clone(), Problem::Unfit(unfit));
        };
        for entry in entries {
            if let Some(list) = List::at(&section.key, &entry.key) {
                self.apply_list(list, entry, path);
                continue;
            }
            let given = Given::Node(&entry.node);
            self.assign(&section.key, &entry.key, given, from(path, entry.line));
        }
    }

    fn apply_list(&mut self, list: List, entry: &Entry, path: &Arc<Path>) {
        let Value::List(items) = &entry.node.value else {
            let expected = format!("a list of tables ([[{}]])", list.path());
            let unfit = Unfit::new(expected, entry.node.value.shown());
            let origin = from(path, entry.line);
            return self.report(origin, list.path().to_owned(), Problem::Unfit(unfit));
        };
        for (index, item) in items.iter().enumerate() {
            let key = format!("{}[{index}]", list.path());
            let origin = from(path, item.line);
            let Value::Table(entries) = &item.value else {
                let unfit = Unfit::new("a table", item.value.shown_kind());
                self.report(origin, key, Problem::Unfit(unfit));
                continue;
            };
            if !self.has_item(list, index, &origin) {
                return;
            }
            for entry in entries {
                let given = Given::Node(&entry.node);
                self.assign_item(list, index, &entry.key, given, from(path, entry.line));
            }
        }
    }

    /// Environment variables come in any order; sorted, the items of lists among them come in theirs.
    fn apply_env(&mut self, env: &[(String, String)]) {
        let mut named: Vec<(Vec<String>, &String, &String)> = env
            .iter()
            .filter_map(|(name, value)| Some((variable::parts(name)?, name, value)))
            .collect();
        named.sort_by_key(|(parts, name, _)| {
            (List::of(parts).and_then(|(_, index, _)| index.parse::<usize>().ok()), *name)
        });
        for (parts, name, value) in named {
            self.apply_text(&parts, value, Origin::Env(name.clone()), &Spelling::Variable(name));
        }
    }

    fn apply_flags(&mut self, flags: &[(String, String)]) {
        for (key, value) in flags {
            let parts: Vec<String> = key.split('.').map(str::to_owned).collect();
            let flag = match key.as_str() {
                "listen.address" => "--listen".to_owned(),
                "log" | "profile" => format!("--{key}"),
                _ => format!("--set {key}"),
            };
            self.apply_text(&parts, value, Origin::Flag(flag), &Spelling::Key(key));
        }
    }

    fn apply_text(&mut self, parts: &[String], value: &str, origin: Origin, spelt: &Spelling<'_>) {
        let given = Given::Text(value);
        if let Some((list, index, key)) = List::of(parts) {
            return self.apply_item_text(list, index, key, given, origin);
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [key] if self.knows("", key) => self.assign("", key, given, origin),
            [section, key] if self.knows(section, key) => {
                self.assign(section, key, given, origin);
            }
            _ => {
                let (name, nearest) = spelt.meant(&self.config);
                self.report(origin, name, Problem::Unknown { nearest });
            }
        }
    }

    fn apply_item_text(
        &mut self,
        list: List,
        index: &str,
        key: &str,
        given: Given<'_>,
        origin: Origin,
    ) {
        match index.parse::<usize>() {
            Ok(index) if self.has_item(list, index, &origin) => {
                self.assign_item(list, index, key, given, origin);
            }
            Ok(_) => {}
            Err(_) => {
                let expected = format!("the number of a {}, from 0", list.noun());
                let unfit = Unfit::new(expected, format!("{index:?}"));
                self.report(origin, list.path().to_owned(), Problem::Unfit(unfit));
            }
        }
    }

    fn knows(&mut self, section: &str, key: &str) -> bool {
        let values: Option<&mut dyn Section> = if section.is_empty() {
            Some(&mut self.config)
        } else {
            self.config.section_mut(section)
        };
        values.is_some_and(|values| values.render(key).is_some())
    }

    fn assign(&mut self, section: &str, key: &str, given: Given<'_>, origin: Origin) {
        let values: Option<&mut dyn Section> = if section.is_empty() {
            Some(&mut self.config)
        } else {
            self.config.section_mut(section)
        };
        let outcome = match values {
            Some(values) => values.assign(key, given),
            None => Err(Problem::Unknown { nearest: None }),
        };
        match outcome {
            Ok(()) => self.origins.note(path(section, key), origin),
            Err(Problem::Unknown { .. }) => {
                let nearest = meant::in_file(&self.config, section, key);
                self.report(origin, path(section, key), Problem::Unknown { nearest });
            }
            Err(problem) => self.report(origin, path(section, key), problem),
        }
    }

    fn assign_item(
        &mut self,
        list: List,
        index: usize,
        key: &str,
        given: Given<'_>,
        origin: Origin,
    ) {
        let Some(item) = list.item(&mut self.config, index) else { return };
        let name = format!("{}[{index}].{key}", list.path());
        match item.assign(key, given) {
            Ok(()) => self.origins.note(name, origin),
            Err(Problem::Unknown { .. }) => {
                let nearest = meant::in_list(list, key);
                self.report(origin, name, Problem::Unknown { nearest });
            }
            Err(problem) => self.report(origin, name, problem),
        }
    }

    /// Makes room for the item of that index, which may be the next one.
    fn has_item(&mut self, list: List, index: usize, origin: &Origin) -> bool {
        let present = list.items(&self.config).len();
        if index > present || index >= list.max() {
            let expected =
                format!("{}s numbered without a gap, from 0, at most {}", list.noun(), list.max());
            let unfit = Unfit::new(expected, format!("number {index} after {present} of them"));
            self.report(origin.clone(), list.path().to_owned(), Problem::Unfit(unfit));
            return false;
        }
        if index == present {
            list.push(&mut self.config);
            self.origins.note(format!("{}[{index}]", list.path()), origin.clone());
        }
        true
    }

    fn report(&mut self, origin: Origin, key: String, problem: Problem) {
        self.errors.push(ConfigError { origin, key, problem });
    }

    fn finish(mut self) -> Result<Loaded, ConfigErrors> {
        if self.errors.is_empty() {
            self.errors = check::all(&self.config, &self.origins);
        }
        match self.errors.is_empty() {
            true => Ok(Loaded { config: self.config, origins: self.origins }),
            false => Err(ConfigErrors::new(self.errors)),
        }
    }
}

fn from(path: &Arc<Path>, line: u32) -> Origin {
    Origin::File { path: Arc::clone(path), line }
}

/// How a key was written, which is how the one that was meant is told.
enum Spelling<'a> {
    Variable(&'a str),
    Key(&'a str),
}

impl Spelling<'_> {
    fn meant(&self, config: &Config) -> (String, Option<String>) {
        match self {
            Self::Variable(name) => ((*name).to_owned(), meant::variable(config, name)),
            Self::Key(key) => ((*key).to_owned(), meant::key(config, key)),
        }
    }
}
