//! The binary `tidegate-load`: reads a job, does it, writes what came of it as lines of JSON. It knows no way to measure.

use std::fs;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use tidegate_load::job::Job;
use tidegate_load::report::{Failure, Line};
use tidegate_load::{Upstream, cost_of_own, run};

const USAGE: &str = "tidegate-load run JOB.json      does a job (`-`: from standard input); progress and report are lines of JSON
tidegate-load upstream [--listen 127.0.0.1:0]      serves token streams for the work `streams`; prints its address
tidegate-load self [--duration-ms 2000]      prints what this generator itself costs a message
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["run", path] => run_job(path),
        ["upstream"] => serve("127.0.0.1:0"),
        ["upstream", "--listen", address] => serve(address),
        ["self"] => print_cost(2_000),
        ["self", "--duration-ms", ms] => match ms.parse() {
            Ok(ms) => print_cost(ms),
            Err(_) => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    // Nobody is left to be told where this fails.
    let _ = io::stderr().write_all(USAGE.as_bytes());
    ExitCode::from(2)
}

fn run_job(path: &str) -> ExitCode {
    let job = match read(path) {
        Ok(job) => job,
        Err(what) => {
            let hint = "Correct the job; README.md has its keys.".into();
            return end(&Line::Failure(Failure { what, hint, partial: None }));
        }
    };
    let report = run(&job, &mut |progress| {
        // A reader that is gone is told by the last line.
        let _ = print(&Line::Progress(progress.clone()));
    });
    end(&match report {
        Ok(report) => Line::Report(Box::new(report)),
        Err(failure) => Line::Failure(*failure),
    })
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
