//! Who is to be looked at, in the order of a time that was noted for them: a look at the first says whether anybody is due.
//! Knows whole seconds since some begin, and no facts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tidegate_message::SessionId;

/// Sessions by second. Sixteen bytes each.
#[derive(Debug, Default)]
pub(crate) struct Due(BinaryHeap<Reverse<(u32, SessionId)>>);

impl Due {
    /// Notes a session. It may be noted more than once: the caller knows which note holds.
    pub(crate) fn push(&mut self, second: u32, session: SessionId) {
        self.0.push(Reverse((second, session)));
    }

    /// Takes the first one out, if it was noted at `second` or before.
    pub(crate) fn pop(&mut self, second: u32) -> Option<(u32, SessionId)> {
        let first = self.0.peek_mut()?;
        (first.0.0 <= second).then(|| std::collections::binary_heap::PeekMut::pop(first).0)
    }

    /// Forgets notes that do not hold, once there are many more notes than `sessions`: a constant per note.
    pub(crate) fn tidy(&mut self, sessions: usize, holds: impl Fn(u32, SessionId) -> bool) {
        const SPARE: usize = 32;
        if self.0.len() > 2 * sessions + SPARE {
            self.0.retain(|&Reverse((second, session))| holds(second, session));
            self.0.shrink_to(2 * sessions + SPARE);
        }
    }
}
