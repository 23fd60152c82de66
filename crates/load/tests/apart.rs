//! A job that several processes of the generator do together: its figures must be those of one that does it alone.

mod lying;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lying::{Counts, Lies, Server};
use tidegate_load::dialect::{Dialect, Echo as EchoDialect, Notice, Publish, Subscribe};
use tidegate_load::job::{
    Cut, Echo, Exchange, Fanout, FanoutSearch, Idle, Job, Phase, Phases, Reconnect, Target, Work,
};
use tidegate_load::report::{Accounting, Failure, Report, Run};
use tidegate_load::{Conduct, run_as};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate-load");

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
    (job.warmup_ms, job.duration_ms, job.drain_timeout_ms) = (200, 800, 400);
    job
}

fn tried(job: &Job) -> Result<Report, Box<Failure>> {
    let stop = AtomicBool::new(false);
    let program = Some(Path::new(PROGRAM));
    run_as(job, Conduct { progress: &mut |_| {}, stop: &stop, program })
}

/// The run of one process, and that of several with `most` connections each; each against a server of its own.
fn both(lies: &Lies, work: &Work, most: u32) -> [(Run, Server); 2] {
    [None, Some(most)].map(|most| {
        let server = Server::start(lies.clone());
        let job = Job { connections_per_process: most, ..job(&server, work.clone()) };
        let mut report = tried(&job).expect("the job is done");
        let divided = report.notes.iter().any(|note| note.contains("processes of the generator"));
        assert_eq!(divided, most.is_some(), "{:?}", report.notes);
        assert_eq!(report.runs.len(), 1);
        (report.runs.remove(0), server)
    })
}

fn same(account: &Accounting, other: &Accounting) {
    assert_eq!(account, other);
}

#[test]
fn an_echo_of_several_processes_is_accounted_for_like_that_of_one() {
    let lies = Lies {
        lose_every: 10,
        double_every: 7,
        swap_every: 8,
        corrupt_every: 9,
        ..Lies::default()
    };
    let work = Work::Echo(Echo { connections: 6, in_flight: 1, size: 64, rate: Some(600.0) });
    let [(one, server), (two, other)] = both(&lies, &work, 3);
    same(&two.accounting, &one.accounting);
    same(&two.warm_up, &one.warm_up);
    assert_eq!(two.accounting.sent, 480);
    let all = two.accounting.doubled + two.warm_up.doubled;
    assert_eq!(all, Counts::of(&other.counts().doubled));
    assert_eq!(Counts::of(&other.counts().lost), Counts::of(&server.counts().lost));
    assert_eq!((two.latency.count, two.connections), (one.latency.count, 6));
    assert!(two.generator.cpu_s > 0.0 && two.asked_per_s == one.asked_per_s);
    let counted = |run: &Run| run.timeline.iter().map(|second| second.received).sum::<u64>();
    assert_eq!(counted(&two), counted(&one));
}

#[test]
fn a_reader_expects_what_publishers_of_other_processes_sent() {
    let lies = Lies { lose_every: 20, owns_up: true, double_every: 33, ..Lies::default() };
    let work = Work::Fanout(Fanout { connections: 7, size: 64, rate: 300.0, publishers: 2 });
    let [(one, _), (two, server)] = both(&lies, &work, 3);
    same(&two.accounting, &one.accounting);
    same(&two.warm_up, &one.warm_up);
    assert_eq!((two.accounting.sent, two.accounting.expected), (240, 7 * 240));
    let lost = two.accounting.lost + two.warm_up.lost;
    assert_eq!(lost, 7 * Counts::of(&server.counts().lost));
    assert_eq!((two.accounting.corrupt, two.accounting.critical_loss), (0, 0));
}

#[test]
fn a_known_delay_comes_out_of_several_processes_together() {
    let lies = Lies { delay: Duration::from_millis(60), ..Lies::default() };
    let work = Work::Echo(Echo { connections: 4, in_flight: 1, size: 64, rate: Some(200.0) });
    let [_, (run, _)] = both(&lies, &work, 1);
    assert_eq!(run.latency.count, 160);
    assert!((60.0..75.0).contains(&run.latency.p50), "{:?}", run.latency);
    assert!(run.latency.min >= 60.0, "{:?}", run.latency);
}

