//! The generator against a server that lies: its figures must be what the server did.

mod lying;

use std::time::Duration;

use lying::{Counts, Lies, Server};
use tidegate_load::dialect::{Dialect, Echo as EchoDialect, Notice, Publish, Subscribe};
use tidegate_load::job::{Echo, Fanout, Job, Target, Work};
use tidegate_load::report::{Report, Run};

fn dialect() -> Dialect {
    Dialect {
        echo: Some(EchoDialect { send: "{payload}".into(), receive: None }),
        subscribe: Some(Subscribe { send: vec!["sub".into()], ready: Some("subscribed".into()) }),
        publish: Some(Publish { send: Some("pub {payload}".into()), http: None, receive: None }),
        gap: Some(Notice { pattern: "gap ".into(), count: Some("gap ".into()) }),
        ..Dialect::default()
    }
}

fn job(server: &Server, work: Work) -> Job {
    let mut job = Job::new(Target::at(server.address().to_string()), dialect(), work);
    (job.warmup_ms, job.duration_ms, job.drain_timeout_ms) = (0, 1_000, 400);
    job
}

fn done(job: &Job) -> Report {
    tidegate_load::run(job, &mut |_| {}).expect("the job is done")
}

fn only(report: Report) -> Run {
    let [run] = <[Run; 1]>::try_from(report.runs).expect("one repetition");
    run
}

/// 4 connections with 100 messages each.
fn open_echo() -> Work {
    Work::Echo(Echo { connections: 4, in_flight: 1, size: 64, rate: Some(400.0) })
}

#[test]
fn an_honest_server_has_no_faults() {
    let server = Server::start(Lies::default());
    let run = only(done(&job(&server, open_echo())));
    let account = run.accounting;
    assert_eq!((account.sent, account.expected, account.received), (400, 400, 400));
    assert_eq!(
        (account.lost, account.doubled, account.out_of_order, account.corrupt),
        (0, 0, 0, 0)
    );
    assert_eq!(account.error_rate(), 0.0);
    assert_eq!(run.timeline.iter().map(|second| second.received).sum::<u64>(), 400);
}

#[test]
fn what_a_server_loses_doubles_and_reorders_comes_out() {
    let lies = Lies { lose_every: 10, double_every: 7, swap_every: 8, ..Lies::default() };
    let server = Server::start(lies);
    let account = only(done(&job(&server, open_echo()))).accounting;
    let counts = server.counts();
    assert!(Counts::of(&counts.lost) >= 20 && Counts::of(&counts.swapped) >= 20, "{counts:?}");
    assert_eq!(account.lost, Counts::of(&counts.lost));
    assert_eq!(account.critical_loss, account.lost);
    assert_eq!(account.doubled, Counts::of(&counts.doubled));
    assert_eq!(account.out_of_order, Counts::of(&counts.swapped));
    assert_eq!(account.received + account.lost, account.expected);
}

#[test]
fn the_same_comes_out_of_a_fan_out_over_two_threads() {
    let lies = Lies { lose_every: 10, double_every: 7, swap_every: 8, ..Lies::default() };
    let server = Server::start(lies);
    let work = Fanout { connections: 5, size: 100, rate: 200.0, publishers: 2 };
    let mut job = job(&server, Work::Fanout(work));
    job.threads = 2;
    let account = only(done(&job)).accounting;
    let counts = server.counts();
    assert_eq!((account.sent, account.expected), (200, 1_000));
    // The server lies to all five readers alike.
    assert_eq!(account.lost, 5 * Counts::of(&counts.lost));
    assert_eq!(account.doubled, 5 * Counts::of(&counts.doubled));
    assert_eq!(account.out_of_order, 5 * Counts::of(&counts.swapped));
}

#[test]
fn what_is_corrupt_is_found() {
    let server = Server::start(Lies { corrupt_every: 20, ..Lies::default() });
    let account = only(done(&job(&server, open_echo()))).accounting;
    assert_eq!((account.corrupt, account.lost), (20, 20));
    assert_eq!(Counts::of(&server.counts().corrupt), 20);
}

