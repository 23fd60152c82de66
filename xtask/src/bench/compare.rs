//! `cargo xtask bench compare`: the same works done by the gateway and by other servers, interleaved in one run.
//!
//! Knows the order of things: what is chosen, built, installed, measured and written. Each of these is a module
//! of its own.

mod figures;
mod joined;
mod measure;
mod options;
mod order;
mod table;
mod works;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use super::generator::Generator;
use super::processes::{Interrupt, Program, Scratch};
use super::results::{Kind, Results};
use crate::Problem;
use crate::peers::{self, Peer, Places, Workshop};
use measure::{Comparison, Contestant};
use options::Options;
use works::{LOADS, Load, Scale};

/// How long building the gateway and the generator may take.
const BUILD_TIMEOUT: Duration = Duration::from_secs(1_800);

/// What a comparison is written to when nothing is said.
const OUTPUT: &str = "target/bench/compare.json";

/// Compares; the table goes to the screen, everything to `--output`.
///
/// # Errors
/// When the command line is wrong, or the gateway or the generator cannot be built. A peer that cannot be
/// installed or started is left out, and the results say so.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<ExitCode, Problem> {
    let options = Options::parse(arguments)?;
    if options.help {
        println!("{}", options::USAGE);
        return Ok(ExitCode::SUCCESS);
    }
    let (peers, works) = (peers::choose(root, &options.with)?, works::choose(&options.works)?);
    if options.list {
        list(&peers);
        return Ok(ExitCode::SUCCESS);
    }
    let interrupt = Interrupt::listen()?;
    let built = Built::make(root, &interrupt)?;
    let programs =
        [("tidegate", built.gateway.as_path()), ("tidegate-load", built.generator.as_path())];
    let mut results = Results::begin(root, Kind::Comparison, &programs);
    let contestants = prepare(root, &built, peers, &interrupt, &mut results);
    let output = output(root, &options)?;
    let comparison = Comparison {
        generator: Generator::at(&built.generator),
        interrupt: &interrupt,
        contestants,
        works,
        scale: Scale::new(options.quick, options.duration),
        repetitions: options.repeat(),
        is_verbose: options.verbose,
        results,
        output,
    };
    comparison.run()
}

fn list(peers: &[Peer]) {
    println!("servers (--with; ours are always there):");
    for peer in peers {
        println!("  {:<14} {}: {}", peer.name, peer.title, peer.note);
    }
    println!("works (--works):");
    for Load { name, purpose, .. } in &LOADS {
        println!("  {name:<14} {purpose}");
    }
}

fn output(root: &Path, options: &Options) -> Result<PathBuf, Problem> {
    let path = options.output.clone().unwrap_or_else(|| root.join(OUTPUT));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(path)
}

/// Installs what is not installed yet. What cannot be is left out, with a note.
fn prepare(
    root: &Path,
    built: &Built,
    peers: Vec<Peer>,
    interrupt: &Interrupt,
    results: &mut Results,
) -> Vec<Contestant> {
    let workshop = Workshop { root, interrupt };
    let mut contestants = Vec::new();
    for peer in peers {
        match workshop.install(&peer, || println!("installing {}", peer.title)) {
            Ok(folder) => {
                let version = Workshop::version(&peer, &folder);
                if !version.is_empty() {
                    results.versions.insert(peer.name.clone(), version);
                }
                let places = Places { folder, gateway: built.gateway.clone() };
                contestants.push(Contestant { peer, places, is_left_out: false });
            }
            Err(why) => {
                let note = format!("{} is left out, it cannot be installed: {why}", peer.name);
                println!("{note}");
                results.notes.push(note);
            }
        }
    }
    contestants
}

/// The programs of this work tree.
struct Built {
    gateway: PathBuf,
    generator: PathBuf,
}

impl Built {
    fn make(root: &Path, interrupt: &Interrupt) -> Result<Self, Problem> {
        println!("building the gateway and the load generator");
        let cargo = || {
            let mut command =
                Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            command.current_dir(root).stdin(Stdio::null());
            command
        };
        let packages = ["--package", "tidegate", "--package", "tidegate-load"];
        let scratch = Scratch::new()?;
        let mut build = cargo();
        build.args(["build", "--release", "--locked"]).args(packages);
        let log = scratch.path().join("log");
        let mut program = Program::start("cargo build", &mut build, &log, false)?;
        program.wait_until(BUILD_TIMEOUT, interrupt, || program.has_ended())?;
        let how = program.end();
        if how != "exit status: 0" {
            return Err(format!("cargo build: {how}\n{}", program.last_words(30)).into());
        }
        let metadata = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
        let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
        let target = metadata["target_directory"].as_str().ok_or("cargo metadata: no target")?;
        let release = Path::new(target).join("release");
        Ok(Self { gateway: release.join("tidegate"), generator: release.join("tidegate-load") })
    }
}
