//! Puts a changed configuration into force while sessions go on, or refuses it whole.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::config::{self, Config, Sources};

/// Exchanges what is logged.
type SetFilter = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// The handle on what is logged, for a reload.
pub struct LogFilter(pub(crate) SetFilter);

/// Where the configuration is read from again.
pub(crate) struct Source {
    sources: Sources,
    log: Option<LogFilter>,
    /// One reload at a time.
    turn: Mutex<()>,
}

impl Source {
    pub(crate) fn new(sources: Sources, log: Option<LogFilter>) -> Self {
        Self { sources, log, turn: Mutex::new(()) }
    }
}

/// What a reload found: the keys whose values are others than those in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Those in force from now on.
    pub changed: Vec<Change>,
    /// Those that wait for a restart.
    pub restart: Vec<Change>,
}

/// One key, with its values as TOML; secrets are `"***"`. A route that is not there has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The key, such as `rate_limit.max_requests` or `routes[0].upstream`.
    pub key: String,
    /// Its value until now.
    pub from: Option<String>,
    /// Its value in the sources.
    pub to: Option<String>,
}

/// Why nothing was reloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The gateway was given a configuration, and no sources to read another from.
    #[error("this gateway was started without sources to read its configuration from again")]
    NoSource,
    /// The configuration is wrong, and the one before it stays in force: what is wrong, as `check-config` says it.
    #[error("{0}")]
    Refused(String),
}

/// Reads the configuration again and puts into force what can be.
pub(crate) fn reload(app: &App) -> Result<Changes, ReloadError> {
    let Some(source) = app.source() else { return Err(ReloadError::NoSource) };
    let _turn = source.turn.lock().unwrap_or_else(PoisonError::into_inner);
    match exchange(app, source) {
        Ok(changes) => {
            changes.log();
            Ok(changes)
        }
        Err(errors) => {
            tracing::error!("configuration not reloaded, the old one stays in force:\n{errors}");
            Err(ReloadError::Refused(errors))
        }
    }
}

fn exchange(app: &App, source: &Source) -> Result<Changes, String> {
    let loaded = Config::load(&source.sources).map_err(|errors| errors.to_string())?;
    let old = app.live().clone();
    let changes = Changes::between(&old.config, &loaded.config);
    let mut config = loaded.config;
    config.keep_all(&old.config);
    // With values that stay as they were, what goes together in the sources may not go together.
    config::fits(&config, &loaded.origins).map_err(|errors| {
        format!(
            "{errors}\nwith the values that need a restart; restart to put all of it into force"
        )
    })?;
    config::safety(&config).map_err(|reasons| reasons.join("\n"))?;
    let filter = EnvFilter::try_new(&config.log).map_err(|error| format!("log: {error}"))?;
    let live = old.changed_to(config, app.address)?;
    // From here on nothing fails but the log, which says so itself.
    if let Some(LogFilter(set)) = &source.log
        && let Err(error) = set(filter)
    {
        tracing::error!(%error, "what is logged cannot be changed");
    }
    app.put_into_force(live);
    Ok(changes)
}

impl Changes {
    /// What differs between two configurations.
    fn between(old: &Config, new: &Config) -> Self {
        let mut changes = Self::default();
        for (section, key) in old.changed_keys(new) {
            let restart = old.needs_restart(section, key);
            let change = Change {
                key: config::path(section, key),
                from: old.shown(section, key),
                to: new.shown(section, key),
            };
            if restart { &mut changes.restart } else { &mut changes.changed }.push(change);
        }
        changes.routes(old, new);
        changes
    }

    fn routes(&mut self, old: &Config, new: &Config) {
        for index in 0..old.routes.len().max(new.routes.len()) {
            match (old.routes.get(index), new.routes.get(index)) {
                (Some(from), Some(to)) => {
                    for (key, from, to) in from.differences(to) {
                        let key = format!("routes[{index}].{key}");
                        self.changed.push(Change { key, from: Some(from), to: Some(to) });
                    }
                }
                (from, to) => {
                    let name = |route: Option<&config::Route>| route.map(config::Route::shown_name);
                    let key = format!("routes[{index}]");
                    self.changed.push(Change { key, from: name(from), to: name(to) });
                }
            }
        }
    }

    fn log(&self) {
        for (change, now) in self
            .changed
            .iter()
            .map(|change| (change, true))
            .chain(self.restart.iter().map(|change| (change, false)))
        {
            let Change { key, from, to } = change;
            let value =
                |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            let (from, to) = (value(from), value(to));
            if now {
                tracing::info!("configuration: {key}: {from} -> {to}");
            } else {
                tracing::warn!("configuration: {key}: {from} -> {to} needs a restart");
            }
        }
        let (changed, restart) = (self.changed.len(), self.restart.len());
        tracing::info!(changed, restart, "configuration reloaded");
    }
}
