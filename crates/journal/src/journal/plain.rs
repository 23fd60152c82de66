//! What a journal does that was built without a disk: the verbs of `durable`, in memory. Knows no keeper.

use std::sync::Arc;

use super::Shared;
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
pub(super) struct Discarded;

impl Discarded {
    pub(super) fn wait(self) -> Result<(), ReadError> {
        Ok(())
    }
}

impl Shared {
    #[inline]
    pub(crate) fn find(&self, name: &LogName) -> Result<Arc<Hot>, ReadError> {
        self.table.find(name).ok_or(ReadError::Unknown)
    }

    #[inline]
    pub(super) fn find_or_begin(
        &self,
        name: &LogName,
        retention: Option<Retention>,
    ) -> Result<Arc<Hot>, AppendError> {
        match self.table.find(name) {
            Some(hot) => Ok(hot),
            None => self.begin_in_memory(name, retention),
        }
    }

    #[inline]
    #[expect(clippy::needless_pass_by_value, reason = "on a disk it is taken apart")]
    pub(super) fn place(
        &self,
        _hot: &Arc<Hot>,
        held: &mut Held<'_>,
        append: Append,
        now_ms: u64,
    ) -> Result<(Placed, Receipt), AppendError> {
        Ok((held.log.append(&append, now_ms)?, Receipt::DONE))
    }

    pub(crate) fn complete(
        &self,
        _hot: &Hot,
        read: Read,
        _after: Position,
        _max_bytes: usize,
    ) -> Result<Batch, ReadError> {
        in_memory(read)
    }

    pub(super) fn older_snapshot(&self, _hot: &Hot) -> Result<Snapshot, ReadError> {
        Err(ReadError::Unknown)
    }

    pub(super) fn kept_changed(&self, _held: &Held<'_>) {}

    pub(super) fn floor_rose(&self, _held: &mut Held<'_>) {}

    pub(super) fn settle_written(&self, _held: &mut Held<'_>) {}

    pub(super) fn may_go(&self, held: &Held<'_>, unused: bool) -> bool {
        unused && held.log.is_empty()
    }

    pub(super) fn discard(&self, _held: &Held<'_>) -> Discarded {
        Discarded
    }

    pub(super) fn give_way(&self, held: &mut Held<'_>) -> bool {
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
