//! What is asked of a keeper about one log. Knows no store: everything that is written goes through the queue.

use std::sync::Arc;

use super::error::StoreError;
use super::keeper::Keeper;
use super::logs::Known;
use super::number::LogNumber;
use super::queue::{Job, What, Written};
use super::read::{self, Stored};
use super::ticket::{Landing, Ticket};
use crate::append::{Durability, Keyed};
use crate::entry::Entry;
use crate::merge::{Join, Mergeable};
use crate::retention::Retention;

/// A floor is written down, and the rows below it are taken away, when it has risen by so many seqs.
const TRIM_STEP: u64 = 256;

impl Keeper {
    /// Whether anything new may be written: asked before a seq is given out, because what is handed to
    /// [`Keeper::write`] has its seq for ever.
    ///
    /// # Errors
    /// The disk is nearly full, does not keep up, or failed.
    pub fn accepts(&self) -> Result<(), StoreError> {
        let gate = &self.shared.gate;
        if let Err(StoreError::Full { .. }) = gate.check()
            && let Ok(Some(free)) = self.shared.store.free_bytes()
        {
            gate.measure(free);
        }
        gate.check()?;
        let (waiting, most) = (self.shared.queue.bytes(), self.max_waiting_bytes);
        if waiting > most { Err(StoreError::Behind { waiting, most }) } else { Ok(()) }
    }

    /// The last seq of a log that may leave the process: its reservation is durable. The next block is reserved
    /// whenever half of one is used.
    #[must_use]
    pub fn reserved(&self, number: LogNumber) -> u64 {
        self.shared.logs.lock().get(number).map_or(0, |known| known.reserved)
    }

    /// The last seq of a log up to which all is on the disk, or known as lost: memory may let go of it.
    #[must_use]
    pub fn written(&self, number: LogNumber) -> u64 {
        self.shared.logs.lock().get(number).map_or(0, |known| known.written)
    }

    /// Reserves seqs, durably.
    pub fn reserve(&self, number: LogNumber, up_to: u64) -> Ticket {
        if self.reserved(number) >= up_to {
            return Ticket::answered(Ok(()));
        }
        let (ticket, waiter) = Ticket::waiting();
        self.shared.queue.push([Job { what: What::Reserve(number, up_to), waiter: Some(waiter) }]);
        ticket
    }

    /// Writes an entry. Entries of a log come in the order of their seqs. Neighbours that nobody waits for become
    /// one row, where their policies say so.
    ///
    /// The ticket is answered when the entry has come as far as `durability` says; at
    /// [`Durability::Memory`] that is at once, unless its seq is still to be reserved. After an error the entry is
    /// kept, and is written first once the store is open again.
    pub fn write(
        &self,
        number: LogNumber,
        entry: Entry,
        merge: Mergeable,
        key: Option<Keyed>,
        durability: Durability,
    ) -> Ticket {
        let written = Written { number, entry, merge, join: Join::No, key, durability };
        self.write_telling(written, None)
    }

    /// [`Keeper::write`] that tells a log as well, unless the ticket is answered already.
    pub(crate) fn write_telling(
        &self,
        written: Written,
        landing: Option<Arc<dyn Landing>>,
    ) -> Ticket {
        let Written { number, ref entry, durability, .. } = written;
        let mut logs = self.shared.logs.lock();
        let Some(known) = logs.get_mut(number).filter(|known| !known.removed) else {
            return Ticket::answered(Err(StoreError::Unknown(number)));
        };
        known.resting = false;
        known.next = known.next.max(entry.last.saturating_add(1));
        let at_once = durability == Durability::Memory && entry.last <= known.reserved;
        let (ticket, waiter) = if at_once {
            (Ticket::answered(Ok(())), None)
        } else {
            let (ticket, waiter) = Ticket::waiting();
            let seq = entry.last;
            let told = match landing {
                Some(landing) => waiter.landing(landing, seq),
                None => waiter,
            };
            (ticket, Some(told))
        };
        let written = Box::new(written);
        self.shared.queue.push([Job { what: What::Entry(written), waiter }]);
        ticket
    }

