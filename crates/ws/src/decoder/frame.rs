//! A frame whose header has been read. It does not know the message that it is a part of.

use crate::header::Start;
use crate::mask::Key;

/// Its payload begins the input, or what is left of it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) start: Start,
    /// The message that it is a part of is compressed.
    pub(super) compressed: bool,
    pub(super) check: Check,
    pub(super) key: Option<Key>,
    /// Bytes of payload.
    pub(super) length: usize,
    /// How many of them have been dealt with: unmasked and checked where they lie; of a compressed message, inflated
    /// and taken off the input.
    pub(super) seen: usize,
}

/// How the UTF-8 of a frame's payload is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It is not text.
    None,
    /// A whole message that came in one piece: when it is made into a [`Text`](crate::Text).
    Whole,
    /// As it arrives.
    Arriving,
}

impl Check {
    #[inline]
    pub(super) const fn of(text: bool, whole: bool) -> Self {
        match (text, whole) {
            (false, _) => Self::None,
            (true, true) => Self::Whole,
            (true, false) => Self::Arriving,
        }
    }
}
