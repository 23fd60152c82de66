//! Many logs by their names, shared by threads, under one budget. Knows no clock, no socket and no client.

mod asked;
#[cfg(feature = "disk")]
pub(crate) mod awaited;
#[cfg(feature = "disk")]
mod durable;
mod limits;
#[cfg(feature = "disk")]
mod place;
mod reclaim;
mod sweep;
mod table;
mod verbs;
#[cfg(feature = "disk")]
mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::append::Append;
use crate::budget::Budget;
use crate::error::{AppendError, ReadError};
use crate::head::Head;
use crate::hot::{Held, Hot, State};
use crate::log::{Log, Read, Rules};
use crate::name::LogName;
use crate::position::{Epoch, Position};
use crate::receipt::Appended;
use crate::retention::Retention;
use crate::sync::Mutex;
use crate::waiters::Waiters;
use table::Table;
use verbs::Discarded;

#[cfg(feature = "disk")]
pub(crate) use place::Durable;

pub use limits::Limits;
pub use sweep::{Stats, Swept};

/// Many logs by their names. Cheap to clone; all clones are one journal.
///
/// A log begins with its first append, or with [`open_log`](Self::open_log), which says where it stands before. A log
/// without content takes 200 bytes, an entry 20 to 64 bytes beside its own.
///
/// ```
/// use tidegate_journal::{Append, Journal, Limits, LogName};
///
/// let journal = Journal::in_memory(Limits::default(), || 17);
/// let inbox: LogName = "user:42".parse()?;
/// let start = journal.open_log(&inbox, None, 0)?;
/// let appended = journal.append(&inbox, Append::new("hello"), 1)?;
/// assert_eq!(appended.position.seq, 1);
///
/// let batch = journal.read(&inbox, start, 64 * 1_024, 2)?;
/// assert_eq!(batch.entries().map(|entry| &entry.body[..]).collect::<Vec<_>>(), [b"hello"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Journal {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones share.
pub(crate) struct Shared {
    table: Table,
    limits: Limits,
    rules: Arc<Rules>,
    budget: Arc<Budget>,
    epochs: Box<dyn Fn() -> u64 + Send + Sync>,
    /// The latest time that was said.
    now_ms: AtomicU64,
    gave_way: AtomicU64,
    reclaiming: Mutex<()>,
    #[cfg(feature = "disk")]
    keeper: Option<Arc<crate::disk::Keeper>>,
    #[cfg(feature = "disk")]
    walk: walk::Walk,
}

/// What an append needs at most beside its body, as long as no page is begun.
const APPEND_BYTES: usize = 256;

impl Journal {
    /// Logs in memory alone. `epochs` gives random numbers, one for each life of a log: two lives of one name that get
    /// the same number could not be told apart.
    #[must_use]
    pub fn in_memory(limits: Limits, epochs: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { shared: Arc::new(Shared::new(limits, epochs)) }
    }

    /// Where a log stands; it begins if there is none. With a `retention`, it keeps that from now on.
    ///
    /// # Errors
    /// There is no memory for another log, or the store did not take it. On a disk this may block.
    pub fn open_log(
        &self,
        name: &LogName,
        retention: Option<Retention>,
        now_ms: u64,
    ) -> Result<Position, AppendError> {
        self.shared.note_time(now_ms);
        let hot = self.shared.find_or_begin(name, retention)?;
        let mut held = hot.hold();
        hot.note_read(&held, now_ms);
        if let Some(retention) = retention.filter(|wanted| *wanted != held.log.retention()) {
            held.log.set_retention(retention);
            self.shared.kept_changed(&held);
        }
        Ok(held.log.position())
    }

    /// Appends to a log, which begins if there is none. What the disk says of the entry is waited for with the receipt.
    /// Blocks only where a log must be found or begun on a disk, and where a burst of more than 512 appends to one log
    /// uses seqs faster than the disk reserves them.
    ///
    /// # Errors
    /// Nothing was appended; the error says why.
    pub fn append(
        &self,
        name: &LogName,
        append: Append,
        now_ms: u64,
    ) -> Result<Appended, AppendError> {
        let shared = &*self.shared;
        shared.note_time(now_ms);
        shared.admit(append.body.len())?;
        loop {
            let hot = shared.find_or_begin(name, None)?;
            let mut held = shared.ready(&hot)?;
            if hot.is_removed() {
                continue;
            }
            let (placed, receipt) = shared.place(&hot, &mut held, append, now_ms)?;
            let position = Position { epoch: held.log.epoch(), seq: placed.seq };
            held.wake_reached();
            drop(held);
            return Ok(Appended { position, repeat: placed.repeat, receipt });
        }
    }

    /// Where a reader stands that has seen everything. `None` when there is no such log.
    ///
    /// # Errors
    /// The store did not answer.
    pub fn tail(&self, name: &LogName) -> Result<Position, ReadError> {
        Ok(self.shared.find(name)?.hold().log.position())
    }

    /// The last position that is gone: who stands there or later misses nothing.
    ///
    /// # Errors
    /// There is no such log.
    pub fn floor(&self, name: &LogName) -> Result<Position, ReadError> {
        let hot = self.shared.find(name)?;
        let held = hot.hold();
        Ok(Position { epoch: held.log.epoch(), seq: held.log.floor() })
    }

    /// Ends a log: readers are told, nothing is appended any more, and it is kept for `after_end_ms` of its retention.
    ///
    /// # Errors
    /// There is no such log.
    pub fn end(&self, name: &LogName, now_ms: u64) -> Result<(), ReadError> {
        self.shared.note_time(now_ms);
        let hot = self.shared.find(name)?;
        let mut held = hot.hold();
        held.log.end(now_ms);
        self.shared.kept_changed(&held);
        held.wake_all();
        Ok(())
    }

