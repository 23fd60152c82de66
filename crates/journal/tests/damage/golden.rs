//! A small directory as it was written, and the question whether another one, damaged, hides anything of it.

use std::collections::BTreeSet;
use std::path::Path;

use tidegate_journal::disk::{Keeper, OpenError, Repaired, Stored, repair_directory};
use tidegate_journal::{Epoch, LogName};

use super::made::{self, Logs, Made, OPTIONS, REMOVED, Written};
use super::support::folder::Piece;

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
    pub(crate) name: &'static str,
    pub(crate) pieces: Vec<Piece>,
    logs: Logs,
}

/// All of them: what they have is said where they are made.
pub(crate) const ALL: [fn() -> Golden; 5] =
    [Golden::closed, Golden::in_use, Golden::with_tables, Golden::sealed, Golden::flushed];

impl Golden {
    pub(crate) fn closed() -> Self {
        Self::of("closed", made::closed())
    }

    pub(crate) fn in_use() -> Self {
        Self::of("in-use", made::in_use())
    }

    pub(crate) fn with_tables() -> Self {
        Self::of("with-tables", made::with_tables())
    }

    pub(crate) fn sealed() -> Self {
        Self::of("sealed", made::sealed())
    }

    pub(crate) fn flushed() -> Self {
        Self::of("flushed", made::flushed())
    }

    fn of(name: &'static str, Made { pieces, logs }: Made) -> Self {
        Self { name, pieces, logs }
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
        let removed = keeper.load(&REMOVED.parse().expect("a name"));
        assert!(matches!(removed, Ok(None) | Err(_)), "{what}: a removed log is back, silently");
        for (name, written) in &self.logs {
            let loaded = match keeper.load(name) {
                Ok(loaded) => loaded.unwrap_or_else(|| panic!("{what}: {name} is gone, silently")),
                // Damage that shows when it is read, as a typed error.
                Err(_) => {
                    outcome = Outcome::Said;
                    continue;
                }
            };
            let head = &loaded.head;
            assert_eq!(head.epoch, epoch(name), "{what}: {name}");
            let Ok(items) = keeper.read(loaded.number, head.floor, usize::MAX) else {
                outcome = Outcome::Said;
                continue;
            };
            let seen = Seen::of(written, head.floor, &items, &format!("{what}: {name}"));
            assert_eq!(seen.end + 1, head.next, "{what}: the end of {name} is not accounted for");
            assert!(seen.end >= written.last(), "{what}: {name} ends at {}, silently", seen.end);
            let known: BTreeSet<_> =
                head.keys.iter().map(|key| (key.seq, key.keyed.body)).collect();
            for (seq, key) in &written.keys {
                let there = known.contains(&(*seq, key.body));
                assert!(
                    there || !seen.seqs.contains(seq),
                    "{what}: the key of {name}'s {seq} is gone"
                );
            }
            if seen.lacks {
                outcome = Outcome::Said;
            }
        }
        outcome
    }

    /// Repairs it, and panics unless everything is there.
    pub(crate) fn check_all_repaired(&self, path: &Path, what: &str) {
        let repaired = self.check_repair(path, what);
        assert!(!repaired.new_epochs, "{what}: {repaired:?}");
        let there: u64 = repaired.logs.iter().map(|log| log.bytes).sum();
        let bodies = self.logs.values().flat_map(|log| log.bodies.range(log.floor + 1..));
        let all: usize = bodies.map(|(_, body)| body.len()).sum();
        assert_eq!(there, all as u64, "{what}: {repaired:?}");
    }

    /// Repairs it, and panics unless the newest entry of each log is there.
    pub(crate) fn check_newest_repaired(&self, path: &Path, what: &str) {
        let repaired = self.check_repair(path, what);
        for log in &repaired.logs {
            let last = self.logs.get(&log.name).map_or(0, Written::last);
            let lost = log.lost.iter().any(|lost| (lost.from..=lost.to).contains(&last));
            assert!(!lost, "{what}: {repaired:?}");
        }
        assert_eq!(repaired.logs.len(), self.logs.len(), "{what}: {repaired:?}");
    }

    fn check_repair(&self, path: &Path, what: &str) -> Repaired {
        let mut epoch = 1_000;
        let repaired = repair_directory(path, &mut || {
            epoch += 1;
            Epoch(epoch)
        });
        let repaired = repaired.unwrap_or_else(|error| panic!("{what}: not repaired: {error}"));
        let opened = Keeper::open_directory(path, OPTIONS);
        let (keeper, _) =
            opened.unwrap_or_else(|error| panic!("{what}: {error}, after {repaired:?}"));
        let back = repaired.logs.iter().any(|log| log.name.as_str() == REMOVED);
        assert!(!back || repaired.new_epochs, "{what}: a removed log is back: {repaired:?}");
        for (name, written) in &self.logs {
            let Some(report) = repaired.logs.iter().find(|log| log.name == *name) else {
                assert!(says_gone(&repaired), "{what}: {name} is gone, silently: {repaired:?}");
                continue;
            };
            let loaded = keeper.load(name).expect("it was repaired").expect("it was reported");
            assert_eq!(loaded.head.epoch, report.epoch, "{what}");
            let new = report.epoch != self::epoch(name);
            assert_eq!(new, repaired.new_epochs, "{what}: {name}: {repaired:?}");
            let items = keeper.read(loaded.number, loaded.head.floor, usize::MAX);
            let items = items.expect("it was repaired");
            let seen = Seen::of(written, loaded.head.floor, &items, &format!("{what}: {name}"));
            let all = seen.end >= written.last() && loaded.head.next > written.last();
            assert!(all || new, "{what}: {name} ends at {}: {repaired:?}", seen.end);
        }
        repaired
    }
}

/// The epoch of a log can be told from its name.
fn epoch(name: &LogName) -> Epoch {
    Epoch(name.as_str().len() as u64)
}

fn says_gone(repaired: &Repaired) -> bool {
    let gone = repaired.mark.is_none_or(|mark| mark > repaired.ordinal);
    gone || !repaired.damaged_heads.is_empty()
        || repaired.set_aside.is_some()
        || repaired.new_epochs
}

impl Written {
    fn last(&self) -> u64 {
        self.bodies.last_key_value().map_or(0, |(seq, _)| *seq)
    }
}

/// What was read of a log.
struct Seen {
    end: u64,
    /// Which of what was written is there.
    seqs: BTreeSet<u64>,
    /// Something of what was written is said to be lost.
    lacks: bool,
}

impl Seen {
    /// What is read is what was written, without a hole that is not said.
    fn of(written: &Written, floor: u64, items: &[Stored], what: &str) -> Self {
        assert!(floor <= written.floor, "{what}: {floor} is no floor that it ever had");
        let mut seen = Self { end: floor, seqs: BTreeSet::new(), lacks: false };
        for item in items {
            match item {
                Stored::Entry(entry) => {
                    assert_eq!(entry.first, seen.end + 1, "{what}: a hole that is not said");
                    let bodies = written.bodies.range(entry.first..=entry.last);
                    let body: Vec<u8> = bodies.flat_map(|(_, body)| body).copied().collect();
                    assert!(entry.body == body, "{what}: other bytes at {}", entry.first);
                    seen.end = entry.last;
                    seen.seqs.extend(entry.first..=entry.last);
                }
                Stored::Lost(lost) => {
                    assert_eq!(lost.from, seen.end + 1, "{what}: a hole that is not said");
                    seen.lacks |= written.bodies.range(lost.from..=lost.to).next().is_some();
                    seen.end = lost.to;
                }
            }
        }
        seen
    }
}
