//! Entries that lie one behind the other in one piece of memory: 20 bytes of record each, and their bodies without
//! any gap. The newest page is open and grows; a full one is sealed, and readers get slices of it. Large bodies have memory
//! of their own. Knows no log.

mod index;
mod kept;
mod loose;

use std::sync::Arc;

use bytes::Bytes;
use tidegate_message::Class;

use crate::batch::Item;
use crate::budget::Budget;
use crate::merge::Join;
use crate::varint;
use index::{Record, Shape, View};

pub(crate) use index::{Ask, Index};
pub(crate) use kept::{Entries, Kept};
pub(crate) use loose::Loose;

/// How many bytes of bodies a page has room for.
pub(crate) const PAGE_BYTES: usize = 16 * 1_024;
/// A body over this has memory of its own: so few of them fit into a page that its share of one is more than that takes.
pub(crate) const PAGED_BYTES: usize = 2 * 1_024;
/// How far a merged entry may grow: its text, and its seqs.
const MERGED_BYTES: usize = 64 * 1_024;
const MERGED_SEQS: u32 = 16 * 1_024;
/// So few entries take less by themselves than a page of them.
const FEW: usize = 6;
/// A reader that gets less than this part of a page gets a copy, so that little does not pin much.
const SHARED_PART: usize = 4;
/// And so much is not copied, whatever part it is.
const COPIED_BYTES: usize = 4 * 1_024;

/// What is added to a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct New<'a> {
    pub(crate) at_ms: u64,
    pub(crate) class: Class,
    pub(crate) body: &'a [u8],
    pub(crate) join: Join,
}

/// The newest page: grows at its end.
#[derive(Debug)]
pub(crate) struct Open {
    index: Index,
    data: Vec<u8>,
    /// Where text was merged.
    #[expect(
        clippy::box_collection,
        reason = "most pages have none, and each append reads the page"
    )]
    cuts: Option<Box<Vec<u8>>>,
    /// What it counts in the budget.
    charged: usize,
}

/// A page that does not change any more. Its bytes count for as long as readers hold some of them.
#[derive(Debug)]
pub(crate) struct Sealed {
    index: Index,
    /// The bodies, then the cuts.
    bytes: Bytes,
    cuts_at: usize,
    charged: usize,
}

impl Open {
    /// A page whose first seq this is.
    pub(crate) fn new(first: u64, new: New<'_>) -> Self {
        let data = Vec::with_capacity(new.body.len());
        let index = Index::new(first, new.at_ms);
        let mut page = Self { index, data, cuts: None, charged: 0 };
        page.push(new);
        page
    }

    pub(crate) const fn index(&self) -> &Index {
        &self.index
    }

    fn cuts(&self) -> &[u8] {
        self.cuts.as_deref().map_or(&[], |cuts| cuts)
    }

    /// Whether an entry fits in.
    pub(crate) fn has_room(&self, new: &New<'_>) -> bool {
        let near = |number: u64| number < u64::from(u32::MAX);
        self.data.len() + new.body.len() <= PAGE_BYTES
            && near(new.at_ms - self.index.at_ms)
            && near(self.index.last() - self.index.first)
    }

    /// Adds an entry with the next seq.
    pub(crate) fn push(&mut self, new: New<'_>) {
        grow(&mut self.data, new.body.len(), PAGE_BYTES);
        self.data.extend_from_slice(new.body);
        self.index.last += 1;
        self.index.records.push(Record {
            last: (self.index.last - self.index.first) as u32,
            end: self.data.len() as u32,
            cuts_end: self.cuts().len() as u32,
            at: (new.at_ms - self.index.at_ms) as u32,
            class: new.class,
            shape: Shape::Whole,
            join: new.join,
        });
    }

    /// Whether the newest entry has room for one body more.
    pub(crate) fn may_join(&self, new: &New<'_>) -> bool {
        let place = self.index.records.len().saturating_sub(1);
        let Some(record) = self.index.records.get(place) else { return false };
        let seqs = self.index.last_of(record) - self.index.first_of(place);
        record.class == Class::Coalescible
            && self.index.body_of(place, record).len() + new.body.len() <= MERGED_BYTES
            && seqs < u64::from(MERGED_SEQS)
            && new.at_ms - self.index.at_ms < u64::from(u32::MAX)
            && record.last < u32::MAX
    }

    /// Puts a body behind that of the newest entry, under the next seq. Answers whether it did.
    pub(crate) fn concatenate(&mut self, new: New<'_>) -> bool {
        let place = self.index.records.len().saturating_sub(1);
        let Some(mut record) = self.index.records.get(place).copied() else { return false };
        if record.shape == Shape::Latest {
            return false;
        }
        let cuts = self.cuts.get_or_insert_default();
        if record.shape == Shape::Whole {
            let length = self.index.body_of(place, &record).len();
            varint::write(length as u64, cuts);
            record.shape = Shape::Text;
        }
        varint::write(new.body.len() as u64, cuts);
        grow(&mut self.data, new.body.len(), PAGE_BYTES + MERGED_BYTES);
        self.data.extend_from_slice(new.body);
        record.last += 1;
        self.index.last += 1;
        record.end = self.data.len() as u32;
        record.cuts_end = self.cuts().len() as u32;
        record.at = (new.at_ms - self.index.at_ms) as u32;
        self.index.records[place] = record;
        true
    }

