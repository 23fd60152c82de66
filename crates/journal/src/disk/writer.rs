//! The one thread that writes: takes what waits, makes one commit of it, syncs when somebody waits for the disk, and
//! answers. Knows no clock: what came during a sync is the next commit.

use std::collections::VecDeque;
use std::sync::Arc;

use super::draft::Draft;
use super::error::StoreError;
use super::gate::Gate;
use super::logs::SharedLogs;
use super::mark::Mark;
use super::meta_row::{META_KEY, MetaRow, gone_key};
use super::queue::{Job, Queue, Turn};
use super::store::{Batch, Space, Store};
use super::sweep::Sweep;
use super::ticket::Waiter;

/// The mark itself is synced once in so many syncs of the store: in between it may lag behind, never run ahead.
const MARK_SYNC_INTERVAL: u64 = 256;

/// A commit takes rows of so many logs away, as long as they are few.
const SWEEPS_AT_ONCE: usize = 16;
const FEW_ROWS: usize = 32;

/// What those who ask and the writer share.
pub(crate) struct Shared<S: ?Sized = dyn Store> {
    pub(crate) queue: Queue,
    pub(crate) logs: SharedLogs,
    pub(crate) gate: Gate,
    pub(crate) store: S,
}

/// The writing side of a keeper. [`Keeper::open`](super::Keeper::open) gives it a thread of its own; who has one
/// already, or wants each step to be a step, gets it from [`Keeper::with_writer`](super::Keeper::with_writer).
///
/// Dropping it is like the end of the process: what waits is not written.
#[must_use]
pub struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) mark: Box<dyn Mark>,
    /// As of the last commit that was tried.
    pub(crate) meta: MetaRow,
    pub(crate) sweeps: VecDeque<Sweep>,
    /// The last commit that went through.
    pub(crate) committed: u64,
    pub(crate) synced: u64,
    pub(crate) marks: u64,
    /// A commit that did not go through; the first to be written once the store is open again.
    pub(crate) failed: Option<Draft>,
    pub(crate) ended: bool,
}

impl Writer {
    /// Writes until the keeper is closed.
    pub fn run(mut self) {
        while !self.ended {
            let turn = self.shared.queue.turn(!self.sweeps.is_empty());
            self.take(turn);
        }
    }

