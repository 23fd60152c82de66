//! The binary: reads the command line and the configuration, and serves.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks on its terminal")]

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use tidegate::cli::{Cli, Command};
use tidegate::config::{self, Config};
use tidegate::start::{Gateway, start_logging, stop_signal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::ConfigReference) = cli.command {
        print!("{}", config::reference());
        return ExitCode::SUCCESS;
    }
    let loaded = match cli.load(std::env::vars()) {
        Ok(loaded) => loaded,
        Err(errors) => return fail(&errors),
    };
    if let Some(Command::CheckConfig { .. }) = cli.command {
        print!("{}", loaded.render_effective());
        return ExitCode::SUCCESS;
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
    match run(loaded.config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn run(config: Config) -> Result<(), String> {
    start_logging(&config.log)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.workers > 0 {
        runtime.worker_threads(config.workers);
    }
    let runtime =
        runtime.enable_all().build().map_err(|error| format!("cannot start threads: {error}"))?;
    runtime.block_on(async {
        let stop = stop_signal().map_err(|error| format!("cannot listen for signals: {error}"))?;
        let gateway = Gateway::bind(config).await?;
        println!("{}", gateway.announcement());
        gateway.serve(stop).await;
        Ok(())
    })
}

#[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn fail(error: &str) -> ExitCode {
    eprintln!("tidegate: {error}");
    ExitCode::FAILURE
}
