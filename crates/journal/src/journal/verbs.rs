//! What differs between logs in memory and logs on a disk: the first here, the second in `durable`. Knows no file.

use std::sync::Arc;

use super::Shared;
#[cfg(feature = "disk")]
use super::durable::{
    discard_on_disk, give_way_on_disk, may_go_on_disk, rest_on_disk, settle_written, tell_kept,
};
#[cfg(feature = "disk")]
use super::place::{place_on_disk, ready_on_disk, tell_floor, tell_keys};
use crate::append::Append;
use crate::batch::{Batch, Snapshot};
use crate::error::{AppendError, ReadError};
use crate::hot::{Held, Hot};
use crate::log::{Placed, Read};
use crate::name::LogName;
use crate::position::Position;
use crate::receipt::Receipt;
use crate::retention::Retention;

/// The word that a log is gone.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Discarded {
    #[cfg(feature = "disk")]
    pub(super) ticket: Option<crate::disk::Ticket>,
}

impl Discarded {
    pub(super) fn wait(self) -> Result<(), ReadError> {
        #[cfg(feature = "disk")]
        if let Some(ticket) = self.ticket {
            ticket.wait()?;
        }
        Ok(())
    }
}

#[allow(unused_variables, reason = "what only a disk needs")]
impl Shared {
    #[inline]
    pub(crate) fn find(&self, name: &LogName) -> Result<Arc<Hot>, ReadError> {
        if let Some(hot) = self.table.find(name) {
            return Ok(hot);
        }
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return self.find_on_disk(keeper, name);
        }
        Err(ReadError::Unknown)
    }

    /// The log of a name as far as no disk is needed for it; `None` where one is.
    #[cfg(feature = "tokio")]
    pub(super) fn find_at_once(&self, name: &LogName) -> Result<Option<Arc<Hot>>, ReadError> {
        let found = self.table.find(name);
        #[cfg(feature = "disk")]
        if self.keeper.is_some() {
            return Ok(found);
        }
        found.map(Some).ok_or(ReadError::Unknown)
    }

    #[inline]
    pub(super) fn find_or_begin(
        &self,
        name: &LogName,
        retention: Option<Retention>,
    ) -> Result<Arc<Hot>, AppendError> {
        if let Some(hot) = self.table.find(name) {
            return Ok(hot);
        }
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return self.begin_on_disk(keeper, name, retention);
        }
        self.begin_in_memory(name, retention)
    }

    /// A log's lock, with all that the next append needs.
    #[inline]
    pub(super) fn ready<'a>(&self, hot: &'a Hot) -> Result<Held<'a>, AppendError> {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return ready_on_disk(keeper, hot);
        }
        Ok(hot.hold())
    }

    #[inline]
    #[allow(clippy::needless_pass_by_value, reason = "on a disk it is taken apart")]
    pub(super) fn place(
        &self,
        hot: &Arc<Hot>,
        held: &mut Held<'_>,
        append: Append,
        now_ms: u64,
    ) -> Result<(Placed, Receipt), AppendError> {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return place_on_disk(keeper, hot, held, append, now_ms);
        }
        Ok((held.log.append(&append, now_ms)?, Receipt::DONE))
    }

    pub(crate) fn complete(
        &self,
        hot: &Hot,
        read: Read,
        after: Position,
        max_bytes: usize,
    ) -> Result<Batch, ReadError> {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return self.complete_on_disk(keeper, hot, read, after, max_bytes);
        }
        in_memory(read)
    }

    pub(super) fn older_snapshot(&self, hot: &Hot) -> Result<Snapshot, ReadError> {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return self.snapshot_on_disk(keeper, hot);
        }
        Err(ReadError::Unknown)
    }

    pub(super) fn kept_changed(&self, held: &Held<'_>) {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            tell_kept(keeper, held);
        }
    }

    /// What time took goes elsewhere, too.
    pub(super) fn tell_gone(&self, held: &mut Held<'_>) {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            tell_floor(keeper, held);
            tell_keys(keeper, held);
        }
    }

    pub(super) fn settle_written(&self, held: &mut Held<'_>) {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            settle_written(keeper, held);
        }
    }

    pub(super) fn may_go(&self, held: &Held<'_>, unused: bool) -> bool {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return may_go_on_disk(keeper, held, unused);
        }
        unused && held.log.is_empty()
    }

    pub(super) fn discard(&self, held: &Held<'_>) -> Discarded {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return discard_on_disk(keeper, held);
        }
        Discarded::default()
    }

    /// The log leaves memory, and may come back.
    pub(super) fn rest(&self, held: &Held<'_>) {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            self.note_rest(held);
            rest_on_disk(keeper, held);
        }
    }

    /// Lets go what is too old of what is not in memory.
    pub(super) fn trim_older(&self, hot: &Hot, now_ms: u64) {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            self.trim_on_disk(keeper, hot, now_ms);
        }
    }

    /// Sweeps logs that are not in memory. Answers how many were looked at, and how many are no more.
    pub(super) fn sweep_disk(&self, now_ms: u64) -> (usize, usize) {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return self.walk(keeper, now_ms);
        }
        (0, 0)
    }

    pub(super) fn give_way(&self, held: &mut Held<'_>) -> bool {
        #[cfg(feature = "disk")]
        if let Some(keeper) = &self.keeper {
            return give_way_on_disk(keeper, held);
        }
        self.give_way_in_memory(held)
    }
}

/// A log without a disk has everything behind its floor in memory.
fn in_memory(read: Read) -> Result<Batch, ReadError> {
    match read {
        Read::Batch(batch) => Ok(batch),
        Read::Older { up_to } => Err(ReadError::BelowFloor { floor: up_to }),
    }
}