#[test]
fn idle_connections_of_several_processes_are_counted_together() {
    let work = Work::Idle(Idle { connections: 11, subscribe: true });
    let [_, (run, server)] = both(&Lies::default(), &work, 4);
    let idle = run.idle.expect("it was idle");
    assert_eq!((idle.connections, idle.broken, run.connecting.connections), (11, 0, 11));
    assert_eq!(run.connecting.latency.count, 11);
    // One more came and went before the memory was looked at.
    assert_eq!(Counts::of(&server.counts().connections), 12);
}

#[test]
fn all_connections_of_all_processes_come_back() {
    for cut in [Cut::Reset, Cut::Close] {
        let work =
            Work::Reconnect(Reconnect { connections: 9, cut, subscribe: false, retry_ms: 20 });
        let [_, (run, server)] = both(&Lies::default(), &work, 4);
        let back = run.reconnect.expect("they were cut");
        assert_eq!((back.connections, back.back, back.latency.count), (9, 9, 9));
        assert_eq!(Counts::of(&server.counts().connections), 18);
    }
}

#[test]
fn a_search_finds_the_same_rate_in_several_processes() {
    let search = FanoutSearch {
        connections: 4,
        size: 64,
        publishers: 1,
        p99_ms: 400.0,
        start: 50.0,
        bisections: 0,
    };
    let lies = Lies { lose_every: 150, ..Lies::default() };
    let [(one, _), (two, _)] = both(&lies, &Work::FanoutSearch(search), 3);
    let steps = |run: &Run| run.steps.iter().map(|step| (step.rate, step.lost)).collect::<Vec<_>>();
    assert_eq!(steps(&two), steps(&one));
    assert!(two.steps.iter().any(|step| step.ok) && two.steps.iter().any(|step| !step.ok));
}

#[test]
fn connections_come_and_go_in_all_processes() {
    let phase = |connections, churn_per_s| Phase {
        name: String::new(),
        duration_ms: 500,
        connections,
        rate: 200.0,
        size: 64,
        churn_per_s,
        stalled: 0,
    };
    let phases = vec![phase(6, 0.0), phase(12, 20.0)];
    let work = Work::Phases(Phases { exchange: Exchange::Echo, publishers: 1, phases });
    let [_, (run, server)] = both(&Lies::default(), &work, 6);
    let account = &run.accounting;
    assert_eq!((account.sent, account.received, account.broken), (200, 200, 0), "{account:?}");
    let made = Counts::of(&server.counts().connections);
    assert!((18..=24).contains(&made), "{made}");
}

#[test]
fn what_one_process_cannot_do_is_told_as_if_it_were_alone() {
    let server = Server::start(Lies { strange: Some("SSH-2.0-OpenSSH_9\r\n"), ..Lies::default() });
    let work = Work::Idle(Idle { connections: 4, subscribe: false });
    let job = Job { connections_per_process: Some(2), ..job(&server, work) };
    let failure = tried(&job).expect_err("nothing can be done");
    assert!(failure.what.contains("is no WebSocket server"), "{}", failure.what);
    assert!(failure.hint.contains("TLS is not spoken"), "{}", failure.hint);
    assert!(failure.partial.is_none());
}

#[test]
fn connections_that_are_missing_are_counted_over_all_processes() {
    let server = Server::start(Lies { greeting: Some("who are you"), ..Lies::default() });
    let work = Work::Idle(Idle { connections: 6, subscribe: false });
    let mut job = Job { connections_per_process: Some(2), ..job(&server, work) };
    (job.connect_timeout_ms, job.dialect.ready) = (300, Some("never said".into()));
    let failure = tried(&job).expect_err("none can be used");
    assert!(failure.what.starts_with("0 of 1 connections"), "{}", failure.what);
    // The first is tried alone.
    let work = Work::Echo(Echo { connections: 6, in_flight: 1, size: 64, rate: Some(10.0) });
    let failure = tried(&Job { work, ..job }).expect_err("none can be used");
    assert!(failure.what.starts_with("0 of 6 connections"), "{}", failure.what);
    assert!(failure.what.ends_with("one is still waiting for `ready`"), "{}", failure.what);
}

#[test]
fn more_files_than_a_process_may_have_need_a_program_to_share_them() {
    let work = Work::Idle(Idle { connections: 4_000_000_000, subscribe: false });
    let server = Server::start(Lies::default());
    let failure = tidegate_load::run(&job(&server, work), &mut |_| {}).expect_err("too many");
    assert!(failure.what.contains("the system allows"), "{}", failure.what);
    assert!(failure.hint.contains("ulimit -n"), "{}", failure.hint);
}
