//! Each kind of work against a server that does what it should, but for what the test says.

mod lying;

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lying::{Counts, Lies, Server};
use tidegate_load::Upstream;
use tidegate_load::dialect::{
    Dialect, Echo as EchoDialect, Heartbeat, HttpPublish, Notice, Publish, StreamDialect, Subscribe,
};
use tidegate_load::job::{
    Act, Cut, Echo, Exchange, Expected, Fanout, FanoutSearch, Idle, Job, Limits, Phase, Phases,
    Probe, Reconnect, Streams, Target, Work,
};
use tidegate_load::report::{Report, Run};

fn dialect() -> Dialect {
    Dialect {
        echo: Some(EchoDialect { send: "{payload}".into(), receive: None }),
        subscribe: Some(Subscribe { send: vec!["sub".into()], ready: Some("subscribed".into()) }),
        publish: Some(Publish { send: Some("pub {payload}".into()), http: None, receive: None }),
        refusal: Some(Notice { pattern: "NO".into(), count: None }),
        ..Dialect::default()
    }
}

fn job(server: &Server, work: Work) -> Job {
    let mut job = Job::new(Target::at(server.address().to_string()), dialect(), work);
    (job.warmup_ms, job.duration_ms, job.drain_timeout_ms) = (0, 500, 400);
    job.target.pids = vec![std::process::id()];
    job
}

fn done(job: &Job) -> Report {
    match tidegate_load::run(job, &mut |_| {}) {
        Ok(report) => report,
        Err(failure) => panic!("{}", failure.what),
    }
}

fn only(report: Report) -> Run {
    let [run] = <[Run; 1]>::try_from(report.runs).expect("one repetition");
    run
}

fn phase(connections: u32, rate: f64) -> Phase {
    Phase {
        name: String::new(),
        duration_ms: 500,
        connections,
        rate,
        size: 64,
        churn_per_s: 0.0,
        stalled: 0,
    }
}

fn phases(exchange: Exchange, phases: Vec<Phase>) -> Work {
    Work::Phases(Phases { exchange, publishers: 1, phases })
}

#[test]
fn connections_come_and_go_as_the_phases_say() {
    let server = Server::start(Lies::default());
    let all = vec![phase(10, 200.0), phase(30, 400.0), phase(5, 200.0)];
    let run = only(done(&job(&server, phases(Exchange::Echo, all))));
    assert_eq!((run.accounting.sent, run.accounting.unsent), (400, 0));
    assert_eq!((run.accounting.received, run.accounting.lost), (400, 0));
    assert_eq!(Counts::of(&server.counts().connections), 30);
    let sent: Vec<u64> = run.phases.iter().map(|phase| phase.sent).collect();
    assert_eq!(sent, [100, 200, 100]);
    assert_eq!(run.phases[0].name, "phase 1");
    assert!(run.phases[2].connections <= 7, "{:?}", run.phases);
}

#[test]
fn churn_replaces_connections_and_loses_nothing() {
    let server = Server::start(Lies::default());
    let churn = Phase { churn_per_s: 60.0, duration_ms: 1_000, ..phase(10, 500.0) };
    let account = only(done(&job(&server, phases(Exchange::Echo, vec![churn])))).accounting;
    assert_eq!((account.lost, account.broken), (0, 0), "{account:?}");
    let made = Counts::of(&server.counts().connections);
    assert!((65..=72).contains(&made), "{made}");
}

#[test]
fn who_joins_a_fan_out_late_expects_what_follows() {
    let server = Server::start(Lies { lose_every: 10, ..Lies::default() });
    let all = vec![phase(5, 100.0), phase(15, 100.0)];
    let account = only(done(&job(&server, phases(Exchange::Fanout, all)))).accounting;
    // The first five expect all; the others not what came before them.
    assert!((5 * 100..15 * 100).contains(&account.expected), "{account:?}");
    assert!((5 * 10..15 * 10).contains(&account.lost), "{account:?}");
}

#[test]
fn a_stalled_reader_counts_in_the_account_and_not_in_the_latencies() {
    let server = Server::start(Lies::default());
    let all = vec![Phase { stalled: 2, ..phase(10, 400.0) }, phase(10, 400.0)];
    let run = only(done(&job(&server, phases(Exchange::Echo, all))));
    assert_eq!((run.accounting.received, run.accounting.lost), (400, 0));
    let first = &run.phases[0];
    // A fifth, but for what came before they stalled.
    assert_eq!(first.latency.count + first.stalled_latency.count, 200);
    assert!((35..=40).contains(&first.stalled_latency.count), "{first:?}");
    assert!(first.stalled_latency.p50 > 100.0, "{first:?}");
    assert!(run.latency.p50 < 50.0, "{:?}", run.latency);
}

