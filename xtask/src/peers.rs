//! Servers to measure the gateway beside: each is a folder in `xtask/peers/`, and no code here knows any of them
//! by name.
//!
//! | file of a folder | what it says |
//! |---|---|
//! | `peer.toml` | what it is, how it is installed and started, what it can do ([`Peer`]) |
//! | `dialect.toml` | how it is spoken to (`tidegate_load::dialect`) |
//! | all others | its source and configuration |

mod install;
mod peer;
mod server;

use std::fs;
use std::path::Path;

use crate::Problem;

pub(crate) use install::Workshop;
pub(crate) use peer::{Ability, Peer};
pub(crate) use server::{Places, Server};

/// Where the folders are, from the repository's root.
const FOLDER: &str = "xtask/peers";

/// The peers of the repository by name, ours first: all of them, or ours and those that are `named`.
///
/// # Errors
/// When there is none of that name, or a folder cannot be understood.
pub(crate) fn choose(root: &Path, named: &[String]) -> Result<Vec<Peer>, Problem> {
    let folder = root.join(FOLDER);
    let all = read(&folder)?;
    if let Some(unknown) = named.iter().find(|name| all.iter().all(|peer| peer.name != **name)) {
        let names: Vec<&str> = all.iter().map(|peer| peer.name.as_str()).collect();
        return Err(format!("no peer `{unknown}`; there are {}", names.join(", ")).into());
    }
    let wanted = |peer: &Peer| named.is_empty() || peer.is_ours || named.contains(&peer.name);
    Ok(all.into_iter().filter(wanted).collect())
}

fn read(folder: &Path) -> Result<Vec<Peer>, Problem> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let folders = entries.flatten().map(|entry| entry.path());
    let described = folders.filter(|path| path.join(peer::DESCRIPTION).is_file());
    let mut peers = described.map(|path| Peer::read(&path)).collect::<Result<Vec<_>, _>>()?;
    peers.sort_by(|a, b| (!a.is_ours, &a.name).cmp(&(!b.is_ours, &b.name)));
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository;

    fn names(named: &[&str]) -> Result<Vec<String>, Problem> {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let chosen = choose(&repository::root()?, &named)?;
        Ok(chosen.into_iter().map(|peer| peer.name).collect())
    }

    #[test]
    fn every_folder_can_be_understood() {
        let all = names(&[]).unwrap();
        for name in ["axum", "bun", "floor", "nats", "nchan", "socketio", "uws", "ws"] {
            assert!(all.iter().any(|found| found == name), "{name} in {all:?}");
        }
    }

    #[test]
    fn ours_stand_beside_whatever_is_named() {
        assert_eq!(
            names(&["ws", "axum"]).unwrap(),
            ["tidegate", "tidegate-echo", "tidegate-one", "tidegate-ws", "axum", "ws"]
        );
    }

    #[test]
    fn a_name_without_a_folder_is_answered_with_those_there_are() {
        let error = names(&["ws", "axmu"]).unwrap_err().to_string();
        assert!(error.contains("no peer `axmu`") && error.contains("axum, bun"), "{error}");
    }
}
