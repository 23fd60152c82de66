//! How much a message matters: its delivery class and its priority. Facts of a message, not policies.

use serde::{Deserialize, Serialize};

/// What may happen to a message when its reader is slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// May be thrown away first (typing, presence).
    Droppable,
    /// May be merged with its neighbours of the same stream; the class of a message that names none.
    #[default]
    Coalescible,
    /// Is never merged away and never dropped; goes first, with all that its order key holds before it.
    Critical,
}

/// Which message goes first when several wait. `Critical` implies [`Class::Critical`].
///
/// ```
/// use tidegate_message::Priority;
/// assert!(Priority::Critical > Priority::High && Priority::Normal > Priority::Low);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Goes when nothing else waits.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Goes before normal ones.
    High,
    /// Goes before everything; always of class [`Class::Critical`].
    Critical,
}

impl Priority {
    /// The four priorities from the most urgent to the least.
    pub const DESCENDING: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];
}
