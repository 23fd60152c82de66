//! A journal on a disk: what is appended goes to the keeper as well, readers get it when it has come as far as was
//! asked for, and what is written may leave memory. Knows the keeper's verbs, but no file.

use std::path::Path;
use std::sync::Arc;

use super::limits::Limits;
use super::place::{Durable, place_on_disk, settle, tell_floor};
use super::{Journal, Shared};
use crate::append::Append;
use crate::batch::{Batch, Item, Snapshot};
use crate::disk::{Keeper, LogNumber, OpenError, Opened, Options, StoreError, Stored, Ticket};
use crate::error::{AppendError, ReadError};
use crate::head::Head;
use crate::hot::{Held, Hot};
use crate::log::{Placed, Read};
use crate::name::LogName;
use crate::position::Position;
use crate::receipt::Receipt;
use crate::retention::Retention;

impl Journal {
    /// Logs in a directory, which one process may have open at a time. `epochs` gives random numbers, as for
    /// [`in_memory`](Self::in_memory).
    ///
    /// # Errors
    /// The directory cannot be used, or is not what it was; the error says what would help.
    pub fn open(
        path: &Path,
        limits: Limits,
        options: Options,
        epochs: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<(Self, Opened), OpenError> {
        let (keeper, opened) = Keeper::open_directory(path, options)?;
        Ok((Self::with_keeper(keeper, limits, epochs), opened))
    }

    /// Logs that a keeper keeps.
    #[must_use]
    pub fn with_keeper(
        keeper: Keeper,
        limits: Limits,
        epochs: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared { keeper: Some(Arc::new(keeper)), ..Shared::new(limits, epochs) };
        Self { shared: Arc::new(shared) }
    }

    /// Tries the disk again after a write error. Until then appends are refused.
    ///
    /// # Errors
    /// It does not work yet.
    pub fn reopen(&self) -> Result<(), StoreError> {
        let Some(keeper) = &self.shared.keeper else { return Ok(()) };
        keeper.reopen()?;
        for shard in self.shared.table.by_shard() {
            shard.iter().for_each(|hot| self.shared.settle_written(&mut hot.hold()));
        }
        Ok(())
    }

    /// Writes what is to be written and ends in good order; afterwards nothing can be appended, by any clone. Blocks.
    /// Dropping the last clone does the same, but does not say how it went.
    ///
    /// # Errors
    /// Not everything could be written.
    pub fn close(&self) -> Result<(), StoreError> {
        self.shared.keeper.as_ref().map_or(Ok(()), |keeper| keeper.shut())
    }
}

impl Shared {
    /// The log of a name, brought from the disk if it is not in memory.
    #[inline]
    pub(crate) fn find(&self, name: &LogName) -> Result<Arc<Hot>, ReadError> {
        if let Some(hot) = self.table.find(name) {
            return Ok(hot);
        }
        let Some(keeper) = &self.keeper else { return Err(ReadError::Unknown) };
        let found = self.table.find_or(name, || self.load(keeper, name))?;
        found.ok_or(ReadError::Unknown)
    }

    #[inline]
    pub(super) fn find_or_begin(
        &self,
        name: &LogName,
        retention: Option<Retention>,
    ) -> Result<Arc<Hot>, AppendError> {
        match (self.table.find(name), &self.keeper) {
            (Some(hot), _) => Ok(hot),
            (None, None) => self.begin_in_memory(name, retention),
            (None, Some(keeper)) => self.begin_on_disk(keeper, name, retention),
        }
    }

    fn load(&self, keeper: &Keeper, name: &LogName) -> Result<Option<Arc<Hot>>, StoreError> {
        let Some(loaded) = keeper.load(name)? else { return Ok(None) };
        Ok(Some(self.on_disk(keeper, name, &loaded.head, loaded.number)))
    }

    fn begin_on_disk(
        &self,
        keeper: &Keeper,
        name: &LogName,
        retention: Option<Retention>,
    ) -> Result<Arc<Hot>, AppendError> {
        self.make_room(super::APPEND_BYTES)?;
        let begun = self.table.find_or(name, || {
            if let Some(hot) = self.load(keeper, name)? {
                return Ok(Some(hot));
            }
            let head = Head::new(self.new_epoch(), retention.unwrap_or(self.limits.retention));
            let number = keeper.create(name, head.epoch, head.retention)?;
            Ok(Some(self.on_disk(keeper, name, &head, number)))
        });
        begun.map(|hot| hot.expect("what is made is there")).map_err(AppendError::Store)
    }

    fn on_disk(&self, keeper: &Keeper, name: &LogName, head: &Head, number: LogNumber) -> Arc<Hot> {
        let hot = self.hot(name, head);
        let reserved = keeper.reserved(number);
        let durable = Durable::new(number, reserved, head.floor);
        hot.hold().durable = Some(Box::new(durable));
        hot
    }

    #[inline]
    pub(super) fn place(
        &self,
        hot: &Arc<Hot>,
        held: &mut Held<'_>,
        append: Append,
        now_ms: u64,
    ) -> Result<(Placed, Receipt), AppendError> {
        match &self.keeper {
            Some(keeper) if held.durable.is_some() => {
                place_on_disk(keeper, hot, held, append, now_ms)
            }
            _ => Ok((held.log.append(&append, now_ms)?, Receipt::DONE)),
        }
    }

