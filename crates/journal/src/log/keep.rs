//! What a log lets go: by its retention, or because memory is needed. Its floor, or what holds the rest, says so.

use super::{Log, More, Stub};
use crate::keys::Keys;
use crate::page::Index;

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
            while let Some((last, at_ms, _)) = self.oldest()
                && at_ms != u64::MAX
                && now_ms.saturating_sub(at_ms) >= retention.age_ms
                && self.raise(last)
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

    /// Whether the oldest of it was there before, so that its time is not known here.
    #[cfg(feature = "disk")]
    pub(crate) fn has_unknown_times(&self) -> bool {
        let oldest = self.more.as_ref().and_then(|more| more.older.front());
        oldest.is_some_and(|stub| stub.at_ms == u64::MAX)
    }

    /// Lets go what is over the limits in number and bytes, but for the newest entry.
    pub(super) fn keep_within(&mut self) {
        let retention = self.rules.retention;
        let most = u64::from(retention.entries.max(1));
        if self.visible - self.floor > most {
            self.raise(self.visible - most);
        }
        while self.kept_bytes_over(retention.bytes) {
            let Some((last, ..)) = self.oldest() else { return };
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

    /// The oldest entry behind the floor, or the oldest page that was evicted: its last seq, its time, its bytes.
    fn oldest(&self) -> Option<(u64, u64, usize)> {
        let stub = self.more.as_ref().and_then(|more| more.older.front());
        if let Some(stub) = stub {
            return Some((stub.last, stub.at_ms, stub.bytes as usize));
        }
        let next = self.more.as_ref().and_then(|more| more.sealed.get(1).map(|page| page.index()));
        let pages = [self.first_page(), next, self.open.as_deref().map(|open| open.index())];
        pages.into_iter().flatten().find_map(|page| page.oldest(self.floor))
    }

    fn first_page(&self) -> Option<&Index> {
        let sealed = self.more.as_ref().and_then(|more| more.sealed.front());
        let sealed = sealed.map(|page| page.index());
        sealed.or_else(|| self.open.as_ref().map(|open| open.index()))
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
        while let Some(stub) = more.older.front().copied().filter(|stub| stub.last <= floor) {
            more.body_bytes -= stub.bytes;
            more.older.pop_front();
        }
        while more.sealed.front().is_some_and(|page| page.index().last() <= floor) {
            more.pop_page(&self.budget);
        }
        more.lost.retain(|lost| lost.to > floor);
        if let Some(open) = self.open.take_if(|open| open.index().last() <= floor) {
            more.body_bytes -= open.index().body_bytes(0) as u64;
            open.discharge(&self.budget);
        }
        true
    }

    /// Gives way to others: lets go its oldest page. Answers whether there was one.
    pub(crate) fn give_way(&mut self) -> bool {
        let page = self.first_page().map(Index::last);
        let gave = page.is_some_and(|last| self.raise(last));
        self.charge();
        gave
    }

    /// Drops from memory what is written elsewhere up to a seq, in whole pages. The floor stays: reading answers
    /// [`Read::Older`](super::Read::Older). Answers how many bytes it counts less.
    pub fn evict(&mut self, up_to: u64) -> usize {
        let before = self.bytes();
        let up_to = up_to.min(self.visible);
        if self.open.as_ref().is_some_and(|open| open.index().last() <= up_to) {
            self.seal();
        }
        if let Some(more) = &mut self.more {
            while let Some(page) = more.sealed.front().filter(|page| page.index().last() <= up_to) {
                let index = page.index();
                let bytes = index.body_bytes(0) as u64;
                more.older.push_back(Stub { last: index.last(), at_ms: index.at_ms(), bytes });
                more.pop_page(&self.budget);
                more.body_bytes += bytes;
            }
            more.join_stubs();
        }
        self.charge();
        before.saturating_sub(self.bytes())
    }
}

/// More stubs than this are put together two by two.
const MAX_STUBS: usize = 64;

impl More {
    fn pop_page(&mut self, budget: &crate::budget::Budget) {
        if let Some(page) = self.sealed.pop_front() {
            self.sealed_bytes -= page.charged();
            self.body_bytes -= page.index().body_bytes(0) as u64;
            page.discharge(budget);
        }
    }

    fn join_stubs(&mut self) {
        if self.older.len() <= MAX_STUBS {
            return;
        }
        let pairs = self.older.make_contiguous().chunks(2);
        self.older = pairs
            .filter_map(|pair| {
                let bytes = pair.iter().map(|stub| stub.bytes).sum();
                pair.last().map(|last| Stub { bytes, ..*last })
            })
            .collect();
    }

    fn is_empty(&self) -> bool {
        self.sealed.is_empty()
            && self.older.is_empty()
            && self.lost.is_empty()
            && self.keys.is_empty()
    }
}
