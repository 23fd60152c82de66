//! Our gateway as a bench has it: started with a scenario's configuration, waited for, ended with its value.
//! Knows the gateway's command line and announcement.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::processes::{Interrupt, Program};
use crate::Problem;

/// How long the gateway may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// What the announcement ends with.
const READY: &str = "Stop with Ctrl-C";

/// A gateway that listens.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) program: Program,
    /// `host:port`, the port known.
    pub(crate) address: String,
}

/// What a gateway is started from.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    binary: PathBuf,
}

impl Installed {
    pub(crate) fn at(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into() }
    }

    /// Starts it on `listen` (`host:port`, 0 for a free one) with `config`, the text of a TOML file that is
    /// written to `scratch`.
    ///
    /// # Errors
    /// A sentence that says what to do: the port is taken, the configuration is wrong; with its last words.
    pub(crate) fn start(
        &self,
        config: &str,
        listen: &str,
        scratch: &Path,
        interrupt: &Interrupt,
    ) -> Result<Gateway, Problem> {
        let mut command = self.command(config, scratch)?;
        command.args(["--listen", listen]);
        let log = scratch.join("gateway.log");
        let program = Program::start("the gateway", &mut command, &log, false)?;
        let is_ready = || program.said().contains(READY);
        program.wait_until(START_TIMEOUT, interrupt, is_ready).map_err(|problem| {
            let taken = program.said().contains("in use");
            let hint = format!(
                "{listen} is in use: end what listens there, choose another with --port, or leave \
                 --port out for a free one\n"
            );
            Problem::from(format!("{}{problem}", if taken { &hint } else { "" }))
        })?;
        let address = announced(&program.said()).ok_or("the gateway says where it listens")?;
        Ok(Gateway { program, address })
    }

    /// Looks at `config` as `tidegate check-config` does.
    ///
    /// # Errors
    /// What is wrong with it, in the gateway's words.
    pub(crate) fn check(&self, config: &str, scratch: &Path) -> Result<(), Problem> {
        let file = written(config, scratch)?;
        let answer = self.bare().arg("check-config").arg(&file).output();
        let answer = answer.map_err(|error| format!("{}: {error}", self.binary.display()))?;
        if answer.status.success() {
            return Ok(());
        }
        let said = [answer.stderr, answer.stdout].concat();
        let file = file.display().to_string();
        Err(String::from_utf8_lossy(&said).trim().replace(&file, "[gateway]").into())
    }

    fn command(&self, config: &str, scratch: &Path) -> Result<Command, Problem> {
        let mut command = self.bare();
        command.arg("--config").arg(written(config, scratch)?);
        Ok(command)
    }

    /// Without what the gateway would take for its configuration.
    fn bare(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("TIDEGATE_")) {
                command.env_remove(name);
            }
        }
        command
    }
}

fn written(config: &str, scratch: &Path) -> Result<PathBuf, Problem> {
    let file = scratch.join("tidegate.toml");
    fs::write(&file, config).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// `host:port` in the announcement's line `WebSocket  ws://host:port/ws`.
fn announced(said: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.trim().strip_prefix("WebSocket"))?;
    let address = line.trim().strip_prefix("ws://")?.split('/').next()?;
    Some(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::processes::{Scratch, scripted};
    use super::*;

    fn start(scratch: &Scratch, script: &str) -> Result<Gateway, String> {
        let installed = Installed::at(scripted(scratch.path(), script));
        let started =
            installed.start("a = 1\n", "127.0.0.1:7", scratch.path(), &Interrupt::default());
        started.map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_gateway_is_ready_once_it_has_announced_itself() {
        let scratch = Scratch::new().unwrap();
        let script = "test \"$(cat \"$2\")\" = 'a = 1' || exit 1\n\
                      echo '  WebSocket  ws://127.0.0.1:4711/ws'\n\
                      echo '  Stop with Ctrl-C; x'; exec sleep 600";
        assert_eq!(start(&scratch, script).unwrap().address, "127.0.0.1:4711");
    }

    #[test]
    fn a_taken_port_is_said_with_what_to_do() {
        let scratch = Scratch::new().unwrap();
        let script = "echo 'cannot listen: Address already in use (os error 98)' >&2; exit 1";
        let error = start(&scratch, script).unwrap_err();
        assert!(error.starts_with("127.0.0.1:7 is in use") && error.contains("--port"), "{error}");
        assert!(error.contains("| cannot listen"), "{error}");
    }

    #[test]
    fn a_wrong_configuration_is_told_in_the_gateway_s_words() {
        let scratch = Scratch::new().unwrap();
        let script = "echo \"$2: unknown key pol, did you mean pool\" >&2; exit 1";
        let installed = Installed::at(scripted(scratch.path(), script));
        let error = installed.check("[pol]\n", scratch.path()).unwrap_err().to_string();
        assert_eq!(error, "[gateway]: unknown key pol, did you mean pool");
    }
}