    /// What was read of a log; with what is not in memory any more.
    pub(crate) fn complete(
        &self,
        hot: &Hot,
        read: Read,
        after: Position,
        max_bytes: usize,
    ) -> Result<Batch, ReadError> {
        let (keeper, number) = match (read, self.keeper_of(hot)) {
            (Read::Batch(batch), _) => return Ok(batch),
            (Read::Older { up_to }, None) => return Err(ReadError::BelowFloor { floor: up_to }),
            (Read::Older { .. }, Some(known)) => known,
        };
        let stored = keeper.read(number, after.seq, max_bytes);
        let held = hot.hold();
        if hot.is_removed() {
            return Err(ReadError::Unknown);
        }
        // What retention took meanwhile is missing, and not lost.
        held.log.check(after.seq)?;
        let tail = held.log.tail();
        let items = stored?.into_iter().map(Item::from).take_while(|item| item.last() <= tail);
        Ok(held.log.batch(items.collect()))
    }

    pub(super) fn older_snapshot(&self, hot: &Hot) -> Result<Snapshot, ReadError> {
        let mut entries = Vec::new();
        let mut seq = 0;
        loop {
            let (read, epoch) = {
                let held = hot.hold();
                (held.log.read(seq, usize::MAX)?, held.log.epoch())
            };
            let batch = self.complete(hot, read, Position { epoch, seq }, SNAPSHOT_STEP)?;
            let Some(last) = batch.last() else {
                return Ok(Snapshot { entries, last: batch.tail, ended: batch.ended });
            };
            seq = last;
            for item in batch.items {
                match item {
                    Item::Entry(entry) => entries.push(entry),
                    Item::Lost(lost) => return Err(ReadError::Lost { lost }),
                }
            }
        }
    }

    fn keeper_of(&self, hot: &Hot) -> Option<(&Keeper, LogNumber)> {
        let number = hot.hold().durable.as_ref()?.number;
        self.keeper.as_deref().map(|keeper| (keeper, number))
    }

    /// Its retention or its end is another.
    pub(super) fn kept_changed(&self, held: &Held<'_>) {
        if let (Some(keeper), Some(durable)) = (&self.keeper, &held.durable) {
            keeper.keep(durable.number, held.log.retention(), held.log.ended_at_ms());
        }
    }

    pub(super) fn floor_rose(&self, held: &mut Held<'_>) {
        if let Some(keeper) = &self.keeper {
            tell_floor(keeper, held);
        }
    }

    /// Whether a log may leave memory: nobody uses it, and nothing is only here.
    pub(super) fn may_go(&self, held: &Held<'_>, unused: bool) -> bool {
        match (&held.durable, &self.keeper) {
            (Some(durable), Some(keeper)) => {
                let written = keeper.written(durable.number) >= held.log.last_placed();
                unused && durable.pending.is_empty() && written
            }
            _ => unused && held.log.is_empty(),
        }
    }

    /// The log goes for good.
    pub(super) fn discard(&self, held: &Held<'_>) -> Discarded {
        let (Some(keeper), Some(durable)) = (&self.keeper, &held.durable) else {
            return Discarded(None);
        };
        Discarded(Some(keeper.remove(durable.number)))
    }

    pub(super) fn give_way(&self, held: &mut Held<'_>) -> bool {
        let (Some(keeper), Some(durable)) = (&self.keeper, &held.durable) else {
            return self.give_way_in_memory(held);
        };
        let written = keeper.written(durable.number);
        held.log.evict(written) > 0
    }

    /// Lets go what is too old of what was there before this start: its times are only on the disk.
    pub(super) fn trim_older(&self, hot: &Hot, now_ms: u64) {
        let (age_ms, mut floor) = {
            let held = hot.hold();
            if held.log.ended_at_ms().is_some() || !held.log.has_unknown_times() {
                return;
            }
            (held.log.retention().age_ms, held.log.floor())
        };
        let Some((keeper, number)) = self.keeper_of(hot).filter(|_| age_ms != u64::MAX) else {
            return;
        };
        // What cannot be read now is tried again by the next sweep.
        while let Ok(stored) = keeper.read(number, floor, TRIM_STEP) {
            let old = |item: &Stored| match item {
                Stored::Entry(entry) => now_ms.saturating_sub(entry.at_ms) >= age_ms,
                Stored::Lost(_) => true,
            };
            let last = stored.iter().take_while(|item| old(item)).last();
            let young = stored.iter().any(|item| !old(item));
            let Some(last) = last else { return };
            floor = match last {
                Stored::Entry(entry) => entry.last,
                Stored::Lost(lost) => lost.to,
            };
            let mut held = hot.hold();
            held.log.drop_to(floor);
            tell_floor(keeper, &mut held);
            if young {
                return;
            }
        }
    }

    /// Lets readers have what was written although nobody was told.
    pub(super) fn settle_written(&self, held: &mut Held<'_>) {
        let (Some(keeper), Some(durable)) = (&self.keeper, &held.durable) else { return };
        if !durable.pending.is_empty() {
            let written = keeper.written(durable.number);
            settle(held, |first, pending| {
                let settled = written.saturating_sub(first - 1);
                pending.iter_mut().zip(0..settled).for_each(|(it, _)| *it = true);
            });
            if keeper.accepts().is_err() {
                held.wake_all();
            }
        }
    }
}

/// The word that a log is gone from the disk.
pub(super) struct Discarded(Option<Ticket>);

impl Discarded {
    pub(super) fn wait(self) -> Result<(), ReadError> {
        Ok(self.0.map_or(Ok(()), Ticket::wait)?)
    }
}

/// How much is read at a time to find what is too old.
const TRIM_STEP: usize = 64 << 10;

/// How much of a snapshot is read from the disk at a time.
const SNAPSHOT_STEP: usize = 1 << 20;

impl From<Stored> for Item {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Entry(entry) => Self::Entry(entry),
            Stored::Lost(lost) => Self::Lost(lost),
        }
    }
}
