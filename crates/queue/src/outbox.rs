//! The outbox: what waits for one reader, within limits. It does not know who pushes, who pops or when.

use tidegate_message::Class;

use crate::extra::Extra;
use crate::facts::Lane;
use crate::incoming::{Placed, Terms};
use crate::lanes::{Lanes, Slot};
use crate::limits::{Bounds, Room};
use crate::marks::Marks;
use crate::{Counters, Item, Limits, Overflow, Pushed};

/// A bounded outbox of one reader.
///
/// Messages leave by priority, critical ones first, and within a lane in the order they came. Messages
/// of one order key never overtake each other: a more urgent one lifts those that wait before it into
/// its own lane. A coalescible message is merged into the last one of its merge key, if that stands in
/// its lane and agrees.
///
/// When a message does not fit, first droppable messages are shed, the oldest of the least urgent lane
/// first, then coalescible ones without an order key; never one that is critical or in a more urgent
/// lane than the message, and none at all if that would not make room. If there is still no room, then a
/// critical message or one with an order key is [`Pushed::Full`]; any other is [`Pushed::Dropped`]. With
/// [`Overflow::LeaveToLog`] what has positions in a log is left there instead: see
/// [`refill`](Self::refill).
///
/// Empty, it has a size of 88 bytes and owns no buffer. A push or pop takes constant time in the usual
/// case, also where it sheds the oldest for the newest; a push that lifts, or looks for what to shed among
/// what must stay, or for its key's last message, takes time in proportion to what is inside. The buffer that
/// the messages need is kept for the next ones, until [`rest`](Self::rest).
///
/// ```
/// use tidegate_message::{Class, Priority};
/// use tidegate_queue::{Evicted, Item, Limits, Outbox, Pushed};
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
/// let what = Evicted { droppable: 1, ..Evicted::default() };
/// assert_eq!(outbox.push(Message(Class::Coalescible, "hi")), Pushed::Shed { what });
/// assert_eq!(outbox.push(Message(Class::Critical, "started")), Pushed::Queued);
/// assert_eq!(outbox.pop(), Some(Message(Class::Critical, "started")));
/// ```
#[derive(Debug)]
pub struct Outbox<T> {
    pub(crate) lanes: Lanes<T>,
    popped: u64,
    pub(crate) extra: Option<Box<Extra>>,
    pub(crate) bounds: Bounds,
    pub(crate) bytes: u32,
    /// Some of it is for the channel around it: it would be padding here and eight bytes there.
    pub(crate) marks: Marks,
}

