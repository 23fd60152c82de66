//! What an outbox must be told of a message. It does not know what a message carries.

use tidegate_message::{Class, Priority};

/// A message that can wait in an [`Outbox`](crate::Outbox).
///
/// What these functions answer must not change while the message waits, but by [`merge`](Item::merge).
pub trait Item: Sized {
    /// What may happen to the message when its reader is slow.
    fn class(&self) -> Class;

    /// Which lane the message takes. [`Priority::Critical`] implies [`Class::Critical`], and a message
    /// of that class takes the critical lane whatever its priority.
    fn priority(&self) -> Priority;

    /// The size of the message in bytes, as it counts against [`Limits`](crate::Limits).
    fn bytes(&self) -> usize;

    /// Messages of one key never overtake each other. One with a key is not shed, unless its class
    /// says that it may be dropped; its producer waits instead.
    fn order_key(&self) -> Option<u64> {
        None
    }

    /// Whether the batch delay applies. Text of a stream says `false`: it waits only behind a backlog.
    fn waits(&self) -> bool {
        true
    }

    /// Takes `later` into this message: both are [`Class::Coalescible`], of one order key, and nothing
    /// of that key stands between them. The merged message is at most as large as the two together.
    ///
    /// # Errors
    /// Gives `later` back, and leaves this message as it was, if the two cannot be one.
    fn merge(&mut self, later: Self) -> Result<(), Self> {
        Err(later)
    }
}

/// Whether a message has the rights of a critical one: the first lane, the reserve, never shed.
pub(crate) fn is_critical<T: Item>(item: &T) -> bool {
    item.class() == Class::Critical || item.priority() == Priority::Critical
}

/// Whether a message may be merged.
pub(crate) fn is_coalescible<T: Item>(item: &T) -> bool {
    item.class() == Class::Coalescible && !is_critical(item)
}

/// Whether a message may be thrown away first.
pub(crate) fn is_droppable<T: Item>(item: &T) -> bool {
    item.class() == Class::Droppable && !is_critical(item)
}
