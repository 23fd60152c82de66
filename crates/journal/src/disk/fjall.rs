//! The store on fjall: one key space, so that what is lost is lost together, and a byte in front of each key that
//! says to which of ours it belongs. Knows no log.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::error::StoreError;
use super::manifest;
use super::store::{Batch, Row, Space, Store, Visit};

/// What fjall keeps of blocks in memory, in bytes.
const CACHE_BYTES: u64 = 16 << 20;
/// What fjall gathers in memory before it writes a table, in bytes; at most four of them wait. Written down by fjall
/// when the directory is made.
const TABLE_BYTES: u64 = 16 << 20;

/// A store in a directory of its own, kept by fjall.
pub struct FjallStore {
    path: PathBuf,
    engine: RwLock<Option<Engine>>,
    /// A sync failed: what the system says it has may not be on the disk, nor ever get there by itself.
    unsynced: AtomicBool,
}

struct Engine {
    database: Database,
    rows: Keyspace,
}

impl FjallStore {
    /// Opens a directory, or makes it.
    ///
    /// # Errors
    /// The directory is in use, cannot be written, or fjall finds it damaged. Opening writes: fjall cuts its journal
    /// off where it cannot read on.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_sized(path, TABLE_BYTES)
    }

    /// The same; where the directory is made by it, fjall gathers so many bytes in memory before it writes a table.
    ///
    /// # Errors
    /// Those of [`FjallStore::open`].
    pub fn open_sized(path: &Path, table_bytes: u64) -> Result<Self, StoreError> {
        let engine = guarded("open", || Engine::open(path, table_bytes))?;
        let engine = RwLock::new(Some(engine));
        Ok(Self { path: path.to_owned(), engine, unsynced: AtomicBool::new(false) })
    }

    fn with<T>(
        &self,
        verb: &str,
        act: impl FnOnce(&Engine) -> Result<T, fjall::Error>,
    ) -> Result<T, StoreError> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let engine = engine.as_ref().ok_or(StoreError::Closed)?;
        guarded(verb, || act(engine))
    }
}

impl Engine {
    fn open(path: &Path, table_bytes: u64) -> Result<Self, fjall::Error> {
        manifest::check(path)?;
        // One worker: with two, the one that waits for flushes spins while the other compacts.
        let database = Database::builder(path)
            .manual_journal_persist(true)
            .worker_threads(1)
            .cache_size(CACHE_BYTES)
            .open()?;
        let rows = database.keyspace("rows", || {
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .max_memtable_size(table_bytes)
        })?;
        Ok(Self { database, rows })
    }
}

