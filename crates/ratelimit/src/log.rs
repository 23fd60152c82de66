//! The exact window: the bookings that still count, oldest first, as 32-bit ticks from a base.
//! It does not know blocks. Its times are nanoseconds that never go back.

use std::collections::VecDeque;

use crate::Limit;

/// Bookings never decrease from front to back. A booking counts until W after it; no more than N + B count
/// at any time, and those beyond the Nth lie in the future.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// The tick from which `booked` counts.
    base: u64,
    booked: VecDeque<u32>,
}

impl Log {
    /// How many units count at `now`.
    pub(crate) fn load(&self, limit: &Limit, now: u64) -> u32 {
        let tick = limit.tick(now);
        let over = self.booked.partition_point(|&offset| self.end(limit, offset) <= tick);
        u32::try_from(self.booked.len() - over).unwrap_or(u32::MAX)
    }

    /// When `cost` units (1 to capacity) fit if nothing is taken before: a time in the past means now.
    pub(crate) fn fits_at(&self, limit: &Limit, cost: u32) -> u64 {
        let may_stay = limit.capacity().saturating_sub(cost) as usize;
        let last_to_go = self.booked.len().checked_sub(may_stay + 1);
        let booked = last_to_go.and_then(|index| self.booked.get(index));
        booked.map_or(0, |&offset| limit.tick_nanos(self.end(limit, offset)))
    }

    /// Books `cost` units, which fit at `now`.
    pub(crate) fn take(&mut self, limit: &Limit, now: u64, cost: u32) {
        let tick = limit.tick(now);
        while self.booked.front().is_some_and(|&offset| self.end(limit, offset) <= tick) {
            self.booked.pop_front();
        }
        for _ in 0..cost {
            self.book(limit, tick);
        }
    }

    /// Books one unit for `tick`, or for the end of the Nth booking before it.
    fn book(&mut self, limit: &Limit, tick: u64) {
        let nth_before = self.booked.len().checked_sub(limit.max_requests() as usize);
        let full_until = nth_before
            .and_then(|index| self.booked.get(index))
            .map_or(0, |&offset| self.end(limit, offset));
        let booking = tick.max(full_until);
        if self.booked.is_empty() {
            self.base = booking;
        } else if booking - self.base > u64::from(u32::MAX) {
            self.rebase();
        }
        // The tick is chosen so that the bookings that count span less than `u32::MAX` (`Limit::with_tick`).
        self.booked.push_back(u32::try_from(booking - self.base).unwrap_or(u32::MAX));
    }

    /// Counts from the oldest booking on.
    fn rebase(&mut self) {
        let oldest = self.booked.front().copied().unwrap_or(0);
        self.base += u64::from(oldest);
        for offset in &mut self.booked {
            *offset -= oldest;
        }
    }

    /// The tick at which a booking counts no more.
    fn end(&self, limit: &Limit, offset: u32) -> u64 {
        (self.base + u64::from(offset)).saturating_add(limit.window_ticks())
    }
}
