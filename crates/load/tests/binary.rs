//! The binary as whoever starts it sees it: a job in, lines of JSON out, an exit status.

#![expect(clippy::unwrap_used, reason = "a test ends where its program cannot work")]

mod lying;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use lying::{Lies, Server};
use tidegate_load::report::Line;

const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-load");

fn run(job: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(["run", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(job.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Line> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_job_on_standard_input_ends_in_a_report() {
    let server = Server::start(Lies::default());
    let address = server.address();
    let output = run(&format!(
        r#"{{"target":{{"address":"{address}"}},"dialect":{{"echo":{{"send":"{{payload}}"}}}},"warmup_ms":100,
        "duration_ms":300,"work":{{"kind":"echo","connections":2,"size":64,"rate":100}}}}"#
    ));
    assert!(output.status.success());
    let lines = lines(&output);
    assert!(matches!(lines.first(), Some(Line::Progress(_))));
    let Some(Line::Report(report)) = lines.last() else { panic!("{lines:?}") };
    assert_eq!((report.kind.as_str(), report.schema, report.partial), ("echo", 1, false));
    assert_eq!(report.runs[0].accounting.received, 30);
    assert!(!report.closed_loop);
}

#[test]
fn a_job_that_is_wrong_ends_in_a_failure() {
    let output = run(r#"{"target":{"adress":"x"}}"#);
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    let [Line::Failure(failure)] = &lines[..] else { panic!("{lines:?}") };
    assert!(failure.what.contains("unknown field `adress`"), "{}", failure.what);
}

#[test]
fn the_upstream_says_where_it_listens() {
    let mut child = Command::new(BINARY).arg("upstream").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = value["address"].as_str().unwrap();
    assert!(address.parse::<std::net::SocketAddr>().unwrap().port() > 0);
}

#[test]
fn what_it_costs_itself_is_printed() {
    let output = Command::new(BINARY).args(["self", "--duration-ms", "200"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let costs: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(costs.len(), 3);
    assert!(costs.iter().all(|cost| cost["cpu_ns_per_message"].as_f64().unwrap() > 0.0), "{text}");
}

#[test]
fn an_unknown_command_gets_the_usage() {
    let output = Command::new(BINARY).arg("jump").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("tidegate-load run"));
}