#[test]
fn a_loss_that_is_owned_up_to_is_not_critical() {
    let server = Server::start(Lies { lose_every: 10, owns_up: true, ..Lies::default() });
    let account = only(done(&job(&server, open_echo()))).accounting;
    assert_eq!((account.lost, account.gaps, account.said, account.critical_loss), (40, 40, 40, 0));
}

#[test]
fn messages_that_come_together_or_in_pieces_are_all_counted() {
    for lies in [Lies { batch: 3, ..Lies::default() }, Lies { fragments: true, ..Lies::default() }]
    {
        let server = Server::start(lies);
        let account = only(done(&job(&server, open_echo()))).accounting;
        assert_eq!((account.received, account.lost, account.corrupt), (400, 0, 0));
    }
}

#[test]
fn a_closed_loop_goes_on_after_a_loss() {
    let server = Server::start(Lies { lose_every: 50, ..Lies::default() });
    let work = Echo { connections: 2, in_flight: 4, size: 64, rate: None };
    let report = done(&job(&server, Work::Echo(work)));
    assert!(report.closed_loop && report.notes.iter().any(|note| note.contains("Closed loop")));
    let account = only(report).accounting;
    assert_eq!(account.lost, Counts::of(&server.counts().lost));
    assert!(account.lost >= 4, "{account:?}");
    assert_eq!(account.sent, Counts::of(&server.counts().received));
}

#[test]
fn a_closed_loop_goes_on_when_all_that_was_under_way_is_lost() {
    let server = Server::start(Lies { lose_every: 5, ..Lies::default() });
    let work = Echo { connections: 1, in_flight: 1, size: 64, rate: None };
    let mut job = job(&server, Work::Echo(work));
    job.duration_ms = 1_500;
    let account = only(done(&job)).accounting;
    assert_eq!((account.lost, account.sent), (2, 10));
}

#[test]
fn a_known_delay_comes_out() {
    let delay = Duration::from_millis(40);
    let server = Server::start(Lies { delay, ..Lies::default() });
    let run = only(done(&job(&server, open_echo())));
    assert!((40.0..42.0).contains(&run.latency.p50), "{:?}", run.latency);
    assert!(run.latency.min >= 39.9, "{:?}", run.latency);
}

/// A server that stands still for half a second: whoever would have sent meanwhile would have waited.
#[test]
fn a_pause_is_seen_by_all_that_should_have_gone_meanwhile() {
    let freeze = Some((Duration::from_millis(500), Duration::from_millis(500)));
    let server = Server::start(Lies { freeze, ..Lies::default() });
    let mut open = job(&server, open_echo());
    open.duration_ms = 1_500;
    let latency = only(done(&open)).latency;
    assert!(latency.p99 > 400.0, "{latency:?}");
    // A third of them: 500 ms of 1 500.
    assert!(latency.p50 < 50.0 && latency.p90 > 200.0, "{latency:?}");
}

#[test]
fn a_closed_loop_hardly_sees_the_same_pause() {
    let freeze = Some((Duration::from_millis(500), Duration::from_millis(500)));
    let server = Server::start(Lies { freeze, ..Lies::default() });
    let work = Echo { connections: 1, in_flight: 1, size: 64, rate: None };
    let mut closed = job(&server, Work::Echo(work));
    closed.duration_ms = 1_500;
    let latency = only(done(&closed)).latency;
    assert!(latency.max > 400.0 && latency.p99 < 100.0, "{latency:?}");
}

#[test]
fn the_warm_up_is_counted_apart() {
    let server = Server::start(Lies { lose_every: 10, ..Lies::default() });
    let mut job = job(&server, open_echo());
    job.warmup_ms = 500;
    let run = only(done(&job));
    assert_eq!((run.warm_up.sent, run.warm_up.lost), (200, 20));
    assert_eq!((run.accounting.sent, run.accounting.lost), (400, 40));
}

#[test]
fn repetitions_have_a_spread() {
    let server = Server::start(Lies::default());
    let mut job = job(&server, open_echo());
    (job.repeat, job.duration_ms) = (3, 200);
    let report = done(&job);
    assert_eq!(report.runs.len(), 3);
    let p50 = report.spread["p50_ms"];
    assert!(p50.min <= p50.median && p50.median <= p50.max && p50.min > 0.0, "{p50:?}");
}
