//! A message's way into the outbox: alone, into another one, in front of others, or not at all. It does not know
//! who must go for it.

use crate::facts::{Facts, Lane};
use crate::lanes::Slot;
use crate::limits::Room;
use crate::outbox::Outbox;
use crate::{Evicted, Item, Pushed};

/// On what terms a message comes in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms {
    /// The producer rather waits than have coalescible messages shed.
    pub(crate) patient: bool,
    /// It has been here before, and its overflow was counted.
    pub(crate) again: bool,
    /// Room that others wait for and that a message which is not critical must leave.
    pub(crate) claimed: Room,
}

impl<T: Item> Outbox<T> {
    #[inline]
    pub(crate) fn push_on(&mut self, item: T, terms: Terms) -> Pushed<T> {
        let facts = Facts::of(&item);
        if self.takes_plainly(facts) {
            self.remember(facts.lane(), Slot { facts, item });
            return Pushed::Queued;
        }
        self.push_among_others(Slot { facts, item }, terms)
    }

    /// Whether this is the usual push: there is room, nobody waits for it, and the message has nothing to
    /// do with others. Then it is only to be remembered.
    #[inline]
    pub(crate) fn takes_plainly(&self, facts: Facts) -> bool {
        (facts.is_plain() || self.is_empty())
            && self.bounds.take_one_more(self.len(), self.bytes, facts.bytes())
            && self.extra.as_ref().is_none_or(|extra| extra.is_quiet())
    }

    /// The push of a message that may merge, lift or shed others.
    #[inline(never)]
    pub(crate) fn push_among_others(&mut self, slot: Slot<T>, terms: Terms) -> Pushed<T> {
        let slot = match self.behind_its_log(slot, terms) {
            Ok(pushed) => return pushed,
            Err(slot) => slot,
        };
        let (bytes, critical) = (slot.facts.bytes() as usize, slot.facts.is_critical());
        let claimed = if critical { Room::default() } else { terms.claimed };
        let slot = match self.merge_in_place(slot, claimed) {
            Ok(()) => return Pushed::Coalesced,
            Err(slot) => slot,
        };
        let ordinary = self.fits(bytes, false, claimed);
        if ordinary {
            return match self.lift(&slot) {
                true => self.append(slot).into(),
                // It was tried above that nothing takes it in.
                false => self.remember(slot.facts.lane(), slot).into(),
            };
        }
        self.extra().tally.overflows += u64::from(!terms.again);
        let fits = critical && self.fits(bytes, true, claimed);
        let what = match fits {
            true => Evicted::default(),
            false => self.make_room(&slot, terms.patient, claimed),
        };
        if !fits && what.total() == 0 {
            return self.refuse(slot, terms.patient);
        }
        self.extra().tally.preserved += u64::from(critical);
        match self.place(slot) {
            _ if what.total() > 0 => Pushed::Shed { what },
            placed => placed.into(),
        }
    }

    /// Whether a message of that size could ever be queued.
    pub(crate) const fn can_ever_fit(&self, bytes: usize, critical: bool) -> bool {
        Room::one(bytes).fits(self.bounds.ceiling(critical))
    }

    /// What is inside.
    pub(crate) fn inside(&self) -> Room {
        Room { messages: self.len(), bytes: self.bytes() }
    }

    #[inline]
    pub(crate) fn fits(&self, bytes: usize, critical: bool, claimed: Room) -> bool {
        self.inside().plus(Room::one(bytes)).plus(claimed).fits(self.bounds.ceiling(critical))
    }

    /// Merges a message without lifting, if that alone takes no further place.
    pub(crate) fn merge_in_place(&mut self, slot: Slot<T>, claimed: Room) -> Result<(), Slot<T>> {
        let bytes = self.inside().plus(Room::one(slot.facts.bytes() as usize)).plus(claimed).bytes;
        if bytes > self.bounds.max_bytes() {
            return Err(slot);
        }
        self.merge(slot.facts.lane(), slot, self.len())
    }

    /// Merges a message into the last one of its key before `end`, if that is in the same lane.
    pub(crate) fn merge(&mut self, lane: Lane, slot: Slot<T>, end: usize) -> Result<(), Slot<T>> {
        let Some(index) = self.partner(lane, &slot, end) else { return Err(slot) };
        let (max_bytes, Slot { facts, item }) = (self.bounds.max_bytes(), slot);
        let mut refused = None;
        let merged = self.lanes.change(index, |last| {
            let before = last.facts.bytes();
            let fits = (before as usize).saturating_add(facts.bytes() as usize) <= max_bytes;
            refused = if fits { last.item.merge(item).err() } else { Some(item) };
            if refused.is_none() {
                last.facts.renew(&last.item);
            }
            (before, last.facts.bytes())
        });
        if let Some(item) = refused {
            return Err(Slot { facts, item });
        }
        if let Some((before, after)) = merged {
            self.bytes = self.bytes.saturating_sub(before).saturating_add(after);
        }
        self.extra().tally.coalesced += 1;
        Ok(())
    }

    /// The message into which this one may be merged.
    fn partner(&self, lane: Lane, slot: &Slot<T>, end: usize) -> Option<usize> {
        if !slot.facts.merges() {
            return None;
        }
        let Some(key) = slot.item.order_key() else {
            return self.lanes.last_merging(slot.item.merge_key()?, lane);
        };
        let (at, index) = self.lanes.last_of(key, end)?;
        let last = self.lanes.get(index)?;
        let may = at == lane && last.facts.merges();
        (may && last.item.merge_key() == slot.item.merge_key()).then_some(index)
    }

    /// Puts a message for which there is room at the end of its lane, behind all of its order key.
    pub(crate) fn place(&mut self, slot: Slot<T>) -> Placed {
        self.lift(&slot);
        self.append(slot)
    }

    /// Lifts all messages of a newcomer's order key into its lane; whether there were any.
    fn lift(&mut self, newcomer: &Slot<T>) -> bool {
        let lane = newcomer.facts.lane();
        let behind = self.lanes.range(lane).end;
        if behind == self.len() {
            return false;
        }
        let Some(key) = newcomer.item.order_key() else { return false };
        let mut lifted = false;
        while let Some((_, index)) = self.lanes.first_of(key, self.lanes.range(lane).end) {
            let Some(earlier) = self.forget(index) else { break };
            lifted = true;
            if let Err(earlier) = self.merge(lane, earlier, self.len()) {
                self.remember(lane, earlier);
            }
        }
        lifted
    }

    fn append(&mut self, slot: Slot<T>) -> Placed {
        let lane = slot.facts.lane();
        match self.merge(lane, slot, self.len()) {
            Ok(()) => Placed::Merged,
            Err(slot) => self.remember(lane, slot),
        }
    }

    /// Gives a message that does not fit back, or drops it where its class allows.
    fn refuse(&mut self, slot: Slot<T>, patient: bool) -> Pushed<T> {
        if slot.facts.is_droppable() || (slot.facts.is_expendable() && !patient) {
            self.count_shed(slot.facts);
            return Pushed::Dropped;
        }
        self.leave_newcomer(slot)
    }
}

pub(crate) enum Placed {
    Alone,
    Merged,
}

impl<T> From<Placed> for Pushed<T> {
    fn from(placed: Placed) -> Self {
        match placed {
            Placed::Alone => Self::Queued,
            Placed::Merged => Self::Coalesced,
        }
    }
}
