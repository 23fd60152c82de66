//! The outbox: what waits for one reader, within limits. It does not know who pushes, who pops or when.

use tidegate_message::Class;

use crate::counters::Tally;
use crate::item::{is_coalescible, is_critical, is_droppable};
use crate::lanes::{Lane, Lanes, lane_of};
use crate::limits::Room;
use crate::{Counters, Item, Limits};

/// What became of a pushed message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a message that did not fit comes back in it"]
pub enum Pushed<T> {
    /// It waits.
    Queued,
    /// It was merged into the message before it.
    Coalesced,
    /// It waits, or was merged, and others made room.
    Shed {
        /// So many messages were dropped for it; at least one.
        dropped: u32,
    },
    /// It was dropped itself, and counted.
    Dropped,
    /// It is critical or has an order key, and does not fit. Nothing was dropped for it.
    Full(T),
}

impl<T> Pushed<T> {
    /// Whether the message will reach the reader: it waits, alone or merged.
    #[must_use]
    pub const fn is_inside(&self) -> bool {
        matches!(self, Self::Queued | Self::Coalesced | Self::Shed { .. })
    }
}

/// A bounded outbox of one reader.
///
/// Messages leave by priority, critical ones first, and within a lane in the order they came. Messages
/// of one order key never overtake each other: a more urgent one lifts those that wait before it into
/// its own lane. A coalescible message is merged into the last one of its key, if that stands in its
/// lane and agrees.
///
/// When a message does not fit, first droppable messages are shed, the oldest of the least urgent lane
/// first, then coalescible ones without a key; never one that is critical or in a more urgent lane than
/// the message, and none at all if that would not make room. If there is still no room, then a
/// critical message or one with a key is [`Pushed::Full`]; any other is [`Pushed::Dropped`].
///
/// Empty, it has a size of 152 bytes and owns no buffer. A push or pop takes constant time in the usual
/// case; a push that lifts, or sheds, or looks for its key's last message, takes time in proportion to
/// what is inside.
///
/// ```
/// use tidegate_message::{Class, Priority};
/// use tidegate_queue::{Item, Limits, Outbox, Pushed};
///
/// #[derive(Debug, PartialEq)]
/// struct Message(Class, &'static str);
///
/// impl Item for Message {
///     fn class(&self) -> Class { self.0 }
///     fn priority(&self) -> Priority { Priority::Normal }
///     fn bytes(&self) -> usize { self.1.len() }
/// }
///
/// let mut outbox = Outbox::new(Limits { max_messages: 1, ..Limits::default() });
/// assert_eq!(outbox.push(Message(Class::Droppable, "typing")), Pushed::Queued);
/// assert_eq!(outbox.push(Message(Class::Coalescible, "hi")), Pushed::Shed { dropped: 1 });
/// assert_eq!(outbox.push(Message(Class::Critical, "started")), Pushed::Queued);
/// assert_eq!(outbox.pop(), Some(Message(Class::Critical, "started")));
/// ```
#[derive(Debug)]
pub struct Outbox<T> {
    pub(crate) lanes: Lanes<T>,
    bytes: usize,
    critical: u32,
    /// Messages that the batch delay does not apply to, critical ones among them.
    urgent: u32,
    pub(crate) limits: Limits,
    pub(crate) tally: Tally,
}

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
    /// An empty outbox.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let (lanes, tally) = (Lanes::default(), Tally::default());
        Self { lanes, bytes: 0, critical: 0, urgent: 0, limits, tally }
    }

    /// Takes a message in, and makes room for it where its class allows.
    pub fn push(&mut self, item: T) -> Pushed<T> {
        self.push_on(item, Terms::default())
    }

    /// Takes the next message out.
    pub fn pop(&mut self) -> Option<T> {
        let item = self.lanes.pop()?;
        self.forget(&item);
        self.tally.popped += 1;
        Some(item)
    }

    /// Takes messages out to the end of `out`: the next one whatever its size, then more of them up to
    /// `max_messages` and `max_bytes` in all.
    pub fn pop_batch(&mut self, max_messages: usize, max_bytes: usize, out: &mut Vec<T>) {
        let mut taken = Room::default();
        while let Some(next) = self.lanes.get(0) {
            let with_next = taken.plus(Room::one(next.bytes()));
            let within = with_next.fits(Room { messages: max_messages, bytes: max_bytes });
            if taken.messages > 0 && !within {
                break;
            }
            taken = with_next;
            out.extend(self.pop());
        }
    }

    /// The number of messages inside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    /// The bytes of all messages inside.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a critical message is inside.
    #[must_use]
    pub const fn holds_critical(&self) -> bool {
        self.critical > 0
    }

    /// Whether a message is inside that no batch delay applies to: a critical one, or one that does
    /// not [wait](Item::waits).
    #[must_use]
    pub const fn holds_urgent(&self) -> bool {
        self.urgent > 0
    }

    /// Whether a message of that size and class would be queued without anything being shed.
    #[must_use]
    pub fn has_room(&self, bytes: usize, class: Class) -> bool {
        self.fits(bytes, class == Class::Critical, Room::default())
    }

    /// The bounds it was made with.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it has done so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.tally.counters()
    }

    /// How many coalescible messages were shed since this was last asked: a gap the reader should be
    /// told of. Droppable ones are not counted here.
    #[must_use = "the count starts anew"]
    pub const fn take_dropped(&mut self) -> u64 {
        std::mem::replace(&mut self.tally.untold, 0)
    }
}

