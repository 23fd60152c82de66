//! The binary `tidegate-load`: reads a job, does it, writes what came of it as lines of JSON. It knows no way to measure.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tidegate_load::job::Job;
use tidegate_load::report::{Failure, Line, Progress};
use tidegate_load::{Conduct, Upstream, cost_of_own, run_as, serve_part};

/// This program, also when its file was replaced meanwhile.
const ITSELF: &str = "/proc/self/exe";

/// What asks for the end.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

const USAGE: &str = "\
tidegate-load run JOB.json [--connections-per-process N]
    Does a job (`-`: from standard input). Progress and report are lines of JSON. SIGINT, SIGTERM and SIGHUP end it within
    three seconds, with what it has, marked as partial; a second one ends it at once.
tidegate-load upstream [--listen 127.0.0.1:0]
    Serves token streams for the work `streams`; prints its address.
tidegate-load self [--duration-ms 2000]
    Prints what this generator itself costs a message.

Limits:
    connections     those of one process are as many as its open files (`ulimit -n`; the soft limit is raised to the hard one),
                    less 32 and 4 a thread; beyond that, or beyond --connections-per-process, further processes are started
    sources         1 to 250 loopback addresses; by default one for each 4 000 connections (a port each, of about 28 000)
    threads         1 to 64
    size            32 bytes (the marker) to 16 MiB; of a token 32 bytes to 64 KiB
    rates           0 to 100 000 000 a second
    searches        the rate is raised 30 times and bisected 6 times at most
    times           up to ten minutes are told apart; longer ones count as that
    watching        `target.pids` are read from /proc: Linux only
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["run", path] => run_job(path, None),
        ["run", path, "--connections-per-process", most]
        | ["run", "--connections-per-process", most, path] => match most.parse() {
            Ok(most) => run_job(path, Some(most)),
            Err(_) => usage(),
        },
        ["part"] => part(),
        ["upstream"] => serve("127.0.0.1:0"),
        ["upstream", "--listen", address] => serve(address),
        ["self"] => print_cost(2_000),
        ["self", "--duration-ms", ms] => match ms.parse() {
            Ok(ms) => print_cost(ms),
            Err(_) => usage(),
        },
        ["--help" | "-h" | "help"] => match io::stdout().write_all(USAGE.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    // Nobody is left to be told where this fails.
    let _ = io::stderr().write_all(USAGE.as_bytes());
    ExitCode::from(2)
}

fn run_job(path: &str, connections_per_process: Option<u32>) -> ExitCode {
    let stop = Arc::<AtomicBool>::default();
    if let Err(error) = heed_signals(&stop) {
        let hint = "See what the system says.".into();
        return end(&Line::Failure(Failure { what: error.to_string(), hint, partial: None }));
    }
    let job = match read(path) {
        Ok(job) => Job {
            connections_per_process: connections_per_process.or(job.connections_per_process),
            ..job
        },
        Err(what) => {
            let hint = "Correct the job; README.md has its keys.".into();
            return end(&Line::Failure(Failure { what, hint, partial: None }));
        }
    };
    let mut progress = |progress: &Progress| {
        // A reader that is gone is told by the last line.
        let _ = print(&Line::Progress(progress.clone()));
    };
    let program = Some(Path::new(ITSELF));
    let report = run_as(&job, Conduct { progress: &mut progress, stop: &stop, program });
    end(&match report {
        Ok(report) => Line::Report(Box::new(report)),
        Err(failure) => Line::Failure(*failure),
    })
}

/// Sets `stop` at the first signal, and ends at the second.
fn heed_signals(stop: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in SIGNALS {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(stop))?;
        signal_hook::flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

/// The first process ends this one, also on Ctrl-C, which both receive.
fn part() -> ExitCode {
    let unheeded = Arc::<AtomicBool>::default();
    for signal in SIGNALS {
        // Where it is refused, a signal ends this process, and the first one says so.
        let _ = signal_hook::flag::register(signal, Arc::clone(&unheeded));
    }
    match serve_part() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn read(path: &str) -> Result<Job, String> {
    let mut text = String::new();
    let read = match path {
        "-" => io::stdin().read_to_string(&mut text).map(drop),
        path => fs::read_to_string(path).map(|read| text = read),
    };
    read.map_err(|error| format!("the job `{path}` cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("the job `{path}` is wrong: {error}"))
}

fn end(line: &Line) -> ExitCode {
    let printed = print(line);
    match (line, printed) {
        (Line::Report(_), Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn print(line: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn serve(address: &str) -> ExitCode {
    let served = Upstream::bind(address).and_then(|mut upstream| {
        // A reader that is gone needs no address.
        let _ = print(&serde_json::json!({ "address": upstream.address().to_string() }));
        upstream.serve(&AtomicBool::new(false))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => end(&Line::Failure(Failure {
            what: error.to_string(),
            hint: error.hint(),
            partial: None,
        })),
    }
}

fn print_cost(duration_ms: u64) -> ExitCode {
    match cost_of_own(duration_ms) {
        Ok(costs) => match costs.iter().try_for_each(print) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(failure) => end(&Line::Failure(*failure)),
    }
}
