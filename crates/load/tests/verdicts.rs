//! Who held a figure back, where it is known: a server that takes its time, a generator that is given too much work, and one
//! that is kept from running.

#![expect(clippy::unwrap_used, reason = "a test ends where the generator cannot be run")]

mod lying;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lying::{Lies, Server};
use tidegate_load::dialect::{Dialect, Heartbeat, Publish, Subscribe};
use tidegate_load::job::{Echo, Fanout, FanoutSearch, Job, Target, Work};
use tidegate_load::report::{Bound, Line, Run};

fn dialect() -> Dialect {
    Dialect {
        subscribe: Some(Subscribe { send: vec!["sub".into()], ready: Some("subscribed".into()) }),
        publish: Some(Publish { send: Some("pub {payload}".into()), http: None, receive: None }),
        ..Dialect::default()
    }
}

/// A dialect that costs the generator much and the server nothing: it looks for all of these in each message.
fn laborious() -> Dialect {
    let beat = |number: u32| Heartbeat {
        receive: format!("no message has {number:08}"),
        anywhere: true,
        send: String::new(),
    };
    Dialect { heartbeat: (0..8_000).map(beat).collect(), ..dialect() }
}

fn job(server: &Server, dialect: Dialect, work: Work) -> Job {
    let mut job = Job::new(Target::at(server.address().to_string()), dialect, work);
    (job.warmup_ms, job.duration_ms, job.drain_timeout_ms) = (0, 400, 400);
    job
}

fn search(start: f64) -> Work {
    Work::FanoutSearch(FanoutSearch {
        connections: 4,
        size: 64,
        publishers: 1,
        p99_ms: 100.0,
        start,
        bisections: 1,
    })
}

fn done(job: &Job) -> Run {
    match tidegate_load::run(job, &mut |_| {}) {
        Ok(report) => report.runs.into_iter().next().expect("one repetition"),
        Err(failure) => panic!("{}", failure.what),
    }
}

/// Whether nothing else kept the machine busy: else whoever had too much to do may have had no core, and that is said.
fn is_quiet(run: &Run) -> bool {
    run.steps.iter().all(|step| step.busy_others < 0.05)
}

#[test]
fn a_server_that_takes_its_time_is_its_own_limit() {
    let server = Server::start(Lies { pace: Duration::from_millis(4), ..Lies::default() });
    let run = done(&job(&server, dialect(), search(50.0)));
    let failed: Vec<_> = run.steps.iter().filter(|step| !step.ok).collect();
    assert!(!failed.is_empty());
    assert!(failed.iter().all(|step| step.bound != Some(Bound::Generator)), "{failed:?}");
    assert!(!run.generator.limited, "{:?}", run.generator);
    if is_quiet(&run) {
        assert!(failed.iter().all(|step| step.bound == Some(Bound::Server)), "{failed:?}");
        assert!(!run.generator.crowded, "{:?}", run.generator);
    }
    // 250 a second, and what is behind by less than 100 ms at the end.
    let sustained = run.sustained_per_s.unwrap();
    assert!((4.0 * 100.0..=4.0 * 330.0).contains(&sustained), "{sustained}");
}

#[test]
fn a_server_that_reads_no_more_is_seen_by_what_was_held_back() {
    let server = Server::start(Lies { pace: Duration::from_millis(20), ..Lies::default() });
    let work = Work::Fanout(Fanout { connections: 1, size: 200_000, rate: 200.0, publishers: 1 });
    let generator = done(&job(&server, dialect(), work)).generator;
    assert!(generator.held_back > 0, "{generator:?}");
    assert!(!generator.limited && !generator.crowded, "{generator:?}");
}

#[test]
fn a_generator_that_has_too_much_to_do_says_so() {
    let server = Server::start(Lies::default());
    let run = done(&job(&server, laborious(), search(20.0)));
    assert!(run.steps.iter().all(|step| step.bound != Some(Bound::Server)), "{:?}", run.steps);
    let is_quiet = is_quiet(&run);
    let why = run.generator.why.unwrap();
    assert!(why.contains("did not hold"), "{why}");
    if is_quiet {
        assert!(run.generator.limited, "{:?}", run.steps);
        assert!(why.contains("were the generator's own, with a thread"), "{why}");
    }
}

#[test]
fn a_generator_that_is_kept_from_running_is_not_said_to_have_worked() {
    let server = Server::start(Lies::default());
    let work = Work::Fanout(Fanout { connections: 4, size: 64, rate: 500.0, publishers: 1 });
    let mut job = job(&server, dialect(), work);
    job.duration_ms = 1_000;
    let mut program = Program::start(&job);
    let run = program.run_with_pauses();
    assert!(run.generator.crowded && !run.generator.limited, "{:?}", run.generator);
    let why = run.generator.why.unwrap();
    assert!(why.contains("it waited for a core"), "{why}");
}

#[test]
fn who_is_busy_in_a_closed_loop_is_the_limit() {
    let server = Server::start(Lies::default());
    let echo = tidegate_load::dialect::Echo { send: "{payload}".into(), receive: None };
    let dialect = Dialect { echo: Some(echo), ..laborious() };
    let work = Work::Echo(Echo { connections: 8, in_flight: 8, size: 64, rate: None });
    let generator = done(&job(&server, dialect, work)).generator;
    // Where the machine is busy with other things, it may have had no core.
    assert!(generator.limited || generator.crowded, "{generator:?}");
}

/// The generator as a process, which can be stopped.
struct Program {
    child: Child,
    folder: std::path::PathBuf,
}

impl Program {
    fn start(job: &Job) -> Self {
        let folder = std::env::temp_dir().join(format!("tidegate-verdicts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("job.json");
        std::fs::write(&file, serde_json::to_vec(job).unwrap()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-load"));
        let child = command.arg("run").arg(file).stdout(Stdio::piped()).spawn().unwrap();
        Self { child, folder }
    }

    /// Stops it for 40 of every 80 milliseconds until it is done.
    fn run_with_pauses(&mut self) -> Run {
        let pid = rustix::process::Pid::from_child(&self.child);
        let mut signals =
            [rustix::process::Signal::STOP, rustix::process::Signal::CONT].into_iter().cycle();
        let output = self.child.stdout.take().unwrap();
        let lines = std::thread::Builder::new()
            .spawn(move || std::io::read_to_string(output).unwrap())
            .unwrap();
        while !lines.is_finished() {
            let _ = rustix::process::kill_process(pid, signals.next().unwrap());
            std::thread::park_timeout(Duration::from_millis(40));
        }
        let lines = lines.join().unwrap();
        let Line::Report(report) = serde_json::from_str(lines.lines().last().unwrap()).unwrap()
        else {
            panic!("{lines}")
        };
        report.runs.into_iter().next().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
