//! What goes wrong ends in a sentence that says what to do, and keeps what was measured.

mod lying;

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use lying::{Lies, Server};
use tidegate_load::dialect::{Dialect, Echo as EchoDialect};
use tidegate_load::job::{Echo, Fanout, Idle, Job, Phase, Phases, Target, Work};
use tidegate_load::report::Failure;

fn dialect() -> Dialect {
    Dialect {
        echo: Some(EchoDialect { send: "{payload}".into(), receive: None }),
        ..Dialect::default()
    }
}

fn echo() -> Work {
    Work::Echo(Echo { connections: 4, in_flight: 1, size: 64, rate: Some(400.0) })
}

fn job(server: &Server, work: Work) -> Job {
    let mut job = Job::new(Target::at(server.address().to_string()), dialect(), work);
    (job.warmup_ms, job.duration_ms, job.drain_timeout_ms) = (0, 1_000, 300);
    job
}

fn failed(job: &Job) -> Failure {
    *tidegate_load::run(job, &mut |_| {}).expect_err("the job is not done")
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_a_partial_report() {
    let mut server = Server::start(Lies::default());
    let job = job(&server, echo());
    let stopper = std::thread::Builder::new().spawn(move || {
        let (_nobody, nothing) = sync_channel::<()>(0);
        let _ = nothing.recv_timeout(Duration::from_millis(400));
        server.stop();
    });
    let failure = failed(&job);
    stopper.unwrap().join().unwrap();
    assert!(failure.what.starts_with("the server ended all connections 0."), "{}", failure.what);
    assert!(failure.hint.contains("its log"), "{}", failure.hint);
    let partial = failure.partial.expect("what was measured is kept");
    assert!(partial.partial);
    let account = &partial.runs[0].accounting;
    assert!((50..350).contains(&account.received), "{account:?}");
    assert_eq!(account.broken, 4);
}

#[test]
fn a_server_that_dies_under_changing_load_is_given_up() {
    let mut server = Server::start(Lies::default());
    let phase = Phase {
        name: String::new(),
        duration_ms: 30_000,
        connections: 4,
        rate: 100.0,
        size: 64,
        churn_per_s: 0.0,
        stalled: 0,
    };
    let phases = Phases { exchange: Default::default(), publishers: 1, phases: vec![phase] };
    let job = job(&server, Work::Phases(phases));
    let stopper = std::thread::Builder::new().spawn(move || {
        let (_nobody, nothing) = sync_channel::<()>(0);
        let _ = nothing.recv_timeout(Duration::from_millis(300));
        server.stop();
    });
    let failure = failed(&job);
    stopper.unwrap().join().unwrap();
    assert!(failure.what.starts_with("the server ended all connections 2."), "{}", failure.what);
}

#[test]
fn something_else_than_a_websocket_server_is_named() {
    let server = Server::start(Lies { strange: Some("SSH-2.0-OpenSSH_9"), ..Lies::default() });
    let failure = failed(&job(&server, echo()));
    assert!(failure.what.contains("is no WebSocket server"), "{}", failure.what);
    assert!(failure.what.contains("SSH-2.0-OpenSSH_9"), "{}", failure.what);
}

#[test]
fn an_upgrade_that_is_refused_has_its_status() {
    let server = Server::start(Lies {
        strange: Some("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        ..Lies::default()
    });
    let failure = failed(&job(&server, echo()));
    assert_eq!(failure.what, "the server refused the upgrade of `/` with 404 Not Found");
}

#[test]
fn too_few_files_come_with_the_number_that_is_needed() {
    let server = Server::start(Lies::default());
    let idle = Idle { connections: 4_000_000_000, subscribe: false };
    let failure = failed(&job(&server, Work::Idle(idle)));
    assert!(failure.what.contains("4000000036 files are needed"), "{}", failure.what);
    assert!(failure.hint.contains("`ulimit -n 4000000036`"), "{}", failure.hint);
}

#[test]
fn a_server_that_never_says_that_it_is_ready_is_waited_for_and_no_longer() {
    let server = Server::start(Lies::default());
    let mut job = job(&server, echo());
    job.dialect.ready = Some("welcome".into());
    job.connect_timeout_ms = 200;
    let failure = failed(&job);
    assert!(failure.what.starts_with("0 of 4 connections could be used"), "{}", failure.what);
    assert!(failure.what.ends_with("waiting for `ready`"), "{}", failure.what);
}

#[test]
fn a_dialect_that_lacks_what_the_work_needs_is_told_so() {
    let server = Server::start(Lies::default());
    let fanout = Fanout { connections: 1, size: 64, rate: 1.0, publishers: 1 };
    let failure = failed(&job(&server, Work::Fanout(fanout)));
    assert!(
        failure.what.ends_with("has no `[publish]`, which this work needs"),
        "{}",
        failure.what
    );
}

#[test]
fn a_message_that_could_not_be_known_again_is_refused() {
    let server = Server::start(Lies::default());
    let mut job = job(&server, echo());
    job.dialect.echo = Some(EchoDialect { send: "hello".into(), receive: None });
    let failure = failed(&job);
    assert!(failure.what.contains("`echo.send` must have `{payload}`"), "{}", failure.what);
}

#[test]
fn impossible_numbers_are_refused() {
    let server = Server::start(Lies::default());
    let faults = [
        (Echo { connections: 0, in_flight: 1, size: 64, rate: None }, "`connections`"),
        (Echo { connections: 1, in_flight: 1, size: 31, rate: None }, "`size`"),
        (Echo { connections: 1, in_flight: 1, size: 64, rate: Some(f64::NAN) }, "a rate"),
    ];
    for (echo, named) in faults {
        let failure = failed(&job(&server, Work::Echo(echo)));
        assert!(failure.what.contains(named), "{}", failure.what);
    }
    let mut threads = job(&server, echo());
    threads.threads = 0;
    assert!(failed(&threads).what.contains("`threads`"));
}

#[test]
fn an_address_that_is_none_is_named() {
    let job = Job::new(Target::at("nowhere"), dialect(), echo());
    assert!(failed(&job).what.starts_with("`nowhere` is no address"));
}

#[test]
fn a_process_that_is_not_there_is_named() {
    let server = Server::start(Lies::default());
    let mut job = job(&server, echo());
    job.target.pids = vec![u32::MAX];
    assert_eq!(failed(&job).what, "process 4294967295 is not there to be watched");
}
