//! What an outbox must be told of a message. It does not know what a message carries.

use std::ops::RangeInclusive;

use tidegate_message::{Class, Priority};

/// A message that can wait in an [`Outbox`](crate::Outbox).
///
/// What these functions answer must not change while the message waits, but by [`merge`](Item::merge): they
/// are asked once on the way in.
///
/// Merging is what the message says it is. Text of a stream is concatenated; of a state only the last value
/// counts:
///
/// ```
/// use tidegate_message::{Class, Priority};
/// use tidegate_queue::{Item, Limits, Outbox};
///
/// enum Note { Text(u64, String), Price { share: u64, cents: u32 } }
///
/// impl Item for Note {
///     fn class(&self) -> Class { Class::Coalescible }
///     fn priority(&self) -> Priority { Priority::Normal }
///     fn bytes(&self) -> usize { match self { Note::Text(_, text) => text.len(), Note::Price { .. } => 16 } }
///     fn order_key(&self) -> Option<u64> {
///         match self { Note::Text(stream, _) => Some(*stream), Note::Price { .. } => None }
///     }
///     fn merge_key(&self) -> Option<u64> {
///         match self { Note::Text(stream, _) => Some(*stream), Note::Price { share, .. } => Some(*share) }
///     }
///     fn merge(&mut self, later: Self) -> Result<(), Self> {
///         match (self, later) {
///             (Note::Text(_, text), Note::Text(_, more)) => text.push_str(&more),
///             (price @ Note::Price { .. }, later @ Note::Price { .. }) => *price = later,
///             (_, later) => return Err(later),
///         }
///         Ok(())
///     }
/// }
///
/// let mut outbox = Outbox::new(Limits::default());
/// for cents in [100, 102, 99] {
///     let _ = outbox.push(Note::Price { share: 7, cents });
///     let _ = outbox.push(Note::Text(1, format!("{cents} ")));
/// }
/// assert!(matches!(outbox.pop(), Some(Note::Price { cents: 99, .. })));
/// assert!(matches!(outbox.pop(), Some(Note::Text(1, text)) if text == "100 102 99 "));
/// assert!(outbox.is_empty());
/// ```
pub trait Item: Sized {
    /// What may happen to the message when its reader is slow.
    fn class(&self) -> Class;

    /// Which lane the message takes. [`Priority::Critical`] implies [`Class::Critical`], and a message
    /// of that class takes the critical lane whatever its priority.
    fn priority(&self) -> Priority;

    /// The size of the message in bytes, as it counts against [`Limits`](crate::Limits).
    fn bytes(&self) -> usize;

    /// Messages of one key (a log, a stream) never overtake each other. One with a key is not shed,
    /// unless its class says that it may be dropped; its producer waits instead.
    fn order_key(&self) -> Option<u64> {
        None
    }

    /// Messages of one merge key may be [merged](Item::merge); without an order key they may be so
    /// wherever they wait in their lane. By default the order key.
    fn merge_key(&self) -> Option<u64> {
        self.order_key()
    }

    /// The positions in its log that the message stands for: one, or a range when it was merged. Only a
    /// message with an order key has them, and of one key either all have that are not droppable, or none.
    /// Such a message can be [left to its log](crate::Overflow::LeaveToLog).
    fn positions(&self) -> Option<RangeInclusive<u64>> {
        None
    }

    /// Whether the batch delay applies. Text of a stream says `false`: it waits only behind a backlog.
    fn waits(&self) -> bool {
        true
    }

    /// Takes `later` into this message: both are [`Class::Coalescible`], of one merge key and one order
    /// key, if any, and nothing of that order key stands between them. The merged message is at most as
    /// large as the two together.
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
