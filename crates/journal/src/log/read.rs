//! Reading a log: what follows a position, and all of it at once.

use super::{Joining, Log};
use crate::batch::{Batch, Item, Snapshot};
use crate::error::ReadError;
use crate::head::Lost;
use crate::merge::Join;
use crate::page::{Ask, Entries, Kept};

/// What reading answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Read {
    /// What follows.
    Batch(Batch),
    /// What follows is not in memory up to this seq: it is read where it was written.
    Older {
        /// The last seq that is not in memory.
        up_to: u64,
    },
}

impl Log {
    /// Everything behind a seq, as far as `max_bytes` of bodies go; at least one entry, if there is one.
    ///
    /// # Errors
    /// The seq is ahead of the tail, or below the floor.
    pub fn read(&self, after: u64, max_bytes: usize) -> Result<Read, ReadError> {
        self.check(after)?;
        let up_to = self.more.as_ref().map_or(0, |more| more.older.last());
        if after < up_to {
            return Ok(Read::Older { up_to });
        }
        let mut items = Vec::new();
        let mut room = max_bytes;
        let mut cursor = after;
        for lost in self.lost_behind(after) {
            if !self.entries_between(&mut cursor, lost.from - 1, &mut room, &mut items) {
                return Ok(Read::Batch(self.batch(items)));
            }
            let from = lost.from.max(cursor + 1);
            items.push(Item::Lost(Lost { from, to: lost.to }));
            cursor = lost.to;
        }
        self.entries_between(&mut cursor, self.visible, &mut room, &mut items);
        Ok(Read::Batch(self.batch(items)))
    }

    /// Whether a reader may stand there.
    pub(crate) const fn check(&self, after: u64) -> Result<(), ReadError> {
        if after > self.visible {
            return Err(ReadError::Future { tail: self.visible });
        }
        if after < self.floor {
            return Err(ReadError::BelowFloor { floor: self.floor });
        }
        Ok(())
    }

    pub(crate) const fn batch(&self, items: Vec<Item>) -> Batch {
        Batch { items, tail: self.visible, ended: self.ended_at_ms != u64::MAX }
    }

    /// What is lost behind a seq, in order.
    fn lost_behind(&self, after: u64) -> impl Iterator<Item = &Lost> {
        let lost = self.more.as_ref().map_or(&[][..], |more| &more.lost[..]);
        let from = lost.partition_point(|lost| lost.to <= after);
        lost[from..].iter().take_while(|lost| lost.from <= self.visible)
    }

    /// Entries from behind the cursor to `until`, which moves the cursor. Answers whether there was room for all.
    fn entries_between(
        &self,
        cursor: &mut u64,
        until: u64,
        room: &mut usize,
        items: &mut Vec<Item>,
    ) -> bool {
        let more = self.more.as_deref();
        let place =
            more.map_or(0, |more| more.sealed.partition_point(|page| page.last() <= *cursor));
        let mut sealed = more.into_iter().flat_map(|more| more.sealed.range(place..));
        while *cursor < until {
            let ask = Ask { after: *cursor, until, room: *room, always: items.is_empty() };
            let before = items.len();
            let page_last = match (sealed.next(), &self.open) {
                (Some(page), _) => page.read(&ask, &self.budget, items),
                (None, Some(open)) => open.read(&ask, &self.budget, items),
                (None, None) => return false,
            };
            let read = items.get(before..).unwrap_or_default();
            // Nothing: there is no room, or what should be there is not.
            let Some(last) = read.last() else { return false };
            *cursor = last.last();
            if *cursor < until.min(page_last) {
                return false;
            }
            *room = room.saturating_sub(read.iter().map(Item::body_bytes).sum());
        }
        true
    }

    /// All of it from its first seq. Text that was merged in several entries, because one would have been too long, is
    /// one entry here. `None` where a part is not in memory.
    ///
    /// # Errors
    /// Something of it is gone, or lost.
    pub fn snapshot(&self) -> Result<Option<Snapshot>, ReadError> {
        let Some(items) = self.read_joining(0)? else { return Ok(None) };
        let mut joining = Joining::default();
        items.into_iter().try_for_each(|(item, join)| joining.take(item, join))?;
        Ok(Some(joining.end(self.visible, self.ended_at_ms != u64::MAX)))
    }

    /// Everything behind a seq, up to the first that is lost, and how each belongs to what is before it. `None` where a
    /// part is not in memory.
    pub(crate) fn read_joining(&self, after: u64) -> Result<Option<Vec<(Item, Join)>>, ReadError> {
        let batch = match self.read(after, usize::MAX)? {
            Read::Batch(batch) => batch,
            Read::Older { .. } => return Ok(None),
        };
        let sealed = self.more.as_deref().into_iter().flat_map(|more| &more.sealed);
        let open = self.open.as_deref().map(|open| Entries::Index(open.index()));
        let mut joins = Vec::with_capacity(batch.items.len() + 1);
        sealed.map(Kept::entries).chain(open).for_each(|page| page.joins(after, &mut joins));
        // What is lost may have no record: nothing is asked of what is behind it.
        Ok(Some(batch.items.into_iter().zip(joins.into_iter().chain([Join::No])).collect()))
    }
}
