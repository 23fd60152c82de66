//! Making room in a full outbox: who goes, and in which order. It does not decide what becomes of a message
//! for which there is none.

use crate::Item;
use crate::item::{is_coalescible, is_critical, is_droppable};
use crate::lanes::{Lane, lane_of};
use crate::limits::Room;
use crate::outbox::Outbox;

impl<T: Item> Outbox<T> {
    /// Sheds what may be shed for `item` until it fits. Returns how many; 0 if it cannot fit.
    ///
    /// To fit here is not to add to what is inside beyond the room the message may use. So it takes the
    /// place of about its own size, where critical ones are in the reserve or others wait for room.
    pub(crate) fn make_room(&mut self, item: &T, patient: bool, claimed: Room) -> u32 {
        let critical = is_critical(item);
        let ceiling = self.limits.ceiling(critical).minus(claimed).at_least(self.inside());
        let only_droppable = is_droppable(item) || (patient && !critical);
        let stages: &[fn(&T) -> bool] =
            if only_droppable { &[is_droppable] } else { &[is_droppable, is_expendable] };
        let lane = lane_of(item);
        let freed = self.freed_by(stages, lane);
        if !self.inside().minus(freed).plus(Room::one(item.bytes())).fits(ceiling) {
            return 0;
        }
        stages.iter().map(|may_go| self.shed(*may_go, lane, item.bytes(), ceiling)).sum()
    }

    /// How much shedding all that may go would free.
    fn freed_by(&self, stages: &[fn(&T) -> bool], lane: Lane) -> Room {
        (self.lanes.range(lane).start..self.len())
            .filter_map(|index| self.lanes.get(index))
            .filter(|item| stages.iter().any(|may_go| may_go(item)))
            .fold(Room::default(), |freed, item| freed.plus(Room::one(item.bytes())))
    }

    /// Sheds from the least urgent lane up to `lane`, each from its oldest, until `bytes` more fit.
    fn shed(&mut self, may_go: fn(&T) -> bool, lane: Lane, bytes: usize, ceiling: Room) -> u32 {
        let mut dropped = 0;
        for lane in (lane..4).rev() {
            let mut index = self.lanes.range(lane).start;
            while index < self.lanes.range(lane).end {
                if self.inside().plus(Room::one(bytes)).fits(ceiling) {
                    return dropped;
                }
                if self.lanes.get(index).is_some_and(may_go) {
                    self.shed_at(index);
                    dropped += 1;
                } else {
                    index += 1;
                }
            }
        }
        dropped
    }

    fn shed_at(&mut self, index: usize) {
        let Some(item) = self.lanes.remove(index) else { return };
        self.forget(&item);
        self.count_shed(is_droppable(&item));
        if let Some(key) = item.order_key() {
            self.join_around(index, key);
        }
    }

    /// Merges the two messages of a key between which one was shed.
    fn join_around(&mut self, index: usize, key: u64) {
        let Some((lane, next)) = self.lanes.first_of(key, index) else { return };
        if self.lanes.last_of(key, next).is_none_or(|(before, _)| before != lane) {
            return;
        }
        let Some(item) = self.lanes.remove(next) else { return };
        self.forget(&item);
        if let Err(item) = self.merge(lane, item, next) {
            self.remember(&item);
            self.lanes.put_back(lane, next, item);
        }
    }

    pub(crate) const fn count_shed(&mut self, droppable: bool) {
        self.tally.shed += 1;
        if !droppable {
            self.tally.untold += 1;
        }
    }
}

/// A coalescible message without a key may be shed when nothing droppable is left.
fn is_expendable<T: Item>(item: &T) -> bool {
    is_coalescible(item) && item.order_key().is_none()
}
