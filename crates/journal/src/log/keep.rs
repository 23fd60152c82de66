//! What a log lets go: by its retention, or because memory is needed. Its floor, or what holds the rest, says so.

use super::{Log, More, Piece};
#[cfg(feature = "disk")]
use super::{Older, Rules};
use crate::budget::Budget;
use crate::keys::Keys;
use crate::page::{Entries, Kept, Open};

impl Log {
    /// Lets go what is too old. Nothing else changes by time alone.
    pub fn trim(&mut self, now_ms: u64) {
        let retention = self.rules.retention;
        if self.ended_at_ms != u64::MAX {
            if now_ms.saturating_sub(self.ended_at_ms) >= retention.after_end_ms {
                self.raise(self.visible);
                if let Some(more) = &mut self.more {
                    more.keys = Keys::default();
                }
            }
        } else if retention.age_ms != u64::MAX {
            while let Some(oldest) = self.oldest()
                && oldest.newest_ms != u64::MAX
                && now_ms.saturating_sub(oldest.newest_ms) >= retention.age_ms
                && self.raise(oldest.last)
            {}
        }
        let window = self.rules.keys;
        if let Some(more) = &mut self.more {
            more.keys.trim(window, now_ms, 0);
            if more.is_empty() && self.open.is_none() {
                self.budget.remove(more.charged);
                self.more = None;
            }
        }
        self.charge();
    }

    /// When time alone changes something next, in Unix milliseconds; `u64::MAX` for never.
    #[cfg(feature = "disk")]
    pub(crate) fn due_ms(&self) -> u64 {
        let Rules { retention, keys } = *self.rules;
        if self.ended_at_ms != u64::MAX {
            return self.ended_at_ms.saturating_add(retention.after_end_ms);
        }
        let oldest = self.oldest().map_or(u64::MAX, |oldest| oldest.oldest_ms);
        let key = self.more.as_ref().and_then(|more| more.keys.oldest());
        let key = key.map_or(u64::MAX, |key| key.at_ms.saturating_add(keys.age_ms));
        oldest.saturating_add(retention.age_ms).min(key)
    }

    /// Whether something of a piece that is elsewhere, but not all of it, is or may be too old.
    #[cfg(feature = "disk")]
    pub(crate) fn is_due_elsewhere(&self, now_ms: u64) -> bool {
        let oldest = self.more.as_ref().and_then(|more| more.older.front());
        let age_ms = self.rules.retention.age_ms;
        self.ended_at_ms == u64::MAX
            && age_ms != u64::MAX
            && oldest.is_some_and(|piece| now_ms.saturating_sub(piece.oldest_ms) >= age_ms)
    }

    /// Takes note that nothing that is elsewhere is older.
    #[cfg(feature = "disk")]
    pub(crate) fn elsewhere_begins_at(&mut self, oldest_ms: u64) {
        if let Some(more) = &mut self.more {
            more.older.begins_at(oldest_ms);
        }
    }

    /// The end of what was there before, as long as it does not count in its retention by bytes.
    #[cfg(feature = "disk")]
    pub(crate) fn uncounted_to(&self) -> Option<u64> {
        let more = self.more.as_ref().filter(|_| self.rules.retention.bytes != u64::MAX)?;
        more.older.unknown_to()
    }

    /// Lets what was there before count.
    #[cfg(feature = "disk")]
    pub(crate) fn count(&mut self, found: Older) {
        let Some(more) = &mut self.more else { return };
        more.body_bytes += more.older.found(found);
        more.body_bytes -= more.older.drop_to(self.floor);
        self.keep_within();
        self.charge();
    }

    /// Whether nothing is behind the floor but what is lost.
    #[cfg(feature = "disk")]
    pub(crate) fn has_only_lost(&self) -> bool {
        let nothing = |more: &More| more.sealed.is_empty() && more.older.is_empty();
        self.floor < self.visible && self.open.is_none() && self.more.as_deref().is_none_or(nothing)
    }

    /// Lets go what is over the limits in number and bytes, but for the newest entry.
    pub(super) fn keep_within(&mut self) {
        let retention = self.rules.retention;
        let most = u64::from(retention.entries.max(1));
        if self.visible - self.floor > most {
            self.raise(self.visible - most);
        }
        while self.kept_bytes_over(retention.bytes) {
            let Some(Piece { last, .. }) = self.oldest() else { return };
            if last >= self.visible || !self.raise(last) {
                return;
            }
        }
    }

