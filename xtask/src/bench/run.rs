//! `cargo xtask bench`: scenarios against the gateway one after the other, graded, with files at the end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::attempt::{self, Bench, Server};
use super::install::{self, Profile, Programs};
use super::options::Options;
use super::plan::Overrides;
use super::processes::{Interrupt, Scratch};
use super::results::{Entry, Kind, Results};
use super::scenario::Scenario;
use super::screen::Screen;
use super::{files, paper, rows};
use crate::Problem;
use crate::test::process::Stopwatch;

/// Runs what the command line asks for.
///
/// # Errors
/// When nothing can be measured at all: a wrong argument or scenario, programs that do not build.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<ExitCode, Problem> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{}", Options::HELP);
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::parse(arguments)?;
    let all = Scenario::all(root)?;
    if options.list {
        all.iter().for_each(listed);
        return Ok(ExitCode::SUCCESS);
    }
    let scenarios = Scenario::chosen(all, &options.scenarios, options.quick)?;
    println!("building the gateway and the load generator (release)");
    let programs = Programs::build(root, Profile::Release)?;
    let bench = prepared(root, &options, &programs)?;
    checked(&bench, &scenarios)?;
    let output = match &options.output {
        Some(path) => path.clone(),
        None => install::target(root)?.join("bench/results.json"),
    };
    let mut results = Results::begin(root, Kind::Scenarios, &programs.named());
    println!("{}\n", results.machine.describe());
    suite(&bench, &scenarios, &options, &mut results, &output)?;
    ending(&results, &output)?;
    Ok(verdict(&results, &options))
}

fn listed(scenario: &Scenario) {
    let quick = if scenario.quick { "quick" } else { "" };
    println!("  {:<10} {quick:<6} {}", scenario.name, scenario.purpose);
}

fn prepared(root: &Path, options: &Options, programs: &Programs) -> Result<Bench, Problem> {
    let server = match &options.url {
        Some(url) => Server::Running(url.clone()),
        None => Server::Started(format!("{}:{}", options.host, options.port)),
    };
    Ok(Bench {
        gateway: programs.installed(),
        generator: programs.generator(),
        dialect: attempt::dialect(root)?,
        server,
        overrides: Overrides {
            duration: options.duration,
            repeat: options.repeat,
            connections_per_process: options.connections_per_process,
        },
        open_files: files::raise_limit(),
        interrupt: Interrupt::listen()?,
    })
}

/// Every configuration is looked at before the first load, so that a slip does not show after half an hour.
fn checked(bench: &Bench, scenarios: &[Scenario]) -> Result<(), Problem> {
    let Server::Started(_) = &bench.server else { return Ok(()) };
    let scratch = Scratch::new()?;
    for scenario in scenarios {
        let config = scenario.config(Some("127.0.0.1:9"));
        bench.gateway.check(&config, scratch.path()).map_err(|problem| {
            format!("{}/{}.toml: {problem}", super::scenario::FOLDER, scenario.name)
        })?;
    }
    Ok(())
}

/// All scenarios; results are written after each, so that what there is survives whatever comes.
fn suite(
    bench: &Bench,
    scenarios: &[Scenario],
    options: &Options,
    results: &mut Results,
    output: &Path,
) -> Result<(), Problem> {
    let watch = Stopwatch::start();
    for scenario in scenarios {
        if bench.interrupt.is_asked() {
            results.notes.push(format!("{}: not begun, interrupted", scenario.name));
            continue;
        }
        heading(scenario, bench);
        let mut screen = Screen::new(&scenario.name, options.repeat.unwrap_or(scenario.repeat));
        let entry = bench.attempt(scenario, |progress| screen.show(progress));
        screen.done();
        closing(&entry, options.verbose);
        if let Some(report) = &entry.report {
            results.versions.insert("tidegate-load".into(), report.version.clone());
        }
        results.entries.push(entry);
        results.took_s = watch.elapsed().as_secs_f64();
        results.write(output)?;
    }
    results.complete = results.notes.is_empty() && results.entries.iter().all(Entry::is_whole);
    Ok(())
}

/// What it is for, and what the gateway is started with.
fn heading(scenario: &Scenario, bench: &Bench) {
    println!("{}: {}", scenario.name, scenario.purpose);
    let config = scenario.config(None);
    let config = match (&bench.server, config.trim()) {
        (Server::Running(_), _) => "  the server runs already; its configuration is its own".into(),
        (Server::Started(_), "") => "  the gateway with its defaults".to_owned(),
        (Server::Started(_), config) => {
            let lines = config.lines().filter(|line| !line.is_empty());
            lines.map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
        }
    };
    println!("{config}");
}

/// The result in one line, and with `--verbose` all there is.
fn closing(entry: &Entry, verbose: bool) {
    let grade = rows::grade(entry, &rows::figures(entry));
    println!("  {}: {grade}\n", rows::summary(entry));
    if !verbose {
        return;
    }
    if let Some(job) = &entry.job {
        println!("  job: {}\n", serde_json::to_string(job).unwrap_or_default());
    }
    for (at, run) in entry.report.iter().flat_map(|report| &report.runs).enumerate() {
        println!("  repetition {}: {:?}", at + 1, run.latency);
        println!("    {:?}", run.accounting);
        println!("    {:?}", run.connecting);
        println!("    {:?}", run.generator);
        println!("    {:?}, {:?}", run.machine, run.server);
        run.phases.iter().for_each(|phase| println!("    {phase:?}"));
        run.probes.iter().for_each(|probe| println!("    {probe:?}"));
        run.streams.iter().for_each(|streams| println!("    {streams:?}"));
        run.reconnect.iter().for_each(|back| println!("    {back:?}"));
    }
}

/// The tables, and the files.
fn ending(results: &Results, output: &Path) -> Result<(), Problem> {
    println!("{}", rows::scenarios(results).text());
    for table in [rows::streams(results), rows::floors(results)] {
        if !table.is_empty() {
            println!("{}", table.text());
        }
    }
    rows::remarks(results).iter().for_each(|remark| println!("{remark}"));
    let written: Vec<PathBuf> = paper::write(results, output)?;
    let written: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    println!("\nwritten: {}", written.join(", "));
    Ok(())
}

/// With `--min-grade`, whether every scenario has it; otherwise whether everything was done.
fn verdict(results: &Results, options: &Options) -> ExitCode {
    let graded = |entry: &Entry| match (&entry.grade, options.min_grade) {
        (Some(grade), Some(least)) => grade.letter <= least,
        (None, Some(_)) => false,
        (_, None) => true,
    };
    let sound = results.complete && results.entries.iter().all(graded);
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
