//! Entries whose bodies have a piece of memory each: large ones, and a few small ones between them. Nothing of them is
//! pinned by a reader of another. Knows no log.

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_message::Class;

use super::{Ask, New};
use crate::batch::Item;
use crate::budget::Budget;
use crate::entry::Entry;
use crate::log::Piece;
use crate::merge::Join;

/// How many entries lie in one page of these.
const MOST: usize = 32;
/// What a body takes beside its bytes: the counters of its `Arc`.
const BODY_BYTES: usize = 16;

/// A page of such entries; each stands for one seq.
#[derive(Debug)]
pub(crate) struct Loose {
    /// The seq of the first that is left.
    first: u64,
    at_ms: u64,
    slots: VecDeque<Slot>,
    body_bytes: usize,
    /// What it counts in the budget beside the bodies.
    charged: usize,
}

#[derive(Debug)]
struct Slot {
    body: Arc<[u8]>,
    /// Milliseconds behind the page's.
    at: u32,
    class: Class,
    join: Join,
}

impl Loose {
    /// An empty page, whose first entry is to have this seq and this time.
    pub(crate) const fn new(first: u64, at_ms: u64) -> Self {
        Self { first, at_ms, slots: VecDeque::new(), body_bytes: 0, charged: 0 }
    }

    /// Whether an entry of this seq fits in.
    pub(crate) fn has_room(&self, seq: u64, new: &New<'_>) -> bool {
        let near = new.at_ms - self.at_ms < u64::from(u32::MAX);
        self.slots.len() < MOST && self.last() + 1 == seq && near
    }

    /// Adds a copy of an entry, with the next seq.
    pub(crate) fn push(&mut self, new: New<'_>, budget: &Arc<Budget>) {
        let New { at_ms, class, body, join } = new;
        self.body_bytes += body.len();
        let at = (at_ms - self.at_ms) as u32;
        self.slots.push_back(Slot { body: budget.copied(body), at, class, join });
        self.charge(budget);
    }

    /// Lets go the oldest entry.
    pub(crate) fn pop(&mut self, budget: &Budget) -> Option<Piece> {
        let slot = self.slots.pop_front()?;
        let piece = self.piece(self.first, &slot);
        self.body_bytes -= slot.body.len();
        self.first += 1;
        budget.release(slot.body);
        self.charge(budget);
        Some(piece)
    }

    /// The first seq that is left.
    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn last(&self) -> u64 {
        self.first + self.slots.len() as u64 - 1
    }

    pub(super) fn at_ms(&self) -> u64 {
        self.at_ms + self.slots.back().map_or(0, |slot| u64::from(slot.at))
    }

    /// Bytes of bodies behind a seq.
    pub(super) fn body_bytes(&self, after: u64) -> usize {
        if after < self.first {
            return self.body_bytes;
        }
        self.behind(after).map(|(_, slot)| slot.body.len()).sum()
    }

    /// The oldest entry behind a seq.
    pub(super) fn oldest(&self, after: u64) -> Option<Piece> {
        self.behind(after).next().map(|(seq, slot)| self.piece(seq, slot))
    }

    pub(super) fn joins(&self, after: u64) -> impl Iterator<Item = Join> {
        self.behind(after).map(|(_, slot)| slot.join)
    }

    fn piece(&self, last: u64, slot: &Slot) -> Piece {
        let at_ms = self.at_ms + u64::from(slot.at);
        Piece { last, oldest_ms: at_ms, newest_ms: at_ms, bytes: slot.body.len() as u64 }
    }

    fn behind(&self, after: u64) -> impl Iterator<Item = (u64, &Slot)> {
        let skipped = (after + 1).saturating_sub(self.first) as usize;
        (self.first..).zip(&self.slots).skip(skipped)
    }

    /// What it counts, with its bodies.
    pub(crate) const fn charged(&self) -> usize {
        self.charged + self.body_bytes
    }

    fn charge(&mut self, budget: &Budget) {
        let slots = self.slots.capacity() * size_of::<Slot>();
        let now = size_of::<Self>() + slots + self.slots.len() * BODY_BYTES;
        budget.change(self.charged, now);
        self.charged = now;
    }

    /// Gives back what it counts; what readers hold does that by itself.
    pub(super) fn discharge(self, budget: &Budget) {
        budget.remove(self.charged);
        self.slots.into_iter().for_each(|slot| budget.release(slot.body));
    }

    /// Reads what is asked for.
    pub(super) fn read(&self, ask: &Ask, budget: &Arc<Budget>, items: &mut Vec<Item>) {
        let mut room = ask.room;
        let mut always = ask.always;
        for (seq, slot) in self.behind(ask.after).take_while(|(seq, _)| *seq <= ask.until) {
            if slot.body.len() > room && !always {
                return;
            }
            always = false;
            room = room.saturating_sub(slot.body.len());
            let at_ms = self.at_ms + u64::from(slot.at);
            items.push(Item::Entry(Entry::whole(seq, at_ms, slot.class, budget.lend(&slot.body))));
        }
    }
}
