//! A few seats on the stack: taken under a lock, handed out without one, and no allocation between.

use crate::seat::Seat;
use crate::sync::Arc;

/// So many seats are taken at once: a lock is held for about a microsecond.
const MAX: usize = 32;

pub(crate) struct Chunk<H> {
    seats: [Option<Arc<Seat<H>>>; MAX],
    len: usize,
}

impl<H> Chunk<H> {
    pub(crate) fn new() -> Self {
        Self { seats: [const { None }; MAX], len: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len == MAX
    }

    /// Adds a seat. Ask [`is_full`](Self::is_full) before: what does not fit is dropped.
    pub(crate) fn push(&mut self, seat: Arc<Seat<H>>) {
        debug_assert!(!self.is_full(), "whoever fills a chunk asks whether there is room");
        if let Some(place) = self.seats.get_mut(self.len) {
            *place = Some(seat);
            self.len += 1;
        }
    }

    /// Gives all seats away, in their order.
    pub(crate) fn take(&mut self, mut f: impl FnMut(Arc<Seat<H>>)) {
        let taken = std::mem::take(&mut self.len);
        self.seats.iter_mut().take(taken).filter_map(Option::take).for_each(&mut f);
    }
}
