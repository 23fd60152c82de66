//! The project's own commands, run as `cargo xtask COMMAND`.
//!
//! This file knows the table of commands and nothing of what they do. A new command is one row here
//! and one module.
#![expect(clippy::print_stdout, reason = "xtask is a command-line tool: its output is its purpose")]

mod autobahn;
mod bench;
mod peers;
mod repository;
mod test;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

/// Why a command could not do its work at all (as opposed to: it worked and found faults).
type Problem = Box<dyn std::error::Error>;

/// One row of `cargo xtask help`.
struct Command {
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    run: fn(&Path, &[String]) -> Result<ExitCode, Problem>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        arguments: "[--quick | --long] [--list] [--corpora DIR] [STAGE...]",
        summary: "the one gate: formatting, lints, dependency rules, docs, tests, real clients",
        run: test::command,
    },
    Command {
        name: "tidy",
        arguments: "[--list]",
        summary: "the invariants of docs/ARCHITECTURE.md: file, line, rule and why",
        run: tidy::command,
    },
    Command {
        name: "autobahn",
        arguments: "[--short] [--messages N] [--only CASES] [--write]",
        summary: "the Autobahn test suite against crates/ws, in both roles, and the gateway",
        run: autobahn::command,
    },
    Command {
        name: "bench",
        arguments: "[--quick] [--list] [OPTION...] [SCENARIO...]",
        summary: "loads the gateway and grades it; `bench --help` shows the options",
        run: bench::command,
    },
    Command {
        name: "bench compare",
        arguments: "[--with NAME,...] [--works NAME,...] [--quick] [--output FILE]",
        summary: "the same load on this gateway and on others, interleaved",
        run: bench::command,
    },
    Command {
        name: "bench micro",
        arguments: "[--filter NAME]",
        summary: "the crates' own benchmarks: time, instructions, allocations",
        run: bench::command,
    },
    Command {
        name: "bench diff",
        arguments: "BEFORE.json AFTER.json",
        summary: "what changed beyond noise",
        run: bench::command,
    },
    Command { name: "help", arguments: "", summary: "this table", run: help },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        None => ("help", &[][..]),
        Some((flag, rest)) if flag == "--help" || flag == "-h" => ("help", rest),
        Some((name, rest)) => (name.as_str(), rest),
    };
    let outcome = match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => repository::root().and_then(|root| (command.run)(&root, rest)),
        None => Err(format!("no command `{name}`; `cargo xtask help` lists them").into()),
    };
    outcome.unwrap_or_else(|problem| {
        println!("xtask: {problem}");
        ExitCode::from(2)
    })
}

fn help(_root: &Path, _arguments: &[String]) -> Result<ExitCode, Problem> {
    println!("cargo xtask COMMAND\n");
    for command in COMMANDS {
        println!("  {:<13} {:<58} {}", command.name, command.arguments, command.summary);
    }
    Ok(ExitCode::SUCCESS)
}
