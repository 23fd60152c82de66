//! What is in a directory: found in a copy of it, so that it stays as it is. Says no sentence about what is right.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tidegate_journal::disk::{
    FileMark, FjallStore, Keeper, LogReport, Options, Report, StoreError, verify,
};

use super::copy::Copy;
use super::identity;

/// A copy of a journal's directory, with its store open.
pub(super) struct Found {
    pub(super) store: FjallStore,
    mark: FileMark,
    copy: Copy,
}

/// Why a directory cannot be looked into.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is none, or somebody has it, or it cannot be read: repairing would not help.
    Refused(String),
    /// The storage engine does not open its files, or does not read what it must.
    Damaged(String),
}

/// What a walk over everything saw.
pub(super) struct Seen {
    pub(super) logs: Vec<LogReport>,
    pub(super) report: Report,
    /// What a start would say instead of starting.
    pub(super) refusal: Option<String>,
}

impl Found {
    pub(super) fn in_copy_of(directory: &Path, scratch: Option<&Path>) -> Result<Self, Fault> {
        let shown = directory.display();
        let refused = |why: &str| Fault::Refused(format!("{shown} {why}"));
        match fs::metadata(directory) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(refused("is no directory")),
            Err(error) => return Err(refused(&format!("cannot be looked into: {error}"))),
        }
        if !identity(directory).exists() {
            return Err(refused("is no journal: it has no file `tidegate-journal`"));
        }
        let lock = lock(directory)?;
        let parent = scratch.map_or_else(std::env::temp_dir, Path::to_owned);
        let copy = Copy::of(directory, &parent).map_err(|error| {
            let parent = parent.display();
            refused(&format!("cannot be copied to {parent} to be read there: {error}; name another place with --scratch"))
        })?;
        drop(lock);
        let store = match FjallStore::open(&copy.path().join("store")) {
            Ok(store) => store,
            Err(StoreError::Damaged(what)) => return Err(Fault::Damaged(what)),
            Err(other) => return Err(refused(&format!("cannot be read: {other}"))),
        };
        let mark = FileMark::open(&copy.path().join("mark"))
            .map_err(|error| refused(&format!("cannot be read: the mark: {error}")))?;
        Ok(Self { store, mark, copy })
    }

    /// Reads everything.
    pub(super) fn look(self) -> Result<Seen, Fault> {
        let mut logs = Vec::new();
        let report = verify(&self.store, &self.mark, &mut |log| logs.push(log.clone()))
            .map_err(|error| Fault::Damaged(error.to_string()))?;
        Ok(Seen { logs, report, refusal: self.refusal(Path::new("the directory")) })
    }

    /// What a start would say instead of starting, in the journal's own words.
    pub(super) fn refusal(self, directory: &Path) -> Option<String> {
        let Self { store, mark, copy } = self;
        drop((store, mark));
        let options = Options { least_free_bytes: 0, ..Options::default() };
        let why = Keeper::open_directory(copy.path(), options).err()?.to_string();
        Some(why.replace(&*copy.path().to_string_lossy(), &directory.to_string_lossy()))
    }
}

impl Seen {
    pub(super) fn is_well(&self) -> bool {
        self.report.is_whole() && self.refusal.is_none()
    }
}

/// Keeps others out while the directory is copied. One that was copied without its lock has nobody.
fn lock(directory: &Path) -> Result<Option<File>, Fault> {
    let shown = directory.display();
    let file = match File::open(directory.join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Fault::Refused(format!("{shown} cannot be read: its lock: {error}")));
        }
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Fault::Refused(format!(
            "{shown} is in use by another process: stop that one first, and look again"
        ))),
        Err(TryLockError::Error(error)) => {
            Err(Fault::Refused(format!("{shown} cannot be locked: {error}")))
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => f.write_str(why),
            Self::Damaged(why) => write!(
                f,
                "the store does not let itself be read: {why}; `tidegate journal verify` says what to do"
            ),
        }
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}
