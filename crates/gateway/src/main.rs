//! The binary: reads the command line and the configuration, and serves.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks on its terminal")]

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use tidegate::check_config::check_config;
use tidegate::cli::{Cli, Command};
use tidegate::config::{self, Config, Sources};
use tidegate::journal_command::{JournalCommand, Verdict};
use tidegate::remote;
use tidegate::start::{Gateway, reload_on_hangup, start_logging, stop_signal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::ConfigReference) = cli.command {
        print!("{}", config::reference());
        return ExitCode::SUCCESS;
    }
    if let Some(Command::Remote(command)) = &cli.command {
        return ask(&cli, command);
    }
    if let Some(Command::Journal(command)) = &cli.command {
        return look(&cli, command);
    }
    let loaded = match cli.load(std::env::vars()) {
        Ok(loaded) => loaded,
        Err(errors) => return fail(&errors),
    };
    if let Some(Command::CheckConfig { .. }) = cli.command {
        let report = check_config(&loaded);
        print!("{}", report.text);
        return if report.starts { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if let Some(Command::Token(command)) = &cli.command {
        return match command.token(&loaded.config, unix_seconds()) {
            Ok(token) => {
                println!("{token}");
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error),
        };
    }
    match cli.sources(std::env::vars()).and_then(|sources| run(loaded.config, sources)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn run(config: Config, sources: Sources) -> Result<(), String> {
    let log = start_logging(&config.log)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.workers > 0 {
        runtime.worker_threads(config.workers);
    }
    let runtime =
        runtime.enable_all().build().map_err(|error| format!("cannot start threads: {error}"))?;
    let served = runtime.block_on(async {
        let listening = |error| format!("cannot listen for signals: {error}");
        let stop = stop_signal(1).map_err(listening)?;
        let again = stop_signal(2).map_err(listening)?;
        let gateway = Gateway::bind(config).await?.reloading(sources, Some(log));
        let hangups = reload_on_hangup(gateway.reloader()).map_err(listening)?;
        println!("{}", gateway.announcement());
        tokio::select! {
            () = gateway.serve(stop) => Ok(()),
            never = hangups => match never {},
            () = again => Err("stopped at once by a second signal: not every session was closed".to_owned()),
        }
    });
    // Whatever still runs is not waited for.
    runtime.shutdown_background();
    served
}

/// Asks a running gateway. What goes wrong has an exit code of its own: see `remote::Failure`.
fn ask(cli: &Cli, command: &remote::Command) -> ExitCode {
    if cli.configures() {
        eprintln!(
            "tidegate: --config, --listen, --profile, --log and --set are for serving; a running gateway is found by --url"
        );
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    match runtime.block_on(command.run(std::env::vars())) {
        // A reader that has seen enough, such as `head`, is no failure.
        Ok(text) => match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error.to_string()),
            _ => ExitCode::SUCCESS,
        },
        Err(failure) => {
            eprintln!("tidegate: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Looks into a journal. 0: all is well; 1: something is wrong, or it cannot be looked into.
fn look(cli: &Cli, command: &JournalCommand) -> ExitCode {
    if cli.configures() {
        eprintln!(
            "tidegate: --config, --listen, --profile, --log and --set are for serving; a journal is named by its directory"
        );
        return ExitCode::from(2);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = command.run(&mut out);
    let flushed = match out.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    };
    match flushed.and(done) {
        Ok(Verdict::Well) => ExitCode::SUCCESS,
        Ok(Verdict::Wrong) => ExitCode::FAILURE,
        Err(error) => fail(&error),
    }
}

#[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn fail(error: &str) -> ExitCode {
    eprintln!("tidegate: {error}");
    ExitCode::FAILURE
}