#[test]
fn publications_go_over_http_too() {
    let server = Server::start(Lies::default());
    let work = Fanout { connections: 4, size: 64, rate: 200.0, publishers: 2 };
    let mut job = job(&server, Work::Fanout(work));
    let http = HttpPublish {
        address: None,
        method: "POST".into(),
        path: "/publish?channel={channel}".into(),
        headers: [("Authorization".to_owned(), "Bearer x".to_owned())].into(),
        body: "{\"content\":\"{payload}\"}".into(),
    };
    job.dialect.publish = Some(Publish { send: None, http: Some(http), receive: None });
    let account = only(done(&job)).accounting;
    assert_eq!((account.sent, account.received, account.lost), (100, 400, 0), "{account:?}");
}

#[test]
fn a_search_ends_where_deliveries_are_lost() {
    let server = Server::start(Lies { lose_every: 150, ..Lies::default() });
    let search = FanoutSearch {
        connections: 3,
        size: 64,
        publishers: 1,
        p99_ms: 400.0,
        start: 50.0,
        bisections: 1,
    };
    let run = only(done(&job(&server, Work::FanoutSearch(search))));
    // A quarter and half a second. From 150 messages on one is lost.
    let mut rates: Vec<(f64, bool)> =
        run.steps.iter().map(|step| (step.rate.round(), step.ok)).collect();
    // Each is tried until two say the same, and again where others were in the way.
    rates.dedup();
    let expected = [
        (57.0, true),
        (226.0, true),
        (905.0, false),
        (453.0, false),
        (320.0, false),
        (226.0, true),
    ];
    assert_eq!(rates, expected, "{:?}", run.steps);
    let sustained = run.sustained_per_s.unwrap();
    assert!((660.0..=690.0).contains(&sustained), "{sustained}");
    let why = run.steps.last().unwrap().why.clone();
    assert_eq!(why, None);
    let why = run.steps.iter().find(|step| !step.ok).and_then(|step| step.why.clone()).unwrap();
    assert!(why.starts_with("3 of 678 deliveries were lost; "), "{why}");
}

#[test]
fn idle_connections_are_held_and_what_they_cost_is_read() {
    let server = Server::start(Lies::default());
    let run = only(done(&job(&server, Work::Idle(Idle { connections: 20, subscribe: true }))));
    let idle = run.idle.unwrap();
    assert_eq!((idle.connections, idle.broken), (20, 0));
    // This process is the server.
    assert!(idle.rss_bytes_per_connection.is_some());
    assert!(run.server.unwrap().rss_bytes > 1_000_000);
    assert_eq!((run.connecting.connections, run.connecting.latency.count), (20, 20));
    assert!(run.connecting.server_cpu_s_per_1000.is_some());
}

#[test]
fn connections_that_clients_cut_come_back() {
    for cut in [Cut::Reset, Cut::Close] {
        let server = Server::start(Lies::default());
        let reconnect = Reconnect { connections: 20, cut, subscribe: true, retry_ms: 20 };
        let back = only(done(&job(&server, Work::Reconnect(reconnect)))).reconnect.unwrap();
        assert_eq!((back.connections, back.back, back.latency.count), (20, 20, 20), "{back:?}");
        assert!(back.all_back_s > 0.0 && back.all_back_s < 5.0, "{back:?}");
        assert_eq!(Counts::of(&server.counts().connections), 40);
    }
}

#[test]
fn connections_come_back_to_a_server_that_restarts() {
    let mut server = Server::start(Lies::default());
    let address = server.address();
    let reconnect = Reconnect { connections: 10, cut: Cut::Server, subscribe: false, retry_ms: 20 };
    let mut job = job(&server, Work::Reconnect(reconnect));
    job.duration_ms = 5_000;
    let restarter = std::thread::Builder::new().spawn(move || {
        let (_nobody, nothing) = sync_channel::<()>(0);
        let _ = nothing.recv_timeout(Duration::from_millis(300));
        server.stop();
        let _ = nothing.recv_timeout(Duration::from_millis(300));
        Server::start_at(address, Lies::default())
    });
    let back = only(done(&job)).reconnect.unwrap();
    drop(restarter.unwrap().join().unwrap());
    assert_eq!((back.connections, back.back), (10, 10), "{back:?}");
    assert!(back.all_back_s >= 0.29 && back.failed_attempts > 0, "{back:?}");
}

#[test]
fn a_server_that_should_restart_and_does_not_is_told_of() {
    let server = Server::start(Lies::default());
    let reconnect = Reconnect { connections: 2, cut: Cut::Server, subscribe: false, retry_ms: 20 };
    let failure =
        tidegate_load::run(&job(&server, Work::Reconnect(reconnect)), &mut |_| {}).unwrap_err();
    assert!(failure.what.starts_with("2 of 2 connections were still there"), "{}", failure.what);
}

#[test]
fn protocols_that_greet_and_ping_are_spoken() {
    let server = Server::start(Lies {
        greeting: Some("who?"),
        heartbeat: Some(Duration::from_millis(200)),
        ..Lies::default()
    });
    let work = Echo { connections: 4, in_flight: 1, size: 64, rate: Some(200.0) };
    let mut job = job(&server, Work::Echo(work));
    job.dialect.greeting = Some("who".into());
    job.dialect.connect = vec!["me".into()];
    job.dialect.ready = Some("welcome".into());
    let beat = Heartbeat { receive: "2".into(), anywhere: false, send: "3".into() };
    job.dialect.heartbeat = vec![beat];
    let account = only(done(&job)).accounting;
    assert_eq!((account.received, account.broken), (100, 0), "{account:?}");
}

