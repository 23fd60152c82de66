//! The exact window: the bookings that still count, oldest first, in a ring of 32-bit ticks.
//! It does not know blocks, nor whose memory the ring is.

use crate::Limit;
use crate::window::Window;

/// Bookings never decrease from oldest to newest. A booking counts until W after it; no more than N + B count
/// at any time, and those beyond the Nth lie in the future.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Log {
    /// The cell of the oldest booking.
    head: u16,
    len: u16,
}

impl Log {
    pub(crate) const fn new() -> Self {
        Self { head: 0, len: 0 }
    }

    /// The booking after `index` older ones.
    #[inline]
    fn booking(self, cells: &[u32], index: usize) -> u32 {
        // Never outside: no index is at or beyond `len`, and `len` is at most the number of cells.
        cells.get(self.cell(cells, index)).copied().unwrap_or(0)
    }

    #[inline]
    fn cell(self, cells: &[u32], index: usize) -> usize {
        let cell = usize::from(self.head) + index;
        if cell >= cells.len() { cell - cells.len() } else { cell }
    }

    /// When the booking after `index` older ones counts no more.
    #[inline]
    fn end(self, cells: &[u32], limit: &Limit, index: usize) -> u32 {
        self.booking(cells, index) + limit.window_ticks()
    }

    #[inline]
    fn oldest_end(self, cells: &[u32], limit: &Limit) -> u32 {
        cells.get(usize::from(self.head)).map_or(u32::MAX, |oldest| oldest + limit.window_ticks())
    }

    /// When the newest booking counts no more.
    #[inline]
    fn last_end(self, cells: &[u32], limit: &Limit) -> u32 {
        match usize::from(self.len).checked_sub(1) {
            Some(newest) => self.end(cells, limit, newest),
            None => 0,
        }
    }

    #[inline(never)]
    fn drop_all_that_ended(&mut self, cells: &[u32], limit: &Limit, now: u32) {
        if self.last_end(cells, limit) <= now {
            *self = Self::new();
        }
        while self.len > 0 && self.end(cells, limit, 0) <= now {
            self.drop_oldest(cells);
        }
    }

    #[inline]
    fn drop_oldest(&mut self, cells: &[u32]) {
        let next = self.head + 1;
        self.head = if usize::from(next) == cells.len() { 0 } else { next };
        self.len -= 1;
    }

    /// The bookings in order, into other cells that are at least as many.
    pub(crate) fn move_to(&mut self, cells: &[u32], target: &mut [u32]) {
        for (index, cell) in target.iter_mut().enumerate().take(self.len.into()) {
            *cell = self.booking(cells, index);
        }
        self.head = 0;
    }
}

impl Window for Log {
    /// Mostly nothing has ended, or one booking.
    #[inline]
    fn advance(&mut self, cells: &[u32], limit: &Limit, now: u32) {
        if self.len > 0 && self.oldest_end(cells, limit) <= now {
            self.drop_oldest(cells);
            if self.len > 0 && self.oldest_end(cells, limit) <= now {
                self.drop_all_that_ended(cells, limit, now);
            }
        }
    }

    #[inline]
    fn load(&self) -> u32 {
        self.len.into()
    }

    fn load_at(&self, cells: &[u32], limit: &Limit, now: u32) -> u32 {
        let mut later = *self;
        later.advance(cells, limit, now);
        later.load()
    }

    fn is_over(&self, cells: &[u32], limit: &Limit, now: u32) -> bool {
        self.last_end(cells, limit) <= now
    }

    fn fits_at(&self, cells: &[u32], limit: &Limit, cost: u32) -> u64 {
        let may_stay = limit.capacity().saturating_sub(cost) as usize;
        match usize::from(self.len).checked_sub(may_stay + 1) {
            Some(last_to_go) => self.end(cells, limit, last_to_go).into(),
            None => 0,
        }
    }

    #[inline]
    fn free_at(&self, cells: &[u32], limit: &Limit, _: bool) -> u64 {
        self.last_end(cells, limit).into()
    }

    #[inline]
    fn needs(&self, cost: u32) -> usize {
        usize::from(self.len) + cost as usize
    }

    #[inline]
    fn take(&mut self, cells: &mut [u32], limit: &Limit, now: u32, cost: u32) {
        for _ in 0..cost {
            let mut booking = now;
            if u32::from(self.len) >= limit.max_requests() {
                let nth_before = usize::from(self.len) - limit.max_requests() as usize;
                booking = booking.max(self.end(cells, limit, nth_before));
            }
            let cell = self.cell(cells, self.len.into());
            let Some(cell) = cells.get_mut(cell) else { return };
            *cell = booking;
            self.len += 1;
        }
    }

    fn rebase(&mut self, cells: &mut [u32], _: &Limit, _: u64, by: u64) {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        for booking in cells {
            *booking = booking.saturating_sub(by);
        }
    }
}
