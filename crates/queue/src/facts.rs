//! What an outbox keeps of a message beside it, in eight bytes: so that walking over what waits asks no
//! message anything. It knows no order.

use tidegate_message::{Class, Priority};

use crate::Item;
use crate::item::is_critical;

/// A lane: 0 is the most urgent.
pub(crate) type Lane = usize;

pub(crate) const CRITICAL: Lane = 0;
pub(crate) const HIGH: Lane = 1;
pub(crate) const NORMAL: Lane = 2;
pub(crate) const LOW: Lane = 3;

/// A message's size, class and rights, asked of it once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    bytes: u32,
    /// Of the order key, or of the merge key where there is no order key. Equal keys have equal marks.
    key_mark: u16,
    flags: u8,
    lane: u8,
}

const IS_CRITICAL: u8 = 1;
const IS_DROPPABLE: u8 = 2;
/// Coalescible, and with a merge key.
const MERGES: u8 = 4;
const IS_ORDERED: u8 = 8;
const IS_SEQUENCED: u8 = 16;
/// No batch delay applies.
const IS_URGENT: u8 = 32;

impl Facts {
    #[inline]
    pub(crate) fn of<T: Item>(item: &T) -> Self {
        let (class, critical) = (item.class(), is_critical(item));
        let lane = match item.priority() {
            _ if critical => CRITICAL,
            Priority::Critical => CRITICAL,
            Priority::High => HIGH,
            Priority::Normal => NORMAL,
            Priority::Low => LOW,
        };
        let mut facts = Self { bytes: size_of(item), key_mark: 0, flags: 0, lane: lane as u8 };
        facts.set(IS_CRITICAL, critical);
        facts.set(IS_DROPPABLE, !critical && class == Class::Droppable);
        facts.set(IS_URGENT, critical || !item.waits());
        let coalescible = !critical && class == Class::Coalescible;
        if let Some(key) = item.order_key() {
            facts.key_mark = mark(key);
            facts.set(IS_ORDERED, true);
            facts.set(IS_SEQUENCED, item.positions().is_some());
            facts.set(MERGES, coalescible && item.merge_key().is_some());
        } else if let Some(key) = item.merge_key().filter(|_| coalescible) {
            facts.key_mark = mark(key);
            facts.set(MERGES, true);
        }
        facts
    }

    fn set(&mut self, flag: u8, holds: bool) {
        if holds {
            self.flags |= flag;
        }
    }

    fn is(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// After a merge: what it says of its size and haste now.
    pub(crate) fn renew<T: Item>(&mut self, merged: &T) {
        self.bytes = size_of(merged);
        self.flags &= !IS_URGENT;
        self.set(IS_URGENT, !merged.waits());
    }

    pub(crate) const fn bytes(self) -> u32 {
        self.bytes
    }

    pub(crate) const fn lane(self) -> Lane {
        self.lane as Lane
    }

    pub(crate) fn is_critical(self) -> bool {
        self.is(IS_CRITICAL)
    }

    pub(crate) fn is_droppable(self) -> bool {
        self.is(IS_DROPPABLE)
    }

    pub(crate) fn is_urgent(self) -> bool {
        self.is(IS_URGENT)
    }

    pub(crate) fn is_ordered(self) -> bool {
        self.is(IS_ORDERED)
    }

    pub(crate) fn is_sequenced(self) -> bool {
        self.is(IS_SEQUENCED)
    }

    pub(crate) fn merges(self) -> bool {
        self.is(MERGES)
    }

    /// Whether it is in nobody's way and nobody in its: the usual push.
    pub(crate) fn is_plain(self) -> bool {
        self.flags & (IS_ORDERED | MERGES) == 0
    }

    /// A coalescible message without an order key may be shed when nothing droppable is left.
    pub(crate) fn is_expendable(self) -> bool {
        self.flags & (IS_CRITICAL | IS_DROPPABLE | IS_ORDERED) == 0
    }

    /// Whether this may be an ordered message of that key: then it is to be asked.
    pub(crate) fn may_have_order_key(self, key: u64) -> bool {
        self.is_ordered() && self.key_mark == mark(key)
    }

    /// Whether this may be a message without an order key that merges by that key.
    pub(crate) fn may_merge_by(self, key: u64) -> bool {
        self.flags & (IS_ORDERED | MERGES) == MERGES && self.key_mark == mark(key)
    }
}

/// Sizes saturate at 4 GiB.
fn size_of<T: Item>(item: &T) -> u32 {
    u32::try_from(item.bytes()).unwrap_or(u32::MAX)
}

const fn mark(key: u64) -> u16 {
    // Multiplying spreads small keys; the upper bits depend on all lower ones.
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16
}