    /// Removes a log with all it has. Its next life has another epoch.
    ///
    /// # Errors
    /// There is no such log, or the store did not answer. On a disk this blocks until it is noted there.
    pub fn remove(&self, name: &LogName) -> Result<(), ReadError> {
        self.shared.find(name)?;
        let mut discarded = None;
        let removed = self.shared.table.put_out(name, |hot| {
            discarded = Some(self.shared.discard(&hot.hold()));
            true
        });
        removed.ok_or(ReadError::Unknown)?.hold().remove();
        discarded.map_or(Ok(()), Discarded::wait)
    }

    /// Begins a log anew: removes what there is, and answers where it stands in its new epoch.
    ///
    /// # Errors
    /// As [`remove`](Self::remove) and [`open_log`](Self::open_log) say.
    pub fn clear(&self, name: &LogName, now_ms: u64) -> Result<Position, AppendError> {
        let retention = self.shared.find(name).ok().map(|hot| hot.hold().log.retention());
        match self.remove(name) {
            Ok(()) | Err(ReadError::Unknown) => {}
            #[cfg(feature = "disk")]
            Err(ReadError::Store(error)) => return Err(error.into()),
            Err(_) => {}
        }
        self.open_log(name, retention, now_ms)
    }

    /// The budget that all logs share. What else is counted in it leaves them less.
    #[must_use]
    pub fn budget(&self) -> &Arc<Budget> {
        &self.shared.budget
    }
}

impl Shared {
    fn new(limits: Limits, epochs: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self {
            table: Table::new(),
            rules: Arc::new(Rules { retention: limits.retention, keys: limits.keys }),
            budget: Budget::new(limits.max_bytes),
            limits,
            epochs: Box::new(epochs),
            now_ms: AtomicU64::new(0),
            gave_way: AtomicU64::new(0),
            reclaiming: Mutex::new(()),
            #[cfg(feature = "disk")]
            keeper: None,
            #[cfg(feature = "disk")]
            walk: walk::Walk::new(),
        }
    }

    #[inline]
    fn note_time(&self, now_ms: u64) {
        if self.now_ms() < now_ms {
            self.now_ms.fetch_max(now_ms, Ordering::Relaxed);
        }
    }

    /// The latest time that was said.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    /// Whether there is, or can be made, memory for a body.
    #[inline]
    fn admit(&self, bytes: usize) -> Result<(), AppendError> {
        let max_bytes = self.limits.max_entry_bytes;
        if bytes > max_bytes {
            return Err(AppendError::TooLarge { bytes, max_bytes });
        }
        self.make_room(bytes + APPEND_BYTES)
    }

    #[inline]
    fn make_room(&self, bytes: usize) -> Result<(), AppendError> {
        let max_bytes = self.limits.max_bytes;
        if self.budget.used().saturating_add(bytes) <= max_bytes {
            return Ok(());
        }
        if bytes > max_bytes {
            return Err(AppendError::BudgetTooSmall { bytes, max_bytes });
        }
        // A sixteenth more than is needed, so that the next ones need not ask.
        self.reclaim((max_bytes - bytes).saturating_sub(max_bytes / 16));
        let held = self.budget.used();
        if held + bytes <= max_bytes {
            Ok(())
        } else {
            Err(AppendError::OverBudget { held, max_bytes })
        }
    }

    fn rules(&self, retention: Option<Retention>) -> Arc<Rules> {
        match retention.filter(|wanted| *wanted != self.rules.retention) {
            None => Arc::clone(&self.rules),
            Some(retention) => Arc::new(Rules { retention, ..*self.rules }),
        }
    }

    /// A log that goes on from its head.
    fn hot(&self, name: &LogName, head: &Head) -> Arc<Hot> {
        let budget = Arc::clone(&self.budget);
        let log = Log::with_rules(head, self.rules(Some(head.retention)), budget);
        let state = State {
            log,
            waiters: Waiters::default(),
            #[cfg(feature = "disk")]
            durable: None,
        };
        Hot::new(name.clone(), state, self.now_ms())
    }

    fn new_epoch(&self) -> Epoch {
        Epoch((self.epochs)())
    }
}

impl Shared {
    fn begin_in_memory(
        &self,
        name: &LogName,
        retention: Option<Retention>,
    ) -> Result<Arc<Hot>, AppendError> {
        self.make_room(APPEND_BYTES)?;
        let retention = retention.unwrap_or(self.limits.retention);
        let begun = self
            .table
            .find_or(name, || Ok(Some(self.hot(name, &Head::new(self.new_epoch(), retention)))));
        begun.map(|hot| hot.expect("what is made is there"))
    }

    fn give_way_in_memory(&self, held: &mut Held<'_>) -> bool {
        let before = held.log.bytes();
        let gave = held.log.give_way();
        let given = before.saturating_sub(held.log.bytes()) as u64;
        self.gave_way.fetch_add(given, Ordering::Relaxed);
        gave
    }
}

impl State {
    /// What follows a position in this log.
    pub(crate) fn read(&self, after: Position, max_bytes: usize) -> Result<Read, ReadError> {
        let have = self.log.epoch();
        if after.epoch != have {
            return Err(ReadError::OtherEpoch { have });
        }
        self.log.read(after.seq, max_bytes)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("limits", &self.limits).finish_non_exhaustive()
    }
}
