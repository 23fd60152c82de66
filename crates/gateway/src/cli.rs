//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Config, Loaded, Sources};
use crate::journal_command::JournalCommand;
use crate::remote;
use crate::token_command::TokenCommand;

/// A WebSocket gateway for chat and agent streams.
///
/// Without a command it serves, on http://127.0.0.1:8765 unless told otherwise.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The configuration file: TOML, or YAML by its extension.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The address and port to listen on (listen.address).
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Values to start from: development, production, high-traffic.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// What is logged: a level, or directives such as info,tidegate=debug.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
    /// Any key of the configuration.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows the configuration in force and where each value comes from, and what is wrong or missing.
    CheckConfig {
        /// The configuration file.
        file: Option<PathBuf>,
    },
    /// Prints a token for development, signed with the configured secret.
    Token(TokenCommand),
    /// Prints the reference of all keys (docs/CONFIG.md).
    ConfigReference,
    /// Looks into the directory of a journal, which nobody has open, and repairs it when asked to.
    Journal(JournalCommand),
    /// Asks a gateway that is running.
    #[command(flatten)]
    Remote(remote::Command),
}

impl Cli {
    /// Whether a flag is given that only a gateway itself understands.
    #[must_use]
    pub fn configures(&self) -> bool {
        let Self { config, listen, profile, log, set, command: _ } = self;
        config.is_some()
            || listen.is_some()
            || profile.is_some()
            || log.is_some()
            || !set.is_empty()
    }

    /// Loads the configuration from all sources. The environment is an argument.
    ///
    /// # Errors
    /// A text of all that is wrong, ready to be printed.
    pub fn load(
        &self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, String> {
        Config::load(&self.sources(environment)?).map_err(|errors| errors.to_string())
    }

    /// Where the configuration is read from, and read from again by a reload.
    ///
    /// # Errors
    /// A text about a flag that is wrong.
    pub fn sources(
        &self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Sources, String> {
        let file = match &self.command {
            Some(Command::CheckConfig { file: Some(file) }) => Some(file.clone()),
            _ => self.config.clone(),
        };
        let mut flags = Vec::new();
        for (key, value) in
            [("listen.address", &self.listen), ("profile", &self.profile), ("log", &self.log)]
        {
            if let Some(value) = value {
                flags.push((key.to_owned(), value.clone()));
            }
        }
        for setting in &self.set {
            let Some((key, value)) = setting.split_once('=') else {
                return Err(format!("--set {setting}: expected KEY=VALUE"));
            };
            flags.push((key.trim().to_owned(), value.to_owned()));
        }
        Ok(Sources { file, env: environment.into_iter().collect(), flags })
    }
}
