//! A small directory as it was written, and the question whether another one, damaged, hides anything of it.

use std::collections::BTreeMap;
use std::path::Path;

use tidegate_journal::disk::{
    FileMark, FjallStore, Keeper, OpenError, Options, Repaired, Stored, repair_directory,
};
use tidegate_journal::{
    Durability, Entry, Epoch, IdempotencyKey, Keyed, LogName, Mergeable, Retention,
};
use tidegate_message::Class;

use super::support::folder::{Folder, Piece, pieces};

const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: u64::MAX };

/// What became of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is there.
    Harmless,
    /// What is missing is said.
    Said,
    /// It does not open; repaired, what is missing is said.
    Refused,
    /// The same; and the storage engine alone would have opened it without a word.
    Caught,
}

pub(crate) struct Golden {
    pub(crate) pieces: Vec<Piece>,
    /// What was written durably: name → bodies by seq.
    logs: BTreeMap<LogName, Vec<Vec<u8>>>,
}

impl Golden {
    pub(crate) fn closed() -> Self {
        Self::new(40, true, 16 << 20)
    }

    /// As a process that is killed leaves it.
    pub(crate) fn in_use() -> Self {
        Self::new(40, false, 16 << 20)
    }

    /// So much that most of it is in tables.
    pub(crate) fn with_tables() -> Self {
        Self::new(300, true, 4 << 10)
    }

    fn new(entries: u64, close: bool, table_bytes: u64) -> Self {
        let folder = Folder::in_memory("golden");
        // The directory is made by an ordinary start; then its store is replaced by one of the size that is wanted.
        let made = Keeper::open_directory(folder.path(), OPTIONS);
        drop(made.expect("an empty directory opens"));
        std::fs::remove_dir_all(folder.path().join("store")).expect("it is there");
        std::fs::remove_file(folder.path().join("mark")).expect("it is there");
        let store = FjallStore::open_sized(&folder.path().join("store"), table_bytes);
        let mark = FileMark::open(&folder.path().join("mark"));
        let opened = Keeper::open(store.expect("it is new"), mark.expect("it is new"), OPTIONS);
        let (keeper, _) = opened.expect("it is new");
        let logs = fill(&keeper, entries);
        let whole = if close {
            keeper.close().expect("it works");
            pieces(folder.path())
        } else {
            let whole = pieces(folder.path());
            drop(keeper);
            whole
        };
        Self { pieces: whole.expect("it can be read"), logs }
    }

    /// What became of the directory. Panics when something is missing and that is not said.
    pub(crate) fn check(&self, path: &Path, what: &str) -> Outcome {
        match Keeper::open_directory(path, OPTIONS) {
            Ok((keeper, _)) => {
                let outcome = self.check_open(&keeper, what);
                drop(keeper);
                if outcome == Outcome::Said {
                    self.check_repair(path, what);
                }
                outcome
            }
            // These say that someone should look; nothing of the directory was touched.
            Err(OpenError::Foreign { .. } | OpenError::Newer { .. }) => Outcome::Refused,
            Err(error) => {
                self.check_repair(path, what);
                match error {
                    OpenError::CommitsGone { .. } | OpenError::Heads { .. } => Outcome::Caught,
                    _ => Outcome::Refused,
                }
            }
        }
    }

    fn check_open(&self, keeper: &Keeper, what: &str) -> Outcome {
        let mut outcome = Outcome::Harmless;
        for (name, bodies) in &self.logs {
            let loaded = match keeper.load(name) {
                Ok(loaded) => loaded.unwrap_or_else(|| panic!("{what}: {name} is gone, silently")),
                // Damage that shows when it is read, as a typed error.
                Err(_) => return Outcome::Said,
            };
            assert_eq!(loaded.head.epoch, Epoch(name.as_str().len() as u64), "{what}");
            assert!(loaded.head.next > bodies.len() as u64, "{what}: {name} would use seqs again");
            let Ok(items) = keeper.read(loaded.number, loaded.head.floor, usize::MAX) else {
                return Outcome::Said;
            };
            let end = check_items(bodies, loaded.head.floor, &items, what);
            assert!(end >= bodies.len() as u64, "{what}: {name} ends at {end}, silently");
            let lost = |item: &Stored| matches!(item, Stored::Lost(lost) if lost.from <= bodies.len() as u64);
            let keys = loaded.head.keys.len();
            if items.iter().any(lost) || keys < bodies.len() / 10 {
                outcome = Outcome::Said;
            }
        }
        outcome
    }

