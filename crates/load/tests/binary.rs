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

/// The processes that `parent` has started.
fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit(')').next().unwrap_or_default();
        rest.split_whitespace().nth(1) == Some(&parent.to_string())
    };
    pids.filter(is_child).collect()
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([name, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

/// What is said by a job of two repetitions that `disturb` happens to in the middle of one, and how it ended.
fn disturbed(
    per_process: &str,
    repetition: u32,
    disturb: impl Fn(u32),
) -> (Vec<Line>, Option<i32>) {
    let server = Server::start(Lies::default());
    let address = server.address();
    let job = format!(
        r#"{{"target":{{"address":"{address}"}},"dialect":{{"echo":{{"send":"{{payload}}"}}}},"warmup_ms":100,"repeat":2,
        "duration_ms":{},"work":{{"kind":"echo","connections":4,"size":64,"rate":200}}}}"#,
        if repetition == 1 { 20_000 } else { 700 }
    );
    let mut child = Command::new(BINARY)
        .args(["run", "-", "--connections-per-process", per_process])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(job.as_bytes()).unwrap();
    let mut lines = Vec::new();
    let mut is_disturbed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        lines.push(serde_json::from_str(&line.unwrap()).unwrap());
        if let Some(Line::Progress(now)) = lines.last()
            && !is_disturbed
            && (now.run, now.phase.as_str()) == (repetition, "run")
            && now.received_per_s > 50.0
        {
            is_disturbed = true;
            disturb(child.id());
        }
    }
    let started = children(child.id());
    assert!(started.is_empty(), "{started:?} run on");
    (lines, child.wait().unwrap().code())
}

#[test]
fn who_is_told_to_end_says_what_there_is() {
    for (per_process, name) in [("4", "-TERM"), ("4", "-INT"), ("2", "-TERM")] {
        let (lines, code) = disturbed(per_process, 1, |pid| signal(name, pid));
        assert_eq!(code, Some(1));
        let Some(Line::Failure(failure)) = lines.last() else { panic!("{:?}", lines.last()) };
        assert_eq!(failure.what, "the job was told to stop before its end");
        let report = failure.partial.as_ref().unwrap();
        assert!(report.partial);
        let [run] = &report.runs[..] else { panic!("{report:?}") };
        assert!((0.1..10.0).contains(&run.elapsed_s), "{}", run.elapsed_s);
        let account = &run.accounting;
        assert!(account.received > 10 && account.expected == account.sent, "{account:?}");
        assert_eq!((account.lost, account.received), (0, account.expected), "{account:?}");
        assert!((run.asked_per_s.unwrap() - 200.0).abs() < 1.0, "{:?}", run.asked_per_s);
        assert!((120.0..280.0).contains(&run.sent_per_s), "{}", run.sent_per_s);
    }
}

#[test]
fn a_process_of_the_generator_that_is_killed_leaves_the_repetition_before() {
    let (lines, code) = disturbed("2", 2, |pid| {
        let parts = children(pid);
        assert_eq!(parts.len(), 2);
        signal("-KILL", parts[1]);
    });
    assert_eq!(code, Some(1));
    let Some(Line::Failure(failure)) = lines.last() else { panic!("{:?}", lines.last()) };
    assert!(failure.what.starts_with("a process of the generator ended"), "{}", failure.what);
    let report = failure.partial.as_ref().unwrap();
    assert_eq!((report.partial, report.runs.len()), (true, 1));
    assert_eq!(report.runs[0].accounting.lost, 0);
}

#[test]
fn connections_beyond_the_file_limit_go_to_further_processes() {
    let server = Server::start(Lies::default());
    let job = format!(
        r#"{{"target":{{"address":"{}"}},"warmup_ms":0,"duration_ms":100,"work":{{"kind":"idle","connections":80}}}}"#,
        server.address()
    );
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" run -", BINARY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(job.as_bytes()).unwrap();
    let lines = lines(&child.wait_with_output().unwrap());
    let Some(Line::Report(report)) = lines.last() else { panic!("{:?}", lines.last()) };
    assert_eq!(report.runs[0].idle.as_ref().unwrap().connections, 80);
    assert!(report.notes[0].starts_with("3 processes"), "{:?}", report.notes);
}

#[test]
fn time_goes_on_over_repetitions() {
    let (lines, code) = disturbed("4", 2, |_| {});
    assert_eq!(code, Some(0));
    let progress = |line: &Line| match line {
        Line::Progress(progress) => Some((progress.elapsed_s, progress.run)),
        _ => None,
    };
    let seen: Vec<(f64, u32)> = lines.iter().filter_map(progress).collect();
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(seen.last().unwrap().1 == 2, "{seen:?}");
    assert!(
        seen.iter().filter(|(_, run)| *run == 2).all(|(elapsed, _)| *elapsed > 0.7),
        "{seen:?}"
    );
}

#[test]
fn help_has_all_commands_and_limits() {
    let output = Command::new(BINARY).arg("--help").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for part in
        ["run JOB.json", "upstream", "self", "--connections-per-process", "ulimit -n", "16 MiB"]
    {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn an_unknown_command_gets_the_usage() {
    let output = Command::new(BINARY).arg("jump").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("tidegate-load run"));
}
