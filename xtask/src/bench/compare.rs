//! `cargo xtask bench compare`: the same works done by the gateway and by other servers, interleaved in one run.
//!
//! Knows the order of things: what is chosen, built, installed, measured and written. Each of these is a module
//! of its own.

pub(crate) mod figures;
mod joined;
mod measure;
mod options;
mod order;
pub(crate) mod table;
mod works;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::files;
use super::install::{self, Profile, Programs};
use super::processes::Interrupt;
use super::results::{Kind, Participant, Results};
use crate::Problem;
use crate::peers::{self, Peer, Places, Workshop};
use measure::{Comparison, Contestant};
use options::Options;
use works::{LOADS, Load, Scale};

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
    println!("building the gateway and the load generator (release)");
    let programs = Programs::build(root, Profile::Release)?;
    let interrupt = Interrupt::listen()?;
    files::raise_limit();
    let mut results = Results::begin(root, Kind::Comparison, &programs.named());
    println!("{}", results.machine.describe());
    let contestants = prepare(root, &programs, peers, &interrupt, &mut results);
    let output = output(root, &options)?;
    let comparison = Comparison {
        generator: programs.generator(),
        interrupt: &interrupt,
        contestants,
        works,
        scale: Scale::new(options.quick, options.duration).divided(options.connections_per_process),
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
    let path = match &options.output {
        Some(path) => path.clone(),
        None => install::target(root)?.join("bench/compare.json"),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(path)
}

/// Installs what is not installed yet. What cannot be is left out, with a note.
fn prepare(
    root: &Path,
    programs: &Programs,
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
                results.servers.push(participant(&peer));
                let places = Places { folder, gateway: programs.gateway.clone() };
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

fn participant(peer: &Peer) -> Participant {
    Participant {
        name: peer.name.clone(),
        title: peer.title.clone(),
        note: peer.note.clone(),
        is_floor: peer.is_floor,
    }
}
