//! A journal on a disk: what is appended goes to the keeper as well, readers get it when it has come as far as was
//! asked for, and what is written may leave memory. Knows the keeper's verbs, but no file.

use std::path::Path;
use std::sync::Arc;

use super::limits::Limits;
use super::place::{Durable, settle, tell_floor};
use super::verbs::Discarded;
use super::{Journal, Shared};
use crate::append::Durability;
use crate::batch::{Batch, Item, Snapshot};
use crate::disk::{Keeper, LogNumber, OpenError, Opened, Options, Outline, StoreError, Stored};
use crate::error::{AppendError, ReadError};
use crate::head::Head;
use crate::hot::{Held, Hot};
use crate::log::{Joining, Older, Piece, Read};
use crate::name::LogName;
use crate::position::Position;
use crate::retention::Retention;

impl Journal {
    /// Logs in a directory, which one process may have open at a time. `epochs` gives random numbers, as for
    /// [`in_memory`](Self::in_memory).
    ///
    /// A log is brought into memory when it is first asked for. The first append to it reads the outlines of what it had
    /// before, so that this counts in its retention by bytes.
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

    /// Tries the disk again after a write error. Until then appends are refused. What had its seq is written first, and
    /// readers get it as soon as it is, although whoever appended it was told of the error.
    ///
    /// # Errors
    /// It does not work yet.
    pub fn reopen(&self) -> Result<(), StoreError> {
        self.shared.keeper.as_ref().map_or(Ok(()), |keeper| keeper.reopen())
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
    /// The log of a name, brought from the disk.
    pub(super) fn find_on_disk(
        &self,
        keeper: &Keeper,
        name: &LogName,
    ) -> Result<Arc<Hot>, ReadError> {
        let found = self.table.find_or(name, || self.load(keeper, name))?;
        found.ok_or(ReadError::Unknown)
    }

    pub(super) fn load(
        &self,
        keeper: &Keeper,
        name: &LogName,
    ) -> Result<Option<Arc<Hot>>, StoreError> {
        let Some(loaded) = keeper.load(name)? else { return Ok(None) };
        let hot = self.on_disk(keeper, name, &loaded.head, loaded.number);
        self.trim_on_disk(keeper, &hot, self.now_ms());
        Ok(Some(hot))
    }

    pub(super) fn begin_on_disk(
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
        let durable = Durable::new(number, reserved, head.floor, !head.keys.is_empty());
        hot.hold().durable = Some(Box::new(durable));
        hot
    }

    /// What was read of a log; with what is not in memory any more.
    pub(super) fn complete_on_disk(
        &self,
        keeper: &Keeper,
        hot: &Hot,
        read: Read,
        after: Position,
        max_bytes: usize,
    ) -> Result<Batch, ReadError> {
        let number = match (read, number_of(&hot.hold())) {
            (Read::Batch(batch), _) => return Ok(batch),
            (Read::Older { up_to }, None) => return Err(ReadError::BelowFloor { floor: up_to }),
            (Read::Older { .. }, Some(number)) => number,
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

    /// A snapshot of which a part is not in memory.
    pub(super) fn snapshot_on_disk(
        &self,
        keeper: &Keeper,
        hot: &Hot,
    ) -> Result<Snapshot, ReadError> {
        let (mut joining, mut seq) = (Joining::default(), 0);
        loop {
            let number = {
                let held = hot.hold();
                if hot.is_removed() {
                    return Err(ReadError::Unknown);
                }
                if let Some(items) = held.log.read_joining(seq)? {
                    items.into_iter().try_for_each(|(item, join)| joining.take(item, join))?;
                    let ended = held.log.ended_at_ms().is_some();
                    return Ok(joining.end(held.log.tail(), ended));
                }
                number_of(&held).ok_or(ReadError::Unknown)?
            };
            let stored = keeper.read_joining(number, seq, SNAPSHOT_STEP)?;
            let held = hot.hold();
            // What retention took meanwhile is missing, and not lost.
            held.log.check(seq)?;
            let tail = held.log.tail();
            drop(held);
            let before = seq;
            for (item, join) in stored.into_iter().filter(|(item, _)| item.last() <= tail) {
                seq = item.last();
                joining.take(item.into(), join)?;
            }
            if seq == before {
                let missing = format!("log {number}: nothing behind seq {seq}");
                return Err(StoreError::Damaged(missing).into());
            }
        }
    }

    /// Lets go what is too old of what is on the disk alone.
    pub(super) fn trim_on_disk(&self, keeper: &Keeper, hot: &Hot, now_ms: u64) {
        loop {
            let (number, floor, age_ms) = {
                let mut held = hot.hold();
                held.log.trim(now_ms);
                self.trim_lost(&mut held, now_ms);
                tell_floor(keeper, &mut held);
                let number = number_of(&held).filter(|_| held.log.is_due_elsewhere(now_ms));
                let Some(number) = number else { return };
                (number, held.log.floor(), held.log.retention().age_ms)
            };
            // What cannot be read now is tried again by the next sweep.
            let Ok(stored) = keeper.read(number, floor, TRIM_STEP) else { return };
            let young = |item: &Stored| match item {
                Stored::Entry(entry) if now_ms.saturating_sub(entry.at_ms) < age_ms => {
                    Some(entry.at_ms)
                }
                _ => None,
            };
            let last = stored.iter().take_while(|item| young(item).is_none()).last();
            let oldest_ms = stored.iter().find_map(young);
            let mut held = hot.hold();
            if let Some(last) = last {
                held.log.drop_to(last.last());
            }
            if let Some(oldest_ms) = oldest_ms {
                held.log.elsewhere_begins_at(oldest_ms);
            }
            tell_floor(keeper, &mut held);
            if oldest_ms.is_some() || last.is_none() {
                return;
            }
        }
    }

    /// What is lost has no time. It was appended before this start.
    fn trim_lost(&self, held: &mut Held<'_>, now_ms: u64) {
        let (since_ms, age_ms) = (self.walk.since_ms(), held.log.retention().age_ms);
        let is_old = age_ms != u64::MAX && now_ms.saturating_sub(since_ms) >= age_ms;
        if is_old && held.log.has_only_lost() {
            let tail = held.log.tail();
            held.log.drop_to(tail);
        }
    }
}

/// Lets what was there before a start count in its log's retention by bytes.
pub(super) fn count_on_disk(keeper: &Keeper, hot: &Hot) {
    let (number, floor, up_to) = {
        let held = hot.hold();
        let (Some(number), Some(up_to)) = (number_of(&held), held.log.uncounted_to()) else {
            return;
        };
        (number, held.log.floor(), up_to)
    };
    let mut found = Older::default();
    keeper.outline(number, (floor, up_to), &mut |row| {
        let Outline { last, at_ms, bytes } = row;
        found.push(Piece { last, oldest_ms: at_ms, newest_ms: at_ms, bytes });
    });
    hot.hold().log.count(found);
}

fn number_of(held: &Held<'_>) -> Option<LogNumber> {
    held.durable.as_ref().map(|durable| durable.number)
}

/// Its retention or its end is another.
pub(super) fn tell_kept(keeper: &Keeper, held: &Held<'_>) {
    if let Some(number) = number_of(held) {
        keeper.keep(number, held.log.retention(), held.log.ended_at_ms());
    }
}

/// Whether a log may leave memory: nobody uses it, and nothing is only here.
pub(super) fn may_go_on_disk(keeper: &Keeper, held: &Held<'_>, unused: bool) -> bool {
    let Some(durable) = &held.durable else { return false };
    let written = || keeper.written(durable.number) >= held.log.last_in_memory();
    unused && durable.pending.is_empty() && written()
}

/// The log goes for good.
pub(super) fn discard_on_disk(keeper: &Keeper, held: &Held<'_>) -> Discarded {
    Discarded { ticket: number_of(held).map(|number| keeper.remove(number)) }
}

/// The log leaves memory, and the keeper's as well, until it is asked for again.
pub(super) fn rest_on_disk(keeper: &Keeper, held: &Held<'_>) {
    if let Some(number) = number_of(held) {
        keeper.rest(number);
    }
}

/// What is written leaves memory.
pub(super) fn give_way_on_disk(keeper: &Keeper, held: &mut Held<'_>) -> bool {
    number_of(held).is_some_and(|number| held.log.evict(keeper.written(number)) > 0)
}

/// Lets readers have what was written although nobody was told.
pub(super) fn settle_written(keeper: &Keeper, held: &mut Held<'_>) {
    let Some(durable) = held.durable.as_ref().filter(|durable| !durable.pending.is_empty()) else {
        return;
    };
    let written = keeper.written(durable.number);
    settle(held, |first, pending| {
        let settled = written.saturating_sub(first - 1);
        pending.iter_mut().zip(0..settled).for_each(|(it, _)| *it = Durability::Memory);
    });
    if keeper.accepts().is_err() {
        held.wake_all();
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
