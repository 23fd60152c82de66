//! Making room in a full outbox: who goes, and in which order. It does not decide what becomes of a message
//! for which there is none.

use crate::facts::{CRITICAL, Facts, HIGH, LOW, Lane, NORMAL};
use crate::lanes::Slot;
use crate::limits::Room;
use crate::outbox::Outbox;
use crate::{Evicted, Item, Overflow};

/// Who goes together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Droppable,
    /// Left to their logs; never of the newcomer's own lane, where it is the newcomer that is left.
    Sequenced,
    Expendable,
}

impl<T: Item> Outbox<T> {
    /// Evicts what may go for a newcomer until it fits. Nothing, if it cannot fit.
    ///
    /// To fit here is not to add to what is inside beyond the room the message may use. So it takes the
    /// place of about its own size, where critical ones are in the reserve or others wait for room.
    pub(crate) fn make_room(
        &mut self,
        newcomer: &Slot<T>,
        patient: bool,
        claimed: Room,
    ) -> Evicted {
        let facts = newcomer.facts;
        let ceiling =
            self.bounds.ceiling(facts.is_critical()).minus(claimed).at_least(self.inside());
        let newcomers = Room::one(facts.bytes() as usize);
        let target = ceiling.minus(newcomers);
        let stages = self.stages(facts, patient);
        let own = newcomer.item.order_key();
        let mut what = Evicted::default();
        if newcomers.fits(ceiling) && self.can_reach(target, stages, facts.lane(), own) {
            for stage in stages {
                self.evict(*stage, facts.lane(), own, target, &mut what);
            }
        }
        what
    }

    fn stages(&self, facts: Facts, patient: bool) -> &'static [Stage] {
        use Stage::{Droppable, Expendable, Sequenced};
        let leaves = self.overflow() == Overflow::LeaveToLog;
        // What can be left to its log need not cost others what is lost for good.
        let gentle = (patient || (leaves && facts.is_sequenced())) && !facts.is_critical();
        match (facts.is_droppable(), leaves, gentle) {
            (true, ..) | (_, false, true) => &[Droppable],
            (_, false, false) => &[Droppable, Expendable],
            (_, true, true) => &[Droppable, Sequenced],
            (_, true, false) => &[Droppable, Sequenced, Expendable],
        }
    }

    pub(crate) fn overflow(&self) -> Overflow {
        self.extra.as_ref().map_or(Overflow::default(), |extra| extra.overflow)
    }

    /// Whether so much may go that no more than `target` is left. It looks at no more than would go.
    fn can_reach(&mut self, target: Room, stages: &[Stage], lane: Lane, own: Option<u64>) -> bool {
        let mut left = self.inside();
        for stage in stages {
            let before = left;
            for index in self.candidates(*stage, lane) {
                if left.fits(target) {
                    return true;
                }
                if self.may_go(*stage, lane, own, index)
                    && let Some(facts) = self.lanes.facts(index)
                {
                    left = left.minus(Room::one(facts.bytes() as usize));
                }
            }
            let looked_at_all = self.lanes.range(lane).start == 0;
            if *stage == Stage::Droppable && looked_at_all && left == before {
                self.marks.droppable(false);
            }
        }
        left.fits(target)
    }

    /// Where those may stand that go in a stage, in the order in which they go: from the least urgent lane up to
    /// `lane`, each from its oldest.
    fn candidates(&self, stage: Stage, lane: Lane) -> impl Iterator<Item = usize> + use<T> {
        let none = stage == Stage::Droppable && !self.marks.may_hold_droppable();
        let lanes = [LOW, NORMAL, HIGH, CRITICAL].map(|from| self.lanes.range(from));
        let count = if none { 0 } else { LOW + 1 - lane };
        lanes.into_iter().take(count).flatten()
    }

    fn may_go(&self, stage: Stage, lane: Lane, own: Option<u64>, index: usize) -> bool {
        let Some(slot) = self.lanes.get(index) else { return false };
        match stage {
            Stage::Droppable => slot.facts.is_droppable(),
            Stage::Expendable => slot.facts.is_expendable(),
            Stage::Sequenced => {
                index >= self.lanes.range(lane).end
                    && !slot.facts.is_droppable()
                    && slot.item.order_key() != own
                    && self.may_be_left(slot, index)
            }
        }
    }

    /// Evicts from the least urgent lane up to `lane`, each from its oldest, until no more is inside than
    /// `target`.
    fn evict(
        &mut self,
        stage: Stage,
        lane: Lane,
        own: Option<u64>,
        target: Room,
        what: &mut Evicted,
    ) {
        if stage == Stage::Droppable && !self.marks.may_hold_droppable() {
            return;
        }
        for from in (lane..=LOW).rev() {
            let mut index = self.lanes.range(from).start;
            while index < self.lanes.range(from).end {
                if self.inside().fits(target) {
                    return;
                }
                if !self.may_go(stage, lane, own, index) {
                    index += 1;
                } else if stage == Stage::Sequenced {
                    self.leave_from(index, what);
                } else {
                    self.shed_at(index, what);
                }
            }
        }
    }

    pub(crate) fn shed_at(&mut self, index: usize, what: &mut Evicted) {
        let Some(slot) = self.forget(index) else { return };
        self.count_shed(slot.facts);
        let count =
            if slot.facts.is_droppable() { &mut what.droppable } else { &mut what.coalescible };
        *count = count.saturating_add(1);
        if let Some(key) = slot.item.order_key() {
            self.join_around(index, key);
        }
    }

    /// Merges the two messages of a key between which one was shed.
    fn join_around(&mut self, index: usize, key: u64) {
        let Some((lane, next)) = self.lanes.first_of(key, index) else { return };
        if self.lanes.last_of(key, next).is_none_or(|(before, _)| before != lane) {
            return;
        }
        let Some(slot) = self.forget(next) else { return };
        if let Err(slot) = self.merge(lane, slot, next) {
            self.put_back(lane, next, slot);
        }
    }

    pub(crate) fn count_shed(&mut self, facts: Facts) {
        let tally = &mut self.extra().tally;
        if facts.is_droppable() {
            tally.shed_droppable += 1;
        } else {
            tally.shed_coalescible += 1;
            tally.untold += 1;
        }
    }
}