    /// Puts a body in the place of that of the newest entry, under the next seq. Answers how many bytes it
    /// replaced.
    pub(crate) fn replace(&mut self, new: New<'_>) -> Option<usize> {
        let place = self.index.records.len().saturating_sub(1);
        let mut record = self.index.records.get(place).copied()?;
        if record.shape == Shape::Text {
            return None;
        }
        let body = self.index.body_of(place, &record);
        self.data.truncate(body.start);
        grow(&mut self.data, new.body.len(), PAGE_BYTES + MERGED_BYTES);
        self.data.extend_from_slice(new.body);
        record.last += 1;
        self.index.last += 1;
        record.end = self.data.len() as u32;
        record.at = (new.at_ms - self.index.at_ms) as u32;
        record.shape = Shape::Latest;
        self.index.records[place] = record;
        Some(body.len())
    }

    /// What it counts in the budget.
    pub(crate) const fn charged(&self) -> usize {
        self.charged
    }

    /// Makes the budget agree with the memory taken.
    #[inline]
    pub(crate) fn charge(&mut self, budget: &Budget) {
        let now = size_of::<Self>()
            + self.data.capacity()
            + self.cuts.as_ref().map_or(0, |cuts| size_of::<Vec<u8>>() + cuts.capacity())
            + self.index.records.capacity() * size_of::<Record>();
        budget.change(self.charged, now);
        self.charged = now;
    }

    /// Gives back what it counts.
    pub(crate) fn discharge(&self, budget: &Budget) {
        budget.remove(self.charged);
    }

    /// Reads what is asked for. Answers the last seq of the page.
    pub(crate) fn read(&self, ask: &Ask, budget: &Arc<Budget>, items: &mut Vec<Item>) -> u64 {
        let parts = self.index.parts(ask, self.cuts());
        let view = View::copied(&parts, &self.data, self.cuts(), budget);
        items.extend(parts.into_iter().map(|part| Item::Entry(self.index.entry(part, &view))));
        self.index.last()
    }

    /// Whether it has so little that each of its entries takes less by itself.
    pub(crate) fn is_little(&self) -> bool {
        let records = &self.index.records;
        records.len() <= FEW && records.iter().all(|record| record.shape == Shape::Whole)
    }

    /// Its entries, each of which stands for one seq if it [is little](Self::is_little), and the seq of the first.
    pub(crate) fn each(&self) -> (u64, impl Iterator<Item = New<'_>>) {
        let news = self.index.records.iter().enumerate().filter_map(|(place, record)| {
            let at_ms = self.index.at_ms + u64::from(record.at);
            let body = self.data.get(self.index.body_of(place, record))?;
            Some(New { at_ms, class: record.class, body, join: record.join })
        });
        (self.index.first, news)
    }

    /// Ends its growth.
    pub(crate) fn seal(mut self, budget: &Arc<Budget>) -> Sealed {
        budget.remove(self.charged);
        let cuts_at = self.data.len();
        if let Some(cuts) = self.cuts.take() {
            self.data.reserve_exact(cuts.len());
            self.data.extend_from_slice(&cuts);
        }
        self.index.records.shrink_to_fit();
        Sealed::new(self.index, budget.counted(self.data.into_boxed_slice()), cuts_at, budget)
    }
}

impl Sealed {
    fn new(index: Index, bytes: Bytes, cuts_at: usize, budget: &Budget) -> Self {
        let records = index.records.capacity() * size_of::<Record>();
        let charged = size_of::<Self>() + OWNER_BYTES + records;
        budget.add(charged);
        Self { index, bytes, cuts_at, charged }
    }

    pub(crate) const fn index(&self) -> &Index {
        &self.index
    }

    /// What it counts, with its bytes.
    pub(crate) fn charged(&self) -> usize {
        self.charged + self.bytes.len()
    }

    /// Gives back what it counts; its bytes do that by themselves.
    pub(crate) fn discharge(&self, budget: &Budget) {
        budget.remove(self.charged);
    }

    /// Reads what is asked for.
    fn read(&self, ask: &Ask, budget: &Arc<Budget>, items: &mut Vec<Item>) {
        let (data, cuts) = self.bytes.split_at(self.cuts_at);
        let parts = self.index.parts(ask, cuts);
        let asked: usize = parts.iter().map(|part| part.body.len()).sum();
        let view = if asked * SHARED_PART >= self.bytes.len() || asked > COPIED_BYTES {
            let bytes = self.bytes.clone();
            View { bytes, data_from: 0, cuts_from: 0, cuts_at: self.cuts_at }
        } else {
            View::copied(&parts, data, cuts, budget)
        };
        items.extend(parts.into_iter().map(|part| Item::Entry(self.index.entry(part, &view))));
    }
}

/// What the owner of a sealed page's bytes takes beside them.
const OWNER_BYTES: usize = 40;

/// Room for more: twice as much while it is little, then a quarter more, but not over `most` unless it must be.
fn grow(data: &mut Vec<u8>, more: usize, most: usize) {
    let needed = data.len() + more;
    let capacity = data.capacity();
    if needed > capacity {
        let step = if capacity < PAGE_BYTES { capacity } else { capacity / 4 };
        let wanted = (capacity + step).min(most).max(needed);
        data.reserve_exact(wanted - data.len());
    }
}
