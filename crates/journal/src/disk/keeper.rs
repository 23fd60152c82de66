//! The keeper of all logs of one directory: what is asked of it goes to the writer in the order in which it was
//! asked. Knows no log in memory and no reader.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::blocks::BLOCK;
use super::error::{OpenError, StoreError};
use super::fjall::FjallStore;
use super::gate::Gate;
use super::head_row::HeadRow;
use super::lock::Directory;
use super::logs::{Known, SharedLogs};
use super::mark::{FileMark, Mark};
use super::number::LogNumber;
use super::open::{Opened, examine};
use super::queue::{Job, Queue, What};
use super::read;
use super::store::{Space, Store};
use super::ticket::Ticket;
use super::writer::{Shared, Writer};
use crate::head::Head;
use crate::name::LogName;
use crate::position::Epoch;
use crate::retention::Retention;

/// How a directory is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Appends are refused when the disk has fewer bytes free than this. Default: 256 MiB; fjall alone sets aside 64
    /// MiB for each of its journals.
    pub least_free_bytes: u64,
    /// Appends are refused when more bytes than this wait for the disk. Default: 64 MiB.
    pub max_waiting_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { least_free_bytes: 256 << 20, max_waiting_bytes: 64 << 20 }
    }
}

/// Logs on a disk: heads, entries and keys, written by a thread of its own.
///
/// One commit takes what waits (up to 512), and there is no timed wait: what is asked for during a sync is the next
/// commit. A lone writer pays for one sync, 256 writers share one.
///
/// Everything is asked in the order of a log's seqs by its one owner; different logs know nothing of each other.
///
/// ```
/// use tidegate_journal::disk::{Keeper, Options};
/// use tidegate_journal::{Durability, Entry, Epoch, Mergeable, Retention};
/// use tidegate_message::Class;
/// # let directory = std::env::temp_dir().join(format!("keeper-{}", std::process::id()));
/// # let options = Options { least_free_bytes: 0, ..Options::default() };
/// let (keeper, opened) = Keeper::open_directory(&directory, options)?;
/// assert!(opened.created);
/// let number = keeper.create(&"user:42".parse()?, Epoch(7), Retention::RUN)?;
/// let entry = Entry::whole(1, 0, Class::Critical, "paid".into());
/// keeper.write(number, entry, Mergeable::NEVER, None, Durability::Fsync).wait()?;
/// keeper.close()?;
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Keeper {
    pub(super) shared: Arc<Shared>,
    pub(super) max_waiting_bytes: u64,
    thread: Option<JoinHandle<()>>,
    /// Let go of last.
    _directory: Option<Directory>,
}

/// A log as the disk has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// What it is called here.
    pub number: LogNumber,
    /// What it goes on from. `lost` has what an unclean end took.
    pub head: Head,
}

impl Keeper {
    /// Opens a directory for this process alone, or makes it.
    ///
    /// # Errors
    /// The directory is in use, is none of ours, is of a newer format, or has less than was synced to it.
    pub fn open_directory(path: &Path, options: Options) -> Result<(Self, Opened), OpenError> {
        let mut directory = Directory::open(path)?;
        let at_mark = |source| OpenError::Directory { path: directory.mark(), source };
        let mark = FileMark::open(&directory.mark()).map_err(at_mark)?;
        let store = FjallStore::open(&directory.store()).map_err(engine)?;
        if directory.is_new {
            directory.finish()?;
        }
        let (mut keeper, opened) = Self::open(store, mark, options)?;
        keeper._directory = Some(directory);
        Ok((keeper, opened))
    }

    /// Opens a store whose commits are marked elsewhere, and starts the writer.
    ///
    /// # Errors
    /// The store does not have what the mark knows, or cannot be read.
    pub fn open(
        store: impl Store,
        mark: impl Mark,
        options: Options,
    ) -> Result<(Self, Opened), OpenError> {
        let (mut keeper, writer, opened) = Self::with_writer(store, mark, options)?;
        let thread = std::thread::Builder::new().name("tidegate-journal".to_owned());
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(|error| StoreError::Disk(format!("thread: {error}")))?;
        keeper.thread = Some(thread);
        Ok((keeper, opened))
    }