impl<T: Item> Outbox<T> {
    /// An empty outbox.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            lanes: Lanes::default(),
            popped: 0,
            extra: None,
            bounds: Bounds::new(limits),
            bytes: 0,
            marks: Marks::default(),
        }
    }

    /// An empty outbox with another policy than [`Overflow::Shed`].
    #[must_use]
    pub fn with_overflow(limits: Limits, overflow: Overflow) -> Self {
        let mut outbox = Self::new(limits);
        if overflow != Overflow::default() {
            outbox.extra().overflow = overflow;
        }
        outbox
    }

    /// Takes a message in, and makes room for it where its class allows.
    pub fn push(&mut self, item: T) -> Pushed<T> {
        self.push_on(item, Terms::default())
    }

    /// Takes the next message out.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let Slot { facts, item } = self.lanes.pop()?;
        self.bytes = self.bytes.saturating_sub(facts.bytes());
        self.popped = self.popped.saturating_add(1);
        Some(item)
    }

    /// Takes messages out to the end of `out`: the next one whatever its size, then more of them up to
    /// `max_messages` and `max_bytes` in all.
    pub fn pop_batch(&mut self, max_messages: usize, max_bytes: usize, out: &mut Vec<T>) {
        let ceiling = Room { messages: max_messages, bytes: max_bytes };
        if self.inside().fits(ceiling) {
            self.popped = self.popped.saturating_add(self.len() as u64);
            self.bytes = 0;
            return self.lanes.drain(out);
        }
        let mut taken = Room::default();
        while let Some(next) = self.lanes.facts(0) {
            let with_next = taken.plus(Room::one(next.bytes() as usize));
            if taken.messages > 0 && !with_next.fits(ceiling) {
                break;
            }
            taken = with_next;
            if let Some(item) = self.pop() {
                out.push(item);
            }
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
        self.bytes as usize
    }

    /// Whether nothing is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a critical message is inside.
    #[must_use]
    pub const fn holds_critical(&self) -> bool {
        // Nothing stands in the first lane but critical messages and what they lifted, before them.
        self.lanes.holds_critical()
    }

    /// Whether a message is inside that no batch delay applies to: a critical one, or one that does
    /// not [wait](Item::waits).
    #[must_use]
    pub const fn holds_urgent(&self) -> bool {
        self.lanes.holds_urgent()
    }

    /// Whether a message of that size and class would be queued without anything being shed.
    #[must_use]
    pub fn has_room(&self, bytes: usize, class: Class) -> bool {
        self.fits(bytes, class == Class::Critical, Room::default())
    }

    /// What more fits before a message that is not critical finds no room.
    #[must_use]
    pub fn room(&self) -> Room {
        self.bounds.ceiling(false).minus(self.inside())
    }

    /// The bounds it was made with.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.bounds.limits()
    }

    /// What it has done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let inside = self.len() as u64;
        match &self.extra {
            Some(extra) => extra.tally.counters(self.popped, inside),
            None => crate::counters::Tally::default().counters(self.popped, inside),
        }
    }

    /// How many coalescible messages were shed since this was last asked: a gap the reader should be
    /// told of. Droppable ones are not counted here.
    #[must_use = "the count starts anew"]
    pub fn take_dropped(&mut self) -> u64 {
        self.extra.as_mut().map_or(0, |extra| std::mem::take(&mut extra.tally.untold))
    }

    /// Whether the reader has had everything and knows of all that it has not.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_settled(&self) -> bool {
        let quiet = |extra: &Extra| extra.is_quiet() && extra.tally.untold == 0;
        self.is_empty() && self.extra.as_deref().is_none_or(quiet)
    }

    /// Whether it is near its limits.
    #[inline]
    pub(crate) fn is_high(&self) -> bool {
        self.bounds.is_high(self.len(), self.bytes)
    }

    /// Gives the buffer back if nothing is inside: for an outbox that will be quiet for a while. Otherwise
    /// it is kept, so that in steady state a message costs no allocation.
    pub fn rest(&mut self) {
        self.lanes.rest();
    }
}

// Accounts of what is inside. What comes in and what goes for it is in `incoming`, `overflow` and `lagging`.
impl<T: Item> Outbox<T> {
    #[inline]
    pub(crate) fn remember(&mut self, lane: Lane, slot: Slot<T>) -> Placed {
        self.bytes = self.bytes.saturating_add(slot.facts.bytes());
        if slot.facts.is_droppable() {
            self.marks.droppable(true);
        }
        self.lanes.push(lane, slot);
        Placed::Alone
    }

    /// Takes a message out that does not reach the reader now.
    pub(crate) fn forget(&mut self, index: usize) -> Option<Slot<T>> {
        let slot = self.lanes.remove(index)?;
        self.bytes = self.bytes.saturating_sub(slot.facts.bytes());
        Some(slot)
    }

    /// Puts a message that was forgotten back into its place.
    pub(crate) fn put_back(&mut self, lane: Lane, index: usize, slot: Slot<T>) {
        self.bytes = self.bytes.saturating_add(slot.facts.bytes());
        self.lanes.put_back(lane, index, slot);
    }
}

impl<T> Outbox<T> {
    #[cold]
    fn make_extra(&mut self) -> &mut Extra {
        self.extra.insert(Box::default())
    }

    /// What is made on first use.
    pub(crate) fn extra(&mut self) -> &mut Extra {
        if self.extra.is_none() {
            return self.make_extra();
        }
        self.extra.get_or_insert_default()
    }

    /// Takes all out for a reader that is gone.
    #[cfg(feature = "tokio")]
    pub(crate) fn abandon(&mut self) -> std::collections::VecDeque<Slot<T>> {
        let left = self.lanes.take();
        self.popped = self.popped.saturating_add(left.len() as u64);
        self.bytes = 0;
        left
    }
}
