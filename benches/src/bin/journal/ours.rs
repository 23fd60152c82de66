//! The journal at its three levels, and fjall used bare: each append a row, and where it is asked for a sync of its
//! own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tidegate_journal::disk::Options;
use tidegate_journal::{Append, Durability, Journal, Limits, LogName, Position, Retention};
use tidegate_message::Class;

use crate::contender::{Contender, Way, Writer};
use crate::work::{Failure, Folder};

/// What one read asks for, in bytes.
const READ_BYTES: usize = 64 << 10;

pub(crate) fn ways() -> Vec<Way> {
    vec![
        Way { name: "journal, memory", synced: false, start: |_| Ok(Box::new(InMemory::new())) },
        Way {
            name: "journal, Os",
            synced: false,
            start: |folder| OnDisk::boxed(folder, Durability::Os),
        },
        Way {
            name: "journal, Fsync",
            synced: true,
            start: |folder| OnDisk::boxed(folder, Durability::Fsync),
        },
        Way {
            name: "fjall bare, not synced",
            synced: false,
            start: |folder| Bare::boxed(folder, PersistMode::Buffer),
        },
        Way {
            name: "fjall bare, each synced",
            synced: true,
            start: |folder| Bare::boxed(folder, PersistMode::SyncData),
        },
    ]
}

/// All that is written in one measurement may be read again.
pub(crate) const LIMITS: Retention =
    Retention { entries: u32::MAX, bytes: u64::MAX, age_ms: u64::MAX, after_end_ms: 0 };

/// What a journal on the disk may keep in memory as well.
const MEMORY: usize = 64 << 20;

pub(crate) fn limits(max_bytes: usize) -> Limits {
    Limits { max_bytes, retention: LIMITS, ..Limits::default() }
}

pub(crate) fn options() -> Options {
    Options { least_free_bytes: 0, max_waiting_bytes: 64 << 20 }
}

pub(crate) fn epochs() -> impl Fn() -> u64 + Send + Sync + 'static {
    let next = AtomicU64::new(1);
    move || next.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn name(log: u64) -> LogName {
    format!("log:{log}").parse().expect("a name")
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

struct InMemory(Journal);

impl InMemory {
    fn new() -> Self {
        Self(Journal::in_memory(Limits::default(), epochs()))
    }
}

impl Contender for InMemory {
    fn writer(&self, log: u64) -> Result<Box<dyn Writer>, Failure> {
        Ok(Box::new(JournalWriter::new(&self.0, log, Durability::Memory)?))
    }

    fn read(&self, log: u64) -> Result<u64, Failure> {
        read(&self.0, log)
    }
}

/// A journal on a disk.
struct OnDisk {
    place: PathBuf,
    journal: Journal,
    durability: Durability,
}

impl OnDisk {
    fn boxed(folder: &Folder, durability: Durability) -> Result<Box<dyn Contender>, Failure> {
        let place = folder.path().join("journal");
        let (journal, _) = Journal::open(&place, limits(MEMORY), options(), epochs())?;
        Ok(Box::new(Self { place, journal, durability }))
    }
}

impl Contender for OnDisk {
    fn writer(&self, log: u64) -> Result<Box<dyn Writer>, Failure> {
        Ok(Box::new(JournalWriter::new(&self.journal, log, self.durability)?))
    }

    fn read(&self, log: u64) -> Result<u64, Failure> {
        read(&self.journal, log)
    }

    fn forget(&mut self) -> Result<(), Failure> {
        self.journal.close()?;
        // The other one must be gone before its directory is opened again.
        self.journal = Journal::in_memory(limits(MEMORY), epochs());
        self.journal = Journal::open(&self.place, limits(MEMORY), options(), epochs())?.0;
        Ok(())
    }

    fn end(self: Box<Self>) {
        let _ = self.journal.close();
    }
}

/// Appends, critical so that nothing is merged, and waits for the word.
pub(crate) struct JournalWriter {
    journal: Journal,
    name: LogName,
    durability: Durability,
}

impl JournalWriter {
    pub(crate) fn new(
        journal: &Journal,
        log: u64,
        durability: Durability,
    ) -> Result<Self, Failure> {
        let name = name(log);
        journal.open_log(&name, None, now_ms())?;
        Ok(Self { journal: journal.clone(), name, durability })
    }
}

impl Writer for JournalWriter {
    fn append(&mut self, body: &[u8]) -> Result<(), Failure> {
        let append = Append::new(Bytes::copy_from_slice(body));
        let append = append.class(Class::Critical).durability(self.durability);
        let appended = self.journal.append(&self.name, append, now_ms())?;
        Ok(appended.receipt.wait()?)
    }
}

fn read(journal: &Journal, log: u64) -> Result<u64, Failure> {
    let name = name(log);
    let epoch = journal.tail(&name)?.epoch;
    let (mut seq, mut count) = (0, 0);
    loop {
        let batch = journal.read(&name, Position { epoch, seq }, READ_BYTES, now_ms())?;
        let Some(last) = batch.last() else { return Ok(count) };
        count += batch.entries().count() as u64;
        seq = last;
    }
}

struct Bare {
    database: Database,
    rows: Keyspace,
    mode: PersistMode,
}

impl Bare {
    fn boxed(folder: &Folder, mode: PersistMode) -> Result<Box<dyn Contender>, Failure> {
        let database =
            Database::builder(folder.path().join("fjall")).manual_journal_persist(true).open()?;
        let rows = database
            .keyspace("rows", || KeyspaceCreateOptions::default().manual_journal_persist(true))?;
        Ok(Box::new(Self { database, rows, mode }))
    }
}

impl Contender for Bare {
    fn writer(&self, log: u64) -> Result<Box<dyn Writer>, Failure> {
        let (database, rows) = (self.database.clone(), self.rows.clone());
        Ok(Box::new(BareWriter { database, rows, mode: self.mode, log, seq: Arc::default() }))
    }

    fn read(&self, log: u64) -> Result<u64, Failure> {
        let mut count = 0;
        for row in self.rows.prefix(log.to_be_bytes()) {
            let (_, value) = row.into_inner()?;
            count += u64::from(!value.is_empty());
        }
        Ok(count)
    }
}

struct BareWriter {
    database: Database,
    rows: Keyspace,
    mode: PersistMode,
    log: u64,
    seq: Arc<AtomicU64>,
}

impl Writer for BareWriter {
    fn append(&mut self, body: &[u8]) -> Result<(), Failure> {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed);
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.log.to_be_bytes());
        key[8..].copy_from_slice(&seq.to_be_bytes());
        self.rows.insert(key, body)?;
        Ok(self.database.persist(self.mode)?)
    }
}
