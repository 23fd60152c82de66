//! Who may know whom: the table of `docs/ARCHITECTURE.md` as data. A new crate is one row here.

/// One row of the table.
pub(crate) struct Crate {
    /// Its folder in `crates/`.
    pub(super) folder: &'static str,
    pub(super) tier: Tier,
    pub(super) may_know: Known,
}

/// How far above the ground a crate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// Mechanisms that know the vocabulary at most.
    Zero,
    /// State machines and storage on top of them.
    One,
    /// Shells on tokio.
    Two,
    /// What is put together of all.
    Three,
    /// For tests and measurements.
    Dev,
}

/// Which of our own crates a crate may depend on, dev-dependencies apart.
pub(super) enum Known {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

use Known::{AllBut, Only};

const CRATES: &[Crate] = &[
    row("message", Tier::Zero, Only(&[])),
    row("ratelimit", Tier::Zero, Only(&["message"])),
    row("queue", Tier::Zero, Only(&["message"])),
    row("pool", Tier::Zero, Only(&["message"])),
    row("payload-codec", Tier::Zero, Only(&["message"])),
    row("reconnect", Tier::Zero, Only(&["message"])),
    row("deflate", Tier::Zero, Only(&[])),
    row("ws", Tier::One, Only(&["deflate"])),
    row("journal", Tier::One, Only(&["message"])),
    row("stream", Tier::One, Only(&["message"])),
    row("telemetry", Tier::One, Only(&["message"])),
    row("broker", Tier::Two, Only(&["message", "journal"])),
    row("session", Tier::Two, Only(&["message", "ws", "payload-codec", "queue", "telemetry"])),
    row("server", Tier::Two, Only(&["message", "ws", "telemetry"])),
    row("client", Tier::Three, Only(&["message", "ws", "payload-codec", "reconnect"])),
    row("gateway", Tier::Three, AllBut(&["client", "testkit", "load"])),
    row("testkit", Tier::Dev, AllBut(&[])),
    row("load", Tier::Dev, AllBut(&[])),
];

const fn row(folder: &'static str, tier: Tier, may_know: Known) -> Crate {
    Crate { folder, tier, may_know }
}

impl Crate {
    /// Tiers 0 and 1: without features they know no runtime.
    pub(crate) fn is_foundation(&self) -> bool {
        matches!(self.tier, Tier::Zero | Tier::One)
    }

    pub(super) fn may_know(&self, folder: &str) -> bool {
        match self.may_know {
            Only(known) => known.contains(&folder),
            AllBut(unknown) => !unknown.contains(&folder),
        }
    }
}

/// The row of the crate in `crates/<folder>`.
pub(super) fn of_folder(folder: &str) -> Option<&'static Crate> {
    CRATES.iter().find(|row| row.folder == folder)
}

/// The row of a package by its name.
pub(crate) fn of_package(name: &str) -> Option<&'static Crate> {
    of_folder(folder_of(name)?)
}

/// `ws` for the package `tidegate-ws`; `gateway` for `tidegate`; `None` for a foreign package.
pub(super) fn folder_of(package: &str) -> Option<&str> {
    match package {
        "tidegate" => Some("gateway"),
        other => other.strip_prefix("tidegate-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Crates in an order in which each knows only earlier ones: arrows run downwards, without a circle.
    #[test]
    fn arrows_run_downwards() {
        let mut below = Vec::new();
        for row in CRATES {
            if let Only(known) = row.may_know {
                for name in known {
                    assert!(
                        below.contains(name),
                        "{} knows {name}, which is not below it",
                        row.folder
                    );
                }
            }
            below.push(row.folder);
        }
    }

    #[test]
    fn packages_are_found_by_their_names() {
        assert_eq!(of_package("tidegate").map(|row| row.folder), Some("gateway"));
        assert_eq!(of_package("tidegate-payload-codec").map(|row| row.tier), Some(Tier::Zero));
        assert!(of_package("tokio").is_none());
    }
}