// Coming in.
impl<T: Item> Outbox<T> {
    pub(crate) fn push_on(&mut self, item: T, terms: Terms) -> Pushed<T> {
        let (bytes, critical) = (item.bytes(), is_critical(&item));
        let claimed = if critical { Room::default() } else { terms.claimed };
        let item = match self.merge_in_place(item, claimed) {
            Ok(()) => {
                self.tally.pushed += 1;
                return Pushed::Coalesced;
            }
            Err(item) => item,
        };
        let ordinary = self.fits(bytes, false, claimed);
        self.tally.overflows += u64::from(!ordinary && !terms.again);
        let fits = ordinary || (critical && self.fits(bytes, true, claimed));
        let dropped = if fits { 0 } else { self.make_room(&item, terms.patient, claimed) };
        if !fits && dropped == 0 {
            return self.refuse(item, terms.patient);
        }
        self.tally.preserved += u64::from(critical && !ordinary);
        self.tally.pushed += 1;
        match self.place(item) {
            _ if dropped > 0 => Pushed::Shed { dropped },
            Placed::Merged => Pushed::Coalesced,
            Placed::Alone => Pushed::Queued,
        }
    }

    /// Whether a message of that size could ever be queued.
    #[cfg(feature = "tokio")]
    pub(crate) const fn can_ever_fit(&self, bytes: usize, critical: bool) -> bool {
        Room::one(bytes).fits(self.limits.ceiling(critical))
    }

    /// What is inside.
    pub(crate) fn inside(&self) -> Room {
        Room { messages: self.len(), bytes: self.bytes }
    }

    pub(crate) fn fits(&self, bytes: usize, critical: bool, claimed: Room) -> bool {
        self.inside().plus(Room::one(bytes)).plus(claimed).fits(self.limits.ceiling(critical))
    }

    /// Merges a message without lifting, if that alone takes no further place.
    fn merge_in_place(&mut self, item: T, claimed: Room) -> Result<(), T> {
        let bytes = self.bytes.saturating_add(item.bytes()).saturating_add(claimed.bytes);
        if bytes > self.limits.max_bytes {
            return Err(item);
        }
        self.merge(lane_of(&item), item, self.len())
    }

    /// Merges a message into the last one of its key before `end`, if that is in the same lane.
    pub(crate) fn merge(&mut self, lane: Lane, item: T, end: usize) -> Result<(), T> {
        let Some(key) = item.order_key().filter(|_| is_coalescible(&item)) else {
            return Err(item);
        };
        let Some((_, index)) = self.lanes.last_of(key, end).filter(|(at, _)| *at == lane) else {
            return Err(item);
        };
        let Some(last) = self.lanes.get_mut(index) else { return Err(item) };
        let size = last.bytes().saturating_add(item.bytes());
        if !is_coalescible(last) || size > self.limits.max_bytes {
            return Err(item);
        }
        let (bytes, urgent) = (last.bytes(), u32::from(!last.waits()));
        last.merge(item)?;
        self.bytes = self.bytes.saturating_sub(bytes).saturating_add(last.bytes());
        self.urgent = self.urgent.saturating_sub(urgent) + u32::from(!last.waits());
        self.tally.coalesced += 1;
        Ok(())
    }

    /// Puts a message for which there is room at the end of its lane, behind all of its key.
    fn place(&mut self, item: T) -> Placed {
        let lane = lane_of(&item);
        if let Some(key) = item.order_key() {
            for earlier in self.lanes.take_below(lane, key) {
                self.forget(&earlier);
                self.append(lane, earlier);
            }
        }
        self.append(lane, item)
    }

    fn append(&mut self, lane: Lane, item: T) -> Placed {
        match self.merge(lane, item, self.len()) {
            Ok(()) => Placed::Merged,
            Err(item) => {
                self.remember(&item);
                self.lanes.push(lane, item);
                Placed::Alone
            }
        }
    }

    /// Gives a message that does not fit back, or drops it where its class allows.
    fn refuse(&mut self, item: T, patient: bool) -> Pushed<T> {
        let droppable = is_droppable(&item);
        let keyed = item.order_key().is_some();
        if is_critical(&item) || (!droppable && (keyed || patient)) {
            return Pushed::Full(item);
        }
        self.tally.pushed += 1;
        self.count_shed(droppable);
        Pushed::Dropped
    }
}

enum Placed {
    Alone,
    Merged,
}

// Accounts of what is inside.
impl<T: Item> Outbox<T> {
    pub(crate) fn remember(&mut self, item: &T) {
        let critical = is_critical(item);
        self.bytes = self.bytes.saturating_add(item.bytes());
        self.critical += u32::from(critical);
        self.urgent += u32::from(critical || !item.waits());
    }

    pub(crate) fn forget(&mut self, item: &T) {
        let critical = is_critical(item);
        self.bytes = self.bytes.saturating_sub(item.bytes());
        self.critical = self.critical.saturating_sub(u32::from(critical));
        self.urgent = self.urgent.saturating_sub(u32::from(critical || !item.waits()));
    }
}

#[cfg(feature = "tokio")]
impl<T> Outbox<T> {
    /// Takes all out for a reader that is gone.
    pub(crate) fn abandon(&mut self) -> std::collections::VecDeque<T> {
        let left = self.lanes.take();
        self.tally.popped += left.len() as u64;
        (self.bytes, self.critical, self.urgent) = (0, 0, 0);
        left
    }
}
