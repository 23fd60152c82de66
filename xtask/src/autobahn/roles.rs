//! The two sides of a run: the suite as client of our servers, the gateway among them; our clients at the suite's server.
//!
//! Knows processes and specifications, and nothing of what a case is about.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::Options;
use super::python::Suite;
use super::report::Report;
use crate::Problem;
use crate::test::metadata::Workspace;
use crate::test::{process, screen};

/// What is tested: two examples of `crates/ws`, and the gateway.
pub(super) struct Programs {
    server: PathBuf,
    client: PathBuf,
    gateway: PathBuf,
}

/// The gateway's raw echo, as it comes but for how much it takes: the suite sends messages of 16 MiB.
const GATEWAY_SETTINGS: &[&str] =
    &["dev.echo=true", "codec.max_message_bytes=16MiB", "queue.max_queue_bytes=16MiB"];

pub(super) fn build(workspace: &Workspace, debug: bool) -> Result<Programs, Problem> {
    let profile: &[&str] = if debug { &[] } else { &["--release"] };
    let mut examples = process::cargo();
    examples.arg("build").args(profile).args(["-p", "tidegate-ws", "--features", "tokio"]);
    done(examples.args(["--example", "echo", "--example", "echo_client"]))?;
    done(process::cargo().arg("build").args(profile).args(["-p", "tidegate"]))?;
    let built = workspace.target.join(if debug { "debug" } else { "release" });
    let examples = built.join("examples");
    Ok(Programs {
        server: examples.join("echo"),
        client: examples.join("echo_client"),
        gateway: built.join("tidegate"),
    })
}

/// The suite opens connections to servers with and without context takeover, and to the gateway.
pub(super) fn as_server(
    suite: &Suite,
    programs: &Programs,
    options: &Options,
) -> Result<Vec<Report>, Problem> {
    let plain = Running::start(Command::new(&programs.server).arg("127.0.0.1:0"))?;
    let arguments = ["127.0.0.1:0", "--takeover", "16"];
    let takeover = Running::start(Command::new(&programs.server).args(arguments))?;
    let gateway = start_gateway(&programs.gateway, suite.folder())?;
    let servers = json!([
        { "agent": "server", "url": plain.said },
        { "agent": "server-takeover", "url": takeover.said },
        { "agent": "gateway", "url": echo_of(&gateway.said)? },
    ]);
    let reports = suite.folder().join("servers");
    let specification = specify(suite, &reports, options, "servers", &servers)?;
    screen::progress("the suite as client");
    done(&mut suite.command("fuzzingclient", &specification, options.messages))?;
    Report::read(&reports)
}

/// A gateway of its own: on a free port, and deaf to the variables of whoever started this.
fn start_gateway(gateway: &Path, folder: &Path) -> Result<Running, Problem> {
    let mut command = Command::new(gateway);
    command.args(["--listen", "127.0.0.1:0"]).current_dir(folder);
    for setting in GATEWAY_SETTINGS {
        command.args(["--set", setting]);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("TIDEGATE_")) {
            command.env_remove(name);
        }
    }
    let log = std::fs::File::create(folder.join("gateway.log"))?;
    Running::start_until(command.stderr(log), |line| line.trim().starts_with("WebSocket"))
}

/// The raw echo of a gateway that announced `WebSocket  ws://host:port/ws`.
fn echo_of(announced: &str) -> Result<String, Problem> {
    let address = announced.split_whitespace().last();
    let host = address.and_then(|address| address.strip_suffix("/ws"));
    Ok(format!("{}/echo", host.ok_or(format!("no address in `{announced}`"))?))
}

/// Clients with and without context takeover open connections to the suite.
pub(super) fn as_client(
    suite: &Suite,
    programs: &Programs,
    options: &Options,
) -> Result<Vec<Report>, Problem> {
    // Free now, and most likely a moment later.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let reports = suite.folder().join("clients");
    let url = json!(format!("ws://{address}"));
    let specification = specify(suite, &reports, options, "url", &url)?;
    let mut server = suite.command("fuzzingserver", &specification, options.messages);
    // Its packages complain about Python 2.
    let server = Running::start_until(server.stderr(Stdio::null()), |line| line == "ready")?;
    screen::progress("the suite as server");
    let client = || {
        let mut command = Command::new(&programs.client);
        command.arg(address.to_string());
        command
    };
    done(client().arg("client"))?;
    done(client().args(["client-takeover", "--takeover"]))?;
    drop(server);
    Report::read(&reports)
}

/// Writes what the suite is to do, and takes away what an earlier run left.
fn specify(
    suite: &Suite,
    reports: &Path,
    options: &Options,
    key: &str,
    value: &Value,
) -> Result<PathBuf, Problem> {
    if reports.is_dir() {
        std::fs::remove_dir_all(reports)?;
    }
    let mut specification = json!({
        "outdir": reports, "cases": options.cases, "exclude-cases": [], "exclude-agent-cases": {},
    });
    specification[key] = value.clone();
    let path = suite.folder().join(format!("{key}.json"));
    std::fs::write(&path, specification.to_string())?;
    Ok(path)
}

fn done(command: &mut Command) -> Result<(), Problem> {
    let run = screen::program(command);
    if run.success { Ok(()) } else { Err(run.output.into()) }
}

/// A program that serves until this is dropped, and the line that said it does.
struct Running {
    child: Child,
    said: String,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self, Problem> {
        Self::start_until(command, |line| line.starts_with("ws://"))
    }

    /// Waits for a line; what comes after it is thrown away.
    fn start_until(command: &mut Command, is_ready: fn(&str) -> bool) -> Result<Self, Problem> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("a piped output is there")?;
        let mut lines = BufReader::new(output).lines();
        let mut running = Self { child, said: String::new() };
        for line in lines.by_ref() {
            let line = line?;
            if is_ready(&line) {
                running.said = line;
                process::forget(lines);
                return Ok(running);
            }
        }
        Err(format!("{command:?} ended before it served").into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_raw_echo_is_beside_what_the_gateway_announces() {
        let echo = echo_of("  WebSocket  ws://127.0.0.1:4711/ws").unwrap();
        assert_eq!(echo, "ws://127.0.0.1:4711/echo");
        assert!(echo_of("  WebSocket  off").is_err());
    }

    #[test]
    fn a_server_is_ready_once_it_says_so_and_ends_with_its_value() {
        let script = "echo starting; echo ws://there; exec sleep 600";
        let running = Running::start(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(running.said, "ws://there");
        drop(running);
        let silent = Running::start(Command::new("sh").args(["-c", "echo no"]));
        assert!(silent.is_err_and(|error| error.to_string().contains("ended before it served")));
    }
}
