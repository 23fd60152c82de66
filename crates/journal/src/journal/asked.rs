//! Reading: at once where memory has it, and by a thread that may block where only the disk does. Knows no file.

use super::{Journal, Shared};
use crate::batch::{Batch, Snapshot};
#[cfg(feature = "tokio")]
use crate::blocking::Blocking;
use crate::error::ReadError;
use crate::hot::Hot;
use crate::log::Read;
use crate::name::LogName;
use crate::position::Position;

impl Journal {
    /// What follows a position, as far as `max_bytes` of bodies go; at least one entry, if there is one. Blocks only
    /// where the entries are on a disk and not in memory any more.
    ///
    /// # Errors
    /// There is no such log, or nothing can follow this position; the error says what would be right.
    pub fn read(
        &self,
        name: &LogName,
        after: Position,
        max_bytes: usize,
        now_ms: u64,
    ) -> Result<Batch, ReadError> {
        self.shared.note_time(now_ms);
        let hot = self.shared.find(name)?;
        match self.shared.look(&hot, after, max_bytes, now_ms)? {
            Read::Batch(batch) => Ok(batch),
            older => self.shared.complete(&hot, older, after, max_bytes),
        }
    }

    /// All of a log, in as few entries as possible: the text of one stream is one entry, whether it is in memory or on a
    /// disk. Blocks only where a part is not in memory any more.
    ///
    /// # Errors
    /// There is no such log, or something of it is gone or lost.
    pub fn snapshot(&self, name: &LogName, now_ms: u64) -> Result<Snapshot, ReadError> {
        self.shared.note_time(now_ms);
        let hot = self.shared.find(name)?;
        let snapshot = self.shared.look_at_all(&hot, now_ms)?;
        snapshot.map_or_else(|| self.shared.older_snapshot(&hot), Ok)
    }

    /// [`read`](Self::read) for a task: where it must read the disk, one of tokio's blocking threads does. Outside of a
    /// runtime this thread does.
    ///
    /// # Errors
    /// As [`read`](Self::read) says.
    ///
    /// # Cancel safety
    /// Nothing is changed by reading: a call that is dropped has read nothing, and the next one gets the same.
    #[cfg(feature = "tokio")]
    pub async fn read_async(
        &self,
        name: &LogName,
        after: Position,
        max_bytes: usize,
        now_ms: u64,
    ) -> Result<Batch, ReadError> {
        self.shared.note_time(now_ms);
        if let Some(hot) = self.shared.find_at_once(name)?
            && let Read::Batch(batch) = self.shared.look(&hot, after, max_bytes, now_ms)?
        {
            return Ok(batch);
        }
        self.blocking(name, move |journal, name| journal.read(name, after, max_bytes, now_ms)).await
    }

    /// [`snapshot`](Self::snapshot) for a task, as [`read_async`](Self::read_async) is for reading.
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot) says.
    ///
    /// # Cancel safety
    /// Nothing is changed by reading: a call that is dropped has read nothing.
    #[cfg(feature = "tokio")]
    pub async fn snapshot_async(&self, name: &LogName, now_ms: u64) -> Result<Snapshot, ReadError> {
        self.shared.note_time(now_ms);
        if let Some(hot) = self.shared.find_at_once(name)?
            && let Some(snapshot) = self.shared.look_at_all(&hot, now_ms)?
        {
            return Ok(snapshot);
        }
        self.blocking(name, move |journal, name| journal.snapshot(name, now_ms)).await
    }

    #[cfg(feature = "tokio")]
    async fn blocking<T: Unpin + Send + 'static>(
        &self,
        name: &LogName,
        act: impl FnOnce(&Self, &LogName) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (journal, name) = (self.clone(), name.clone());
        Blocking::new(move || act(&journal, &name)).await
    }
}

impl Shared {
    /// What of a log is in memory behind a position.
    fn look(
        &self,
        hot: &Hot,
        after: Position,
        max_bytes: usize,
        now_ms: u64,
    ) -> Result<Read, ReadError> {
        let mut held = hot.hold();
        held.log.trim(now_ms);
        hot.note_read(&held, now_ms);
        held.read(after, max_bytes)
    }

    /// A log as a whole, if it is in memory.
    fn look_at_all(&self, hot: &Hot, now_ms: u64) -> Result<Option<Snapshot>, ReadError> {
        let mut held = hot.hold();
        held.log.trim(now_ms);
        hot.note_read(&held, now_ms);
        held.log.snapshot()
    }
}