impl Store for FjallStore {
    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.with("write", |engine| {
            let mut all = engine.database.batch().durability(Some(PersistMode::Buffer));
            for change in batch.changes() {
                let key = full_key(change.space, &change.key);
                match &change.value {
                    Some(value) => all.insert(&engine.rows, key, &value[..]),
                    None => all.remove(&engine.rows, key),
                }
            }
            all.commit()
        })
    }

    fn sync(&self) -> Result<(), StoreError> {
        let synced = self.with("sync", |engine| engine.database.persist(PersistMode::SyncData));
        if synced.is_err() {
            self.unsynced.store(true, Ordering::Relaxed);
        }
        synced
    }

    fn row(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let value = self.with("read", |engine| engine.rows.get(full_key(space, key)))?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let range = full_key(space, from)..full_key(space, to);
        if range.is_empty() {
            return Ok(());
        }
        self.with("read", |engine| {
            for row in engine.rows.range(range) {
                let (key, value) = row.into_inner()?;
                if visit(key.get(1..).unwrap_or_default(), &value).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn last(&self, space: Space, from: &[u8], to: &[u8]) -> Result<Option<Row>, StoreError> {
        let range = full_key(space, from)..full_key(space, to);
        if range.is_empty() {
            return Ok(None);
        }
        self.with("read", |engine| {
            let row = engine.rows.range(range).next_back().map(Guard::into_inner).transpose()?;
            Ok(row.map(|(key, value)| {
                let key = Bytes::copy_from_slice(key.get(1..).unwrap_or_default());
                (key, Bytes::copy_from_slice(&value))
            }))
        })
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        guarded("close", || {
            drop(engine.take());
            Ok(())
        })?;
        if self.unsynced.load(Ordering::Relaxed) {
            rewrite_journals(&self.path).map_err(|error| StoreError::Disk(error.to_string()))?;
            self.unsynced.store(false, Ordering::Relaxed);
        }
        *engine = Some(guarded("open", || Engine::open(&self.path, TABLE_BYTES))?);
        Ok(())
    }

    fn free_bytes(&self) -> Result<Option<u64>, StoreError> {
        match rustix::fs::statvfs(&self.path) {
            Ok(stat) => Ok(Some(stat.f_bavail.saturating_mul(stat.f_frsize))),
            Err(error) => Err(StoreError::Disk(format!("free space: {error}"))),
        }
    }
}

/// Opens what is left of a store when its trees go by a version that is whole, and each of its journals is cut where
/// that helps: the longest beginning that opens is found by halving, from the oldest journal on. `None` when even
/// without them nothing opens. `damaged` is only read; the result lies in `whole`.
///
/// A journal is a list of commits, and fjall takes a cut end for one that was never finished.
pub(crate) fn cut_journals(damaged: &Path, whole: &Path) -> io::Result<Option<FjallStore>> {
    let journals = journals(damaged)?;
    let attempt = |lengths: &[u64]| -> io::Result<Option<FjallStore>> {
        if whole.exists() {
            fs::remove_dir_all(whole)?;
        }
        copy_folder(damaged, whole, &journals)?;
        manifest::mend(whole)?;
        for ((name, _), length) in journals.iter().zip(lengths) {
            let journal = File::open(damaged.join(name))?;
            io::copy(&mut journal.take(*length), &mut File::create_new(whole.join(name))?)?;
        }
        Ok(FjallStore::open(whole).ok())
    };
    let mut lengths: Vec<u64> = journals.iter().map(|(_, length)| *length).collect();
    if let Some(opened) = attempt(&lengths)? {
        return Ok(Some(opened));
    }
    lengths.fill(0);
    if attempt(&lengths)?.is_none() {
        return Ok(None);
    }
    for (at, (_, length)) in journals.iter().enumerate() {
        let mut opens_at = |length: u64| {
            lengths.get_mut(at).into_iter().for_each(|it| *it = length);
            Ok::<_, io::Error>(attempt(&lengths)?.is_some())
        };
        let (mut opens, mut fails) = (0, *length + 1);
        // Most are whole.
        let mut middle = *length;
        while fails - opens > 1 {
            if opens_at(middle)? {
                opens = middle;
            } else {
                fails = middle;
            }
            middle = opens + (fails - opens) / 2;
        }
        opens_at(opens)?;
    }
    attempt(&lengths)
}

/// The journals, the oldest first, and how many bytes of each are written.
fn journals(path: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut numbered = Vec::new();
    for entry in fs::read_dir(path)? {
        let name = PathBuf::from(entry?.file_name());
        let number = name.to_str().and_then(|name| name.strip_suffix(".jnl")?.parse::<u64>().ok());
        numbered.extend(number.map(|number| (number, name)));
    }
    numbered.sort_unstable();
    let length = |name: &Path| written_length(&File::open(path.join(name))?);
    let journals = numbered.into_iter().map(|(_, name)| length(&name).map(|length| (name, length)));
    journals.collect()
}

/// How long a file is without the zeros at its end, to the next 64 KiB.
fn written_length(file: &File) -> io::Result<u64> {
    const STEP: usize = 64 << 10;
    let zeros = vec![0; STEP];
    let mut length = file.metadata()?.len();
    let mut bytes = vec![0; STEP];
    while length > 0 {
        let step = length.min(STEP as u64);
        let Some(end) = bytes.get_mut(..step as usize) else { break };
        file.read_exact_at(end, length - step)?;
        if zeros.get(..end.len()) != Some(end) {
            break;
        }
        length -= step;
    }
    Ok(length)
}

/// Copies everything but the journals.
fn copy_folder(from: &Path, to: &Path, journals: &[(PathBuf, u64)]) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(name), &[])?;
        } else if journals.iter().all(|(journal, _)| *journal != name) {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// Writes fjall's journals anew, from what the system still has of them. After a sync that failed the system takes
/// what it holds for written, so that a later sync would leave a hole in front of what it writes.
fn rewrite_journals(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let journal = entry?.path();
        if journal.extension().is_none_or(|extension| extension != "jnl") {
            continue;
        }
        let copy = journal.with_extension("rewritten");
        fs::copy(&journal, &copy)?;
        File::open(&copy)?.sync_all()?;
        fs::rename(&copy, &journal)?;
    }
    File::open(path)?.sync_all()
}

fn full_key(space: Space, key: &[u8]) -> Vec<u8> {
    let mark = match space {
        Space::Meta => b'm',
        Space::Logs => b'l',
        Space::Entries => b'e',
        Space::Keys => b'k',
    };
    [&[mark], key].concat()
}

/// Runs something of fjall's. It panics over some kinds of damage: that too is an answer.
fn guarded<T>(verb: &str, act: impl FnOnce() -> Result<T, fjall::Error>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(result) => result.map_err(|error| translate(verb, &error)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref().copied()).unwrap_or("no reason given");
            Err(StoreError::Damaged(format!("{verb}: {text}")))
        }
    }
}

fn translate(verb: &str, error: &fjall::Error) -> StoreError {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
            let what = format!("{verb}: {source}");
            // A file that ends too early (fjall seeks to before its beginning), that another one names and that is not
            // there, or that is in the way of what is to be made, is damage.
            match source.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::AlreadyExists
                | io::ErrorKind::NotFound => StoreError::Damaged(what),
                _ => StoreError::Disk(what),
            }
        }
        fjall::Error::Poisoned => StoreError::Poisoned(format!("{verb}: an earlier one failed")),
        fjall::Error::Locked => StoreError::Disk(format!("{verb}: in use by another process")),
        other => StoreError::Damaged(format!("{verb}: {other}")),
    }
}

impl std::fmt::Debug for FjallStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FjallStore").field("path", &self.path).finish_non_exhaustive()
    }
}