    fn check_repair(&self, path: &Path, what: &str) {
        let mut epoch = 1_000;
        let repaired = repair_directory(path, &mut || {
            epoch += 1;
            Epoch(epoch)
        });
        let repaired = repaired.unwrap_or_else(|error| panic!("{what}: not repaired: {error}"));
        let opened = Keeper::open_directory(path, OPTIONS);
        let (keeper, _) =
            opened.unwrap_or_else(|error| panic!("{what}: {error}, after {repaired:?}"));
        for (name, bodies) in &self.logs {
            let Some(report) = repaired.logs.iter().find(|log| log.name == *name) else {
                assert!(says_gone(&repaired), "{what}: {name} is gone, silently: {repaired:?}");
                continue;
            };
            let loaded = keeper.load(name).expect("it was repaired").expect("it was reported");
            assert_eq!(loaded.head.epoch, report.epoch, "{what}");
            let items = keeper.read(loaded.number, loaded.head.floor, usize::MAX);
            let items = items.expect("it was repaired");
            let end = check_items(bodies, loaded.head.floor, &items, what);
            let all = end >= bodies.len() as u64 && loaded.head.next > bodies.len() as u64;
            assert!(all || repaired.new_epochs, "{what}: {name} ends at {end}: {repaired:?}");
        }
    }
}

fn says_gone(repaired: &Repaired) -> bool {
    let gone = repaired.mark.is_none_or(|mark| mark > repaired.ordinal);
    gone || !repaired.damaged_heads.is_empty()
        || repaired.set_aside.is_some()
        || repaired.new_epochs
}

/// What is read is what was written, without a hole that is not said. Returns how far it reads.
fn check_items(bodies: &[Vec<u8>], floor: u64, items: &[Stored], what: &str) -> u64 {
    assert_eq!(floor, 0, "{what}: nothing was ever trimmed");
    let mut at = floor;
    for item in items {
        match item {
            Stored::Entry(entry) => {
                assert_eq!(entry.first, at + 1, "{what}: a hole that is not said");
                let body = bodies.get(at as usize).map(Vec::as_slice);
                assert_eq!(body, Some(&entry.body[..]), "{what}: other bytes at {}", entry.first);
                at = entry.last;
            }
            Stored::Lost(lost) => {
                assert_eq!(lost.from, at + 1, "{what}: a hole that is not said");
                at = lost.to;
            }
        }
    }
    at
}

fn fill(keeper: &Keeper, entries: u64) -> BTreeMap<LogName, Vec<Vec<u8>>> {
    let mut logs = BTreeMap::new();
    for name in ["a", "bb", "ccc"] {
        let name: LogName = name.parse().expect("a name");
        // The epoch can be told from the name.
        let epoch = Epoch(name.as_str().len() as u64);
        let number = keeper.create(&name, epoch, Retention::RUN).expect("it works");
        let mut bodies = Vec::new();
        for seq in 1..=entries {
            let body = format!("{name} has {seq} and {}", seq * 7_919).into_bytes();
            let entry = Entry::whole(seq, seq, Class::Critical, body.clone().into());
            let key = IdempotencyKey::new(name.as_str(), &seq.to_string());
            let key = seq.is_multiple_of(10).then(|| Keyed::new(key, &body));
            let durability = if seq % 8 == 0 { Durability::Fsync } else { Durability::Os };
            let ticket = keeper.write(number, entry, Mergeable::NEVER, key, durability);
            ticket.wait().expect("it works");
            bodies.push(body);
        }
        logs.insert(name, bodies);
    }
    logs
}