    /// Whether the bodies behind the floor are more than `most`. Counts exactly only when it is near.
    fn kept_bytes_over(&self, most: u64) -> bool {
        let Some(more) = self.more.as_deref().filter(|more| more.body_bytes > most) else {
            return false;
        };
        let gone = match (more.older.front(), self.first_page()) {
            (None, Some(page)) => page.body_bytes(0) - page.body_bytes(self.floor),
            _ => 0,
        };
        more.body_bytes - gone as u64 > most
    }

    /// The oldest entry behind the floor, or the oldest piece of what is elsewhere.
    fn oldest(&self) -> Option<Piece> {
        let piece = self.more.as_ref().and_then(|more| more.older.front());
        if piece.is_some() {
            return piece.copied();
        }
        let next = self.more.as_ref().and_then(|more| more.sealed.get(1).map(Kept::entries));
        let pages = [self.first_page(), next, self.open.as_deref().map(open_entries)];
        pages.into_iter().flatten().find_map(|page| page.oldest(self.floor))
    }

    fn first_page(&self) -> Option<Entries<'_>> {
        let sealed = self.more.as_ref().and_then(|more| more.sealed.front());
        sealed.map(Kept::entries).or_else(|| self.open.as_deref().map(open_entries))
    }

    /// Raises the floor, though not over what readers may not have yet, and lets go the pages below it. Answers
    /// whether it rose.
    pub(super) fn raise(&mut self, floor: u64) -> bool {
        let floor = floor.min(self.visible);
        if floor <= self.floor {
            return false;
        }
        self.floor = floor;
        let Some(more) = &mut self.more else { return true };
        more.body_bytes -= more.older.drop_to(floor);
        while more.sealed.front().is_some_and(|page| page.last() <= floor) {
            more.pop_page(&self.budget);
        }
        while more.pop_loose(floor, &self.budget).is_some() {}
        more.lost.retain(|lost| lost.to > floor);
        if let Some(open) = self.open.take_if(|open| open.index().last() <= floor) {
            more.body_bytes -= open.index().body_bytes(0) as u64;
            open.discharge(&self.budget);
        }
        true
    }

    /// Gives way to others: lets go its oldest page, or its oldest large entry. Answers whether there was one.
    pub(crate) fn give_way(&mut self) -> bool {
        let oldest = self.first_page().map(|page| match page {
            Entries::Index(index) => index.last(),
            Entries::Loose(page) => page.first(),
        });
        let gave = oldest.is_some_and(|last| self.raise(last));
        self.charge();
        gave
    }

    /// Drops from memory what is written elsewhere up to a seq, in whole pages. The floor stays: reading answers
    /// [`Read::Older`](super::Read::Older). Answers how many bytes it counts less.
    pub fn evict(&mut self, up_to: u64) -> usize {
        let before = self.bytes();
        let (up_to, floor) = (up_to.min(self.visible), self.floor);
        if self.open.as_ref().is_some_and(|open| open.index().last() <= up_to) {
            self.seal();
        }
        if let Some(more) = &mut self.more {
            while let Some(page) = more.sealed.front().filter(|page| page.last() <= up_to) {
                let page = page.entries();
                let bytes = page.body_bytes(0) as u64;
                let (last, newest_ms) = (page.last(), page.at_ms());
                let oldest_ms = page.oldest(floor).map_or(newest_ms, |oldest| oldest.oldest_ms);
                more.older.push(Piece { last, oldest_ms, newest_ms, bytes });
                more.pop_page(&self.budget);
                more.body_bytes += bytes;
            }
            while let Some(gone) = more.pop_loose(up_to, &self.budget) {
                more.older.push(gone);
                more.body_bytes += gone.bytes;
            }
        }
        self.charge();
        before.saturating_sub(self.bytes())
    }
}

fn open_entries(open: &Open) -> Entries<'_> {
    Entries::Index(open.index())
}

impl More {
    fn pop_page(&mut self, budget: &Budget) {
        if let Some(page) = self.sealed.pop_front() {
            self.sealed_bytes -= page.charged();
            self.body_bytes -= page.entries().body_bytes(0) as u64;
            page.discharge(budget);
        }
    }

    /// Lets go the oldest entry of the oldest page, if that is one of large entries and this ends at a seq or before.
    fn pop_loose(&mut self, up_to: u64, budget: &Budget) -> Option<Piece> {
        let Some(Kept::Loose(page)) = self.sealed.front_mut() else { return None };
        if page.first() > up_to {
            return None;
        }
        self.sealed_bytes -= page.charged();
        let gone = page.pop(budget);
        self.sealed_bytes += page.charged();
        self.body_bytes -= gone.map_or(0, |gone| gone.bytes);
        gone
    }

    fn is_empty(&self) -> bool {
        self.sealed.is_empty()
            && self.older.is_empty()
            && self.lost.is_empty()
            && self.keys.is_empty()
    }
}
