//! What every way of counting a window can do. It does not know blocks, keys or clocks: its times are ticks that
//! never go back, counted from a moment that its owner moves now and then.

use crate::Limit;

/// Ticks from the moment that counts as 0 stay below this; then the owner moves that moment ([`Window::rebase`]).
pub(crate) const HORIZON: u64 = 1 << 31;

/// How the units of one key are counted. `cells` is its memory, where it needs any beside itself.
pub(crate) trait Window: Copy + Default {
    /// Lets go of what counts no more at `now`.
    fn advance(&mut self, cells: &[u32], limit: &Limit, now: u32);

    /// How many units count, as of the last [`Self::advance`].
    fn load(&self) -> u32;

    /// How many units count at `now`.
    fn load_at(&self, cells: &[u32], limit: &Limit, now: u32) -> u32;

    /// Whether nothing counts at `now`; may say no where only [`Self::load_at`] knows.
    fn is_over(&self, cells: &[u32], limit: &Limit, now: u32) -> bool;

    /// The tick at which `cost` units (1 to capacity) fit if nothing is taken before; 0 if they fit already.
    fn fits_at(&self, cells: &[u32], limit: &Limit, cost: u32) -> u64;

    /// The tick at which nothing counts, if nothing more is taken; 0 if nothing does. `took`: something was taken at the
    /// tick of the last [`Self::advance`].
    fn free_at(&self, cells: &[u32], limit: &Limit, took: bool) -> u64;

    /// Cells that it needs to take `cost` more.
    fn needs(&self, cost: u32) -> usize;

    /// Counts `cost` units, which fit at `now`.
    fn take(&mut self, cells: &mut [u32], limit: &Limit, now: u32, cost: u32);

    /// Counts time from `by` ticks later on. It is tick `now`, which is so late that all that still counts began
    /// after `by`.
    fn rebase(&mut self, cells: &mut [u32], limit: &Limit, now: u64, by: u64);
}

/// The ticks to leave behind a `now` that is beyond the horizon: what lies before them counts no more.
pub(crate) fn ticks_to_drop(limit: &Limit, now: u64) -> u64 {
    let window = u64::from(limit.window_ticks());
    now.saturating_sub(window + window / 2 + 64)
}