    /// Makes the next commit, when anything waits for one. Says whether it did anything.
    pub fn step(&mut self) -> bool {
        let turn =
            if self.ended { None } else { self.shared.queue.turn_now(!self.sweeps.is_empty()) };
        let any = turn.is_some();
        if let Some(turn) = turn {
            self.take(turn);
        }
        any
    }

    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Write(jobs) => self.write(jobs),
            Turn::Reopen(waiters) => {
                let reopened = self.reopen();
                waiters.into_iter().for_each(|waiter| waiter.answer(reopened.clone()));
            }
            Turn::Close(waiter) => self.end(waiter),
        }
    }

    fn write(&mut self, jobs: Vec<Job>) {
        let pending = Draft::of(jobs);
        let mut draft = {
            let mut logs = self.shared.logs.lock();
            self.meta.next_number = logs.next_number;
            pending.into_draft(&mut logs, &mut self.meta)
        };
        self.sweeps.extend(draft.sweeps.drain(..));
        self.sweep(&mut draft);
        let committed = self.commit(&mut draft);
        self.measure();
        match committed {
            Ok(()) => self.written(draft),
            Err(error) => self.poison(error, draft),
        }
    }

    /// Adds rows to be taken away, when there are any: those of several logs, if they are few. What cannot be read
    /// stays where it is.
    fn sweep(&mut self, draft: &mut Draft) {
        for _ in 0..SWEEPS_AT_ONCE {
            let Some(mut sweep) = self.sweeps.pop_front() else { return };
            let Ok((seqs, done)) = sweep.next(&self.shared.store) else { return };
            draft.delete(sweep.space, sweep.number, &seqs);
            if !done {
                return self.sweeps.push_front(sweep);
            }
            if sweep.ends {
                draft.batch.delete(Space::Meta, gone_key(sweep.number));
            }
            if seqs.len() > FEW_ROWS {
                return;
            }
        }
    }

    fn commit(&mut self, draft: &mut Draft) -> Result<(), StoreError> {
        if draft.batch.is_empty() && !draft.sync {
            return Ok(());
        }
        self.seal(&mut draft.batch, false);
        self.shared.store.commit(&draft.batch)?;
        self.committed = self.meta.ordinal;
        for waiter in draft.after_write.drain(..) {
            waiter.answer(Ok(()));
        }
        if draft.sync { self.sync(false) } else { Ok(()) }
    }

    /// Makes a batch the next commit.
    fn seal(&mut self, batch: &mut Batch, clean: bool) {
        self.meta.ordinal += 1;
        self.meta.clean = clean;
        batch.put(Space::Meta, META_KEY.to_vec(), self.meta.encode());
    }

    fn sync(&mut self, surely: bool) -> Result<(), StoreError> {
        self.shared.store.sync()?;
        self.synced = self.committed;
        self.marks += 1;
        let surely = surely || self.marks.is_multiple_of(MARK_SYNC_INTERVAL);
        let marked = self.mark.write(self.synced, surely);
        marked.map_err(|error| StoreError::Disk(format!("mark: {error}")))
    }

    /// Says to all whom it concerns that a commit is done.
    fn written(&self, draft: Draft) {
        let mut logs = self.shared.logs.lock();
        for (number, last) in draft.written {
            let Some(known) = logs.get_mut(number) else { continue };
            known.written = known.written.max(last);
        }
        for number in draft.reserved {
            let Some(known) = logs.get_mut(number) else { continue };
            known.reserve_done();
        }
        for number in draft.rested {
            if logs.get(number).is_some_and(|known| known.resting) {
                logs.drop_number(number);
            }
        }
        draft.removed.into_iter().for_each(|number| logs.drop_number(number));
        drop(logs);
        for waiter in draft.after_write.into_iter().chain(draft.after_sync) {
            waiter.answer(Ok(()));
        }
    }

    /// Stops writing. The commit is kept, and so is what waits: seqs were given out for it.
    fn poison(&mut self, error: StoreError, mut draft: Draft) {
        let error = match error {
            error @ StoreError::Poisoned(_) => error,
            other => StoreError::Poisoned(other.to_string()),
        };
        self.shared.gate.poison(&error);
        self.shared.queue.poison(&error);
        for waiter in draft.after_write.iter_mut().chain(&mut draft.after_sync) {
            waiter.split_off().answer(Err(error.clone()));
        }
        self.failed = Some(draft);
    }

    /// Opens the store again and writes what did not go through.
    fn reopen(&mut self) -> Result<(), StoreError> {
        let Some(draft) = self.failed.take() else { return Ok(()) };
        let reopened = self.retry(&draft.batch);
        if reopened.is_err() {
            self.failed = Some(draft);
            return reopened;
        }
        self.written(draft);
        self.shared.gate.open();
        self.shared.queue.heal();
        Ok(())
    }

    fn retry(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.shared.store.reopen()?;
        let row = self.shared.store.row(Space::Meta, META_KEY)?;
        let have = row.and_then(|row| MetaRow::decode(&row)).map_or(0, |meta| meta.ordinal);
        if have < self.committed {
            return Err(StoreError::Behindhand { have, synced: self.committed });
        }
        self.shared.store.commit(batch)?;
        self.committed = self.meta.ordinal;
        self.sync(true)
    }

    /// Looks how much room is left, so that appends are refused before the disk refuses.
    pub(crate) fn measure(&self) {
        if let Ok(Some(free)) = self.shared.store.free_bytes() {
            self.shared.gate.measure(free);
        }
    }

    /// An orderly end: heads give back what they reserved and did not use, and the whole says that it is clean.
    fn end(&mut self, waiter: Option<Waiter>) {
        if self.failed.is_some() && self.reopen().is_ok() {
            // What waited for that comes first.
            return self.shared.queue.close(waiter);
        }
        self.ended = true;
        let ended = match &self.failed {
            Some(_) => self.shared.gate.check(),
            None => self.close(),
        };
        self.shared.gate.close();
        if let Some(waiter) = waiter {
            waiter.answer(ended);
        }
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let mut draft = Draft::default();
        {
            let mut logs = self.shared.logs.lock();
            for known in logs.iter_mut() {
                draft.settle(known, &mut self.meta);
            }
            self.meta.next_number = logs.next_number;
        }
        self.seal(&mut draft.batch, true);
        self.shared.store.commit(&draft.batch)?;
        self.committed = self.meta.ordinal;
        self.sync(true)
    }
}

/// Nobody waits for a writer that is gone.
impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.gate.close();
        self.shared.queue.abandon();
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("committed", &self.committed).finish_non_exhaustive()
    }
}
