//! What an outbox and the channel around it note of themselves, in four bytes.

/// How many senders there are, whether the channel is closed, whether something is new, and whether a droppable
/// message may be inside.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks(u32);

/// A droppable message came in since none was found inside.
const DROPPABLE: u32 = 1 << 29;
#[cfg(feature = "tokio")]
const CLOSED: u32 = 1 << 31;
/// Something was accepted since the reader last decided.
#[cfg(feature = "tokio")]
const FRESH: u32 = 1 << 30;
#[cfg(feature = "tokio")]
const SENDERS: u32 = DROPPABLE - 1;

impl Marks {
    pub(crate) const fn may_hold_droppable(self) -> bool {
        self.0 & DROPPABLE != 0
    }

    #[inline]
    pub(crate) const fn droppable(&mut self, inside: bool) {
        if inside {
            self.0 |= DROPPABLE;
        } else {
            self.0 &= !DROPPABLE;
        }
    }
}

#[cfg(feature = "tokio")]
impl Marks {
    pub(crate) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(crate) const fn close(&mut self) {
        self.0 |= CLOSED;
    }

    pub(crate) const fn is_fresh(self) -> bool {
        self.0 & FRESH != 0
    }

    pub(crate) const fn freshen(&mut self) {
        self.0 |= FRESH;
    }

    pub(crate) const fn decided(&mut self) {
        self.0 &= !FRESH;
    }

    /// How many senders there are.
    #[cfg(feature = "tower")]
    pub(crate) const fn senders(self) -> usize {
        (self.0 & SENDERS) as usize
    }

    /// One sender more. A channel that ever had half a billion of them never closes by itself.
    pub(crate) const fn join(&mut self) {
        if self.0 & SENDERS < SENDERS {
            self.0 += 1;
        }
    }

    /// One sender less; whether it was the last.
    pub(crate) const fn leave(&mut self) -> bool {
        let senders = self.0 & SENDERS;
        if senders > 0 && senders < SENDERS {
            self.0 -= 1;
        }
        senders == 1
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;

    #[test]
    fn last_sender_is_known_whatever_else_is_noted() {
        let mut marks = Marks::default();
        marks.join();
        marks.freshen();
        marks.droppable(true);
        marks.join();
        marks.close();
        assert!(!marks.leave());
        marks.decided();
        assert!(marks.may_hold_droppable());
        marks.droppable(false);
        assert!(marks.leave() && marks.is_closed() && !marks.is_fresh());
        assert!(!marks.leave());
    }
}