#[test]
fn a_ping_that_is_not_answered_would_have_been_seen() {
    let heartbeat = Some(Duration::from_millis(100));
    let server = Server::start(Lies { heartbeat, ..Lies::default() });
    let work = Echo { connections: 4, in_flight: 1, size: 64, rate: Some(200.0) };
    let failure = tidegate_load::run(&job(&server, Work::Echo(work)), &mut |_| {}).unwrap_err();
    assert_eq!(failure.partial.unwrap().runs[0].accounting.broken, 4);
}

#[test]
fn streams_are_timed_from_their_upstream_on() {
    let server = Server::start(Lies::default());
    let mut upstream = Upstream::bind("127.0.0.1:0").unwrap();
    let address = upstream.address();
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let serving = std::thread::Builder::new().spawn(move || upstream.serve(&told)).unwrap();
    let streams = Streams { streams: 8, tokens_per_s: 50.0, tokens: 10, size: 40 };
    let mut job = job(&server, Work::Streams(streams));
    (job.warmup_ms, job.duration_ms) = (300, 1_000);
    job.dialect.stream = Some(StreamDialect {
        send: format!("stream {address} {{query}}"),
        end: "end".into(),
        error: None,
    });
    let run = only(done(&job));
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    serving.join().unwrap().unwrap();
    let times = run.streams.unwrap();
    assert!(times.completed >= 24 && times.failed == 0, "{times:?}");
    assert!(times.tokens > 300, "{times:?}");
    assert!((18.0..22.0).contains(&times.upstream_inter_token.p50), "{times:?}");
    assert!((18.0..22.0).contains(&times.inter_token.p50), "{times:?}");
    assert!(times.first_token.p50 >= times.first_added.p50, "{times:?}");
    assert!(times.added.p50 < 15.0, "{times:?}");
    assert_eq!((run.accounting.lost, run.accounting.doubled), (0, 0));
    assert_eq!(run.accounting.received, run.accounting.expected);
}

fn probe(name: &str, act: Act, expect: Expected) -> Probe {
    Probe { name: name.into(), act, expect, quiet_ms: 150 }
}

fn send(times: u32, message_bytes: Option<u32>) -> Act {
    Act::Send { send: None, answer: None, times, size: 64, message_bytes }
}

#[test]
fn limits_are_seen_where_they_are() {
    let server = Server::start(Lies {
        answers: Some(35),
        max_message: Some(1_000),
        capacity: Some(6),
        ..Lies::default()
    });
    let burst = Expected { answered: Some(35), refused: Some(5), ..Expected::default() };
    let fits = Expected { answered: Some(1), ..Expected::default() };
    let over = Expected { close: Some(1009), ..Expected::default() };
    let full = Expected {
        accepted: Some(3),
        closed: Some(2),
        close: Some(1008),
        reason: Some("full".into()),
        status: Some(503),
        ..Expected::default()
    };
    let probes = vec![
        probe("burst", send(40, None), burst.clone()),
        probe("fits", send(1, Some(1_000)), fits),
        probe("over", send(1, Some(1_001)), over),
        probe("full", Act::Connect { connections: 6 }, full),
    ];
    let rows = only(done(&job(&server, Work::Limits(Limits { probes })))).probes;
    for row in &rows {
        assert!(row.ok, "{row:?}");
    }
    assert_eq!(rows[0].expected, "35 answered, 5 refused");
    assert_eq!(rows[2].seen, "close 1009 too long");
}

#[test]
fn a_limit_that_is_elsewhere_is_said() {
    let server = Server::start(Lies { answers: Some(30), ..Lies::default() });
    let burst = Expected { answered: Some(35), ..Expected::default() };
    let over = Expected { close: Some(1009), ..Expected::default() };
    let probes =
        vec![probe("burst", send(40, None), burst), probe("over", send(1, Some(500)), over)];
    let rows = only(done(&job(&server, Work::Limits(Limits { probes })))).probes;
    assert_eq!((rows[0].ok, rows[0].seen.as_str()), (false, "30 answered"));
    assert_eq!((rows[1].ok, rows[1].seen.as_str()), (false, "close none"));
}

#[test]
fn progress_is_shown_about_four_times_a_second() {
    let server = Server::start(Lies::default());
    let work = Echo { connections: 2, in_flight: 1, size: 64, rate: Some(200.0) };
    let mut job = job(&server, Work::Echo(work));
    job.duration_ms = 1_000;
    let shown = Mutex::new(Vec::new());
    tidegate_load::run(&job, &mut |progress| shown.lock().unwrap().push(progress.clone())).unwrap();
    let shown = shown.into_inner().unwrap();
    assert!((4..=8).contains(&shown.len()), "{}", shown.len());
    assert!(shown.iter().any(|one| one.phase == "run" && one.connections == 2));
    assert!(shown.iter().any(|one| one.received_per_s > 100.0), "{shown:?}");
}