    /// What of a log follows a seq, in order and without a hole: what is missing comes back as
    /// [`Stored::Lost`]. Stops when it has `max_bytes` of bodies, after one item at least. Blocks.
    ///
    /// # Errors
    /// The store could not be read, or is damaged in a way that does not even show where.
    pub fn read(
        &self,
        number: LogNumber,
        after: u64,
        max_bytes: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        let items = self.read_joining(number, after, max_bytes)?;
        Ok(items.into_iter().map(|(item, _)| item).collect())
    }

    /// [`Keeper::read`] that says how each belongs to what is before it.
    pub(crate) fn read_joining(
        &self,
        number: LogNumber,
        after: u64,
        max_bytes: usize,
    ) -> Result<Vec<(Stored, Join)>, StoreError> {
        let (floor, written) = {
            let logs = self.shared.logs.lock();
            let known = logs.get(number).ok_or(StoreError::Unknown(number))?;
            (known.row.floor, known.written)
        };
        read::read(&self.shared.store, number, after.max(floor), written, max_bytes)
    }

    /// Raises the floor of a log: entries that end there or before go. Rows are taken away, and the floor is
    /// written down, every 256 seqs.
    pub fn trim(&self, number: LogNumber, floor: u64) {
        let mut logs = self.shared.logs.lock();
        let Some(known) = logs.get_mut(number) else { return };
        let rises = floor > known.row.floor;
        known.changed |= rises;
        known.untrimmed |= rises;
        known.row.floor = known.row.floor.max(floor);
        if known.row.floor >= known.swept.saturating_add(TRIM_STEP) {
            self.shared.queue.push([trimming(known)]);
        }
    }

    /// Forgets the keys of a seq and earlier ones: their window has passed.
    pub fn forget_keys(&self, number: LogNumber, up_to: u64) {
        self.shared.queue.push([Job { what: What::Forget(number, up_to), waiter: None }]);
    }

    /// Writes down how long a log keeps what, and when it ended. Behind.
    pub fn keep(&self, number: LogNumber, retention: Retention, ended_at_ms: Option<u64>) {
        let mut logs = self.shared.logs.lock();
        let Some(known) = logs.get_mut(number) else { return };
        known.row.retention = retention;
        known.row.ended_at_ms = ended_at_ms;
        self.shared.queue.push([Job { what: What::Head(number), waiter: None }]);
    }

    /// Forgets a log that nobody uses for now and all of which is written, behind: its unused seqs are given back, rows
    /// below its floor are taken away, and it takes no memory here until it is loaded again. It must be loaded again before anything else is asked about
    /// it.
    pub fn rest(&self, number: LogNumber) {
        let mut logs = self.shared.logs.lock();
        let Some(known) = logs.get_mut(number).filter(|known| !known.resting) else { return };
        known.resting = true;
        let trim = known.untrimmed.then(|| trimming(known));
        let rest = Job { what: What::Rest(number), waiter: None };
        self.shared.queue.push(trim.into_iter().chain([rest]));
    }

    /// Removes a log. Its rows are taken away behind; the ticket is answered when the removal is durable.
    pub fn remove(&self, number: LogNumber) -> Ticket {
        let mut logs = self.shared.logs.lock();
        let Some(known) = logs.get_mut(number) else {
            return Ticket::answered(Err(StoreError::Unknown(number)));
        };
        known.removed = true;
        let (ticket, waiter) = Ticket::waiting();
        self.shared.queue.push([Job { what: What::Remove(number), waiter: Some(waiter) }]);
        ticket
    }
}

/// Takes away the rows below the floor.
fn trimming(known: &mut Known) -> Job {
    let floor = known.row.floor;
    let from = std::mem::replace(&mut known.swept, floor);
    known.untrimmed = false;
    Job { what: What::Trim(known.row.number, from, floor), waiter: None }
}
