//! What a channel notes of itself, in four bytes.

/// How many senders there are, whether the channel is closed, and whether something is new.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks(u32);

const CLOSED: u32 = 1 << 31;
/// Something was accepted since the reader last decided.
const FRESH: u32 = 1 << 30;
const SENDERS: u32 = FRESH - 1;

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

    /// One sender more. A channel that ever had a billion of them never closes by itself.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_sender_is_known_whatever_else_is_noted() {
        let mut marks = Marks::default();
        marks.join();
        marks.freshen();
        marks.join();
        marks.close();
        assert!(!marks.leave());
        marks.decided();
        assert!(marks.leave() && marks.is_closed() && !marks.is_fresh());
        assert!(!marks.leave());
    }
}