    /// The same without a thread: nothing is written unless the writer is run or stepped, and what blocks for a
    /// write blocks for that.
    ///
    /// # Errors
    /// The store does not have what the mark knows, or cannot be read.
    pub fn with_writer(
        store: impl Store,
        mut mark: impl Mark,
        options: Options,
    ) -> Result<(Self, Writer, Opened), OpenError> {
        let found = examine(&store, &mark)?;
        // What a process that was killed had not synced is there now, and will be seen: a crash of the machine must
        // not take it back afterwards.
        store.sync()?;
        let marked = mark.write(found.meta.ordinal, true);
        marked.map_err(|error| StoreError::Disk(format!("mark: {error}")))?;
        let shared: Arc<Shared> = Arc::new(Shared {
            queue: Queue::default(),
            logs: SharedLogs::new(found.meta.next_number),
            gate: Gate::new(options.least_free_bytes),
            store,
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            mark: Box::new(mark),
            committed: found.meta.ordinal,
            synced: found.meta.ordinal,
            meta: found.meta,
            sweeps: found.sweeps.into(),
            marks: 0,
            failed: None,
            ended: false,
        };
        writer.measure();
        let max_waiting_bytes = options.max_waiting_bytes;
        let keeper = Self { shared, max_waiting_bytes, thread: None, _directory: None };
        Ok((keeper, writer, found.opened))
    }

    /// What the disk has of a log; `None` when there is no such log. Blocks: reads a head, the keys and the last
    /// entry, unless the log was loaded before.
    ///
    /// # Errors
    /// The store could not be read, or the head is damaged.
    pub fn load(&self, name: &LogName) -> Result<Option<Loaded>, StoreError> {
        loop {
            let (known, removals) = {
                let mut logs = self.shared.logs.lock();
                (logs.wake(name), logs.removals)
            };
            if let Some(known) = known {
                return if known.removed { Ok(None) } else { self.loaded(&known).map(Some) };
            }
            let Some(found) = self.find(name)? else { return Ok(None) };
            let mut logs = self.shared.logs.lock();
            // Of what was removed meanwhile, the row may have been read before.
            if logs.removals == removals && logs.named(name).is_none() {
                logs.insert(found);
            }
        }
    }

    /// A log as the store has it.
    fn find(&self, name: &LogName) -> Result<Option<Known>, StoreError> {
        let key = name.as_str().as_bytes();
        let Some(value) = self.shared.store.row(Space::Logs, key)? else { return Ok(None) };
        let row = HeadRow::decode(key, &value)
            .ok_or_else(|| StoreError::Damaged(format!("the head of the log {name}")))?;
        let last = read::last_seq(&self.shared.store, row.number)?;
        Ok(Some(Known::found(name.clone(), row, last)))
    }

    fn loaded(&self, known: &Known) -> Result<Loaded, StoreError> {
        let number = known.row.number;
        let head = Head {
            epoch: known.row.epoch,
            floor: known.row.floor,
            next: known.next,
            lost: known.lost(),
            retention: known.row.retention,
            ended_at_ms: known.row.ended_at_ms,
            keys: read::keys(&self.shared.store, number)?,
        };
        Ok(Loaded { number, head })
    }

    /// Makes a log, durably, with its first block of seqs reserved. One of the same name is removed. Blocks for a
    /// sync.
    ///
    /// # Errors
    /// The store did not take it.
    pub fn create(
        &self,
        name: &LogName,
        epoch: Epoch,
        retention: Retention,
    ) -> Result<LogNumber, StoreError> {
        let (number, ticket) = self.begin_create(name, epoch, retention)?;
        ticket.wait().map(|()| number)
    }

    /// [`Keeper::create`] without blocking for the sync: the log may be written to when the ticket is answered.
    ///
    /// # Errors
    /// The store could not be read, or accepts nothing.
    pub fn begin_create(
        &self,
        name: &LogName,
        epoch: Epoch,
        retention: Retention,
    ) -> Result<(LogNumber, Ticket), StoreError> {
        self.accepts()?;
        let old = self.load(name)?.map(|old| old.number);
        let (ticket, waiter) = Ticket::waiting();
        let number = {
            let mut logs = self.shared.logs.lock();
            let number = logs.take_number();
            if let Some(old) = old.and_then(|old| logs.get_mut(old)) {
                old.removed = true;
            }
            let row = HeadRow {
                number,
                epoch,
                reserved_to: BLOCK,
                floor: 0,
                retention,
                ended_at_ms: None,
                lost: Vec::new(),
            };
            logs.insert(Known::new(name.clone(), row));
            let removal = old.map(|old| Job { what: What::Remove(old), waiter: None });
            let making = Job { what: What::Head(number), waiter: Some(waiter) };
            self.shared.queue.push(removal.into_iter().chain([making]));
            number
        };
        Ok((number, ticket))
    }

    /// Opens the store again after a write failed, and writes what had not gone through. Does nothing when none
    /// failed. Blocks.
    ///
    /// # Errors
    /// The store does not open, or has less than it had. It may be tried again.
    pub fn reopen(&self) -> Result<(), StoreError> {
        self.begin_reopen().wait()
    }

    /// [`Keeper::reopen`] without blocking.
    pub fn begin_reopen(&self) -> Ticket {
        let (ticket, waiter) = Ticket::waiting();
        self.shared.queue.reopen(waiter);
        ticket
    }

    /// [`Keeper::close`] for one that others hold as well: afterwards it takes nothing any more. Blocks.
    ///
    /// # Errors
    /// Not all could be written; the next start says what is missing.
    pub fn shut(&self) -> Result<(), StoreError> {
        let (ticket, waiter) = Ticket::waiting();
        self.shared.queue.close(Some(waiter));
        ticket.wait()
    }

    /// Writes all that waits, gives unused seqs back, and says durably that the end was orderly. Blocks.
    ///
    /// # Errors
    /// Not all could be written; the next start says what is missing.
    pub fn close(mut self) -> Result<(), StoreError> {
        let closed = self.begin_close().wait();
        self.join();
        closed
    }

    /// [`Keeper::close`] without blocking. Nothing may be asked of the keeper afterwards.
    pub fn begin_close(&self) -> Ticket {
        let (ticket, waiter) = Ticket::waiting();
        self.shared.queue.close(Some(waiter));
        ticket
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // One that panicked has let go of all who waited.
            let _ = thread.join();
        }
    }
}

/// Closes in good order, as far as that goes.
impl Drop for Keeper {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.shared.queue.close(None);
            self.join();
        }
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("gate", &self.shared.gate).finish_non_exhaustive()
    }
}

fn engine(error: StoreError) -> OpenError {
    match error {
        StoreError::Damaged(what) => OpenError::Engine(what),
        other => OpenError::Store(other),
    }
}
