//! What is allowed: a value, without state. It does not know who is limited, nor what time it is.

use std::time::Duration;

use crate::ConfigError;

/// Up to this N + B a limiter keeps every booking and is exact; above it counts in eleven buckets.
///
/// At 256 a key costs 1 KiB and its slowest check (255 bookings end at once) about 0.25 µs; a check in a steady
/// stream takes the same time at any bound. The README has the figures.
pub const EXACT_CAPACITY: u32 = 256;

/// The most that N + B can be: 4095 MiB, where units are bytes.
const MOST_UNITS: u32 = 4095 << 20;

/// A tick is no coarser than this power of two (1 µs), unless the window is too long for it.
const EVEN_SHIFT: u32 = 10;

/// N units in a window W, with a burst B above it and a block after a refusal.
///
/// ```
/// use std::time::Duration;
/// use tidegate_ratelimit::Limit;
///
/// let limit = Limit::new(30, Duration::from_secs(60))?.burst(5).block(Duration::from_secs(30));
/// assert_eq!(limit.capacity(), 35);
/// assert_eq!(Limit::per_minute(30).burst(5).block(Duration::from_secs(30)), limit);
/// # Ok::<(), tidegate_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    max_requests: u32,
    burst: u32,
    /// Nanoseconds, never 0.
    window: u64,
    /// Nanoseconds.
    block: u64,
    /// A tick is `1 << tick_shift` nanoseconds.
    tick_shift: u8,
    window_ticks: u32,
}

impl Limit {
    /// `max_requests` units in each `window`, no burst, no block.
    ///
    /// With 0 units nothing that costs something ever passes, whatever the burst. More than 4 293 918 720 units are cut
    /// to that, a `window` of more than 584 years to 584 years.
    ///
    /// # Errors
    /// [`ConfigError::Window`] for a window of zero.
    pub const fn new(max_requests: u32, window: Duration) -> Result<Self, ConfigError> {
        match nanos(window) {
            0 => Err(ConfigError::Window),
            window => Ok(Self::of(max_requests, window)),
        }
    }

    /// `max_requests` units in each second.
    pub const fn per_second(max_requests: u32) -> Self {
        Self::of(max_requests, 1_000_000_000)
    }

    /// `max_requests` units in each minute.
    pub const fn per_minute(max_requests: u32) -> Self {
        Self::of(max_requests, 60 * 1_000_000_000)
    }

    /// `max_requests` units in each hour.
    pub const fn per_hour(max_requests: u32) -> Self {
        Self::of(max_requests, 3_600 * 1_000_000_000)
    }

    const fn of(max_requests: u32, window: u64) -> Self {
        let max_requests = if max_requests < MOST_UNITS { max_requests } else { MOST_UNITS };
        Self { max_requests, burst: 0, window, block: 0, tick_shift: 0, window_ticks: 0 }
            .with_tick()
    }

    /// Lets a spike of `units` above the limit pass; it takes the place of later requests.
    /// N + B is at most 4 293 918 720, what is above is cut off.
    #[must_use]
    pub const fn burst(mut self, units: u32) -> Self {
        let most = MOST_UNITS - self.max_requests;
        self.burst = if units < most { units } else { most };
        self.with_tick()
    }

    /// Blocks a key for at least `block` after its first refusal. Zero: no block, the default.
    #[must_use]
    pub const fn block(mut self, block: Duration) -> Self {
        self.block = nanos(block);
        self.with_tick()
    }

    /// N: the units that pass in a window.
    pub const fn max_requests(&self) -> u32 {
        self.max_requests
    }

    /// W: the window.
    pub const fn window(&self) -> Duration {
        Duration::from_nanos(self.window)
    }

    /// B: the units that may pass above N and are paid back.
    pub const fn burst_size(&self) -> u32 {
        self.burst
    }

    /// How long a block lasts at least; zero where there is none.
    pub const fn block_for(&self) -> Duration {
        Duration::from_nanos(self.block)
    }

    /// What passes at once after silence: N + B, or 0 where N is 0. A request that costs more never passes.
    pub const fn capacity(&self) -> u32 {
        if self.max_requests == 0 { 0 } else { self.max_requests + self.burst }
    }

    /// Whether the bookings themselves are kept (up to [`EXACT_CAPACITY`]), so that decisions are exact.
    pub const fn is_exact(&self) -> bool {
        self.capacity() <= EXACT_CAPACITY
    }

    /// The step in which time is seen: 512 ns for a window of 1 s, about 1 µs for one of 60 s, and at most 1 ms for every
    /// window up to 6 days (with B ≤ N).
    ///
    /// A request counts from the last step that is not after it. So at most N + B pass in any window that is one step
    /// shorter than W.
    pub const fn resolution(&self) -> Duration {
        Duration::from_nanos(1 << self.tick_shift)
    }

    /// After so long without a request a limiter of this limit says what a new one would, whatever it had counted; it may
    /// say so earlier ([`Limiter::reset_after`](crate::Limiter::reset_after)). Saturates at 584 years.
    pub const fn forgets_after(&self) -> Duration {
        let bursts = match self.max_requests {
            0 => 0,
            max_requests => self.burst.div_ceil(max_requests) as u64,
        };
        // What is ahead goes a window later for each burst that fits into N. In buckets a window is up to eleven of its
        // tenths, rounded up, and what came last may still be in the first of them.
        let (windows, window) = match self.is_exact() {
            true => (bursts.saturating_add(1), self.window_ticks as u64),
            false => (bursts.saturating_add(2), self.window_ticks.div_ceil(10) as u64 * 11),
        };
        let window = window.saturating_mul(windows);
        let longest = if window > self.block_ticks() { window } else { self.block_ticks() };
        Duration::from_nanos(self.tick_nanos(longest.saturating_add(1)))
    }

    /// The same without a block.
    pub(crate) const fn without_block(mut self) -> Self {
        self.block = 0;
        self
    }

    /// A power of two nanoseconds that divides window and block if it can, about 1 µs at most; but so many that all
    /// that lies ahead of a moment, and two windows, span less than 2³¹ steps.
    const fn with_tick(mut self) -> Self {
        let windows_ahead = match self.is_exact() && self.max_requests > 0 {
            true => 1 + self.burst.div_ceil(self.max_requests) as u128,
            false => 2,
        };
        let windows = if windows_ahead > 2 { windows_ahead } else { 2 };
        let window = self.window as u128 * windows;
        let span = if window > self.block as u128 { window } else { self.block as u128 };
        let least = (128 - span.leading_zeros()).saturating_sub(31);
        let even = (self.window | self.block).trailing_zeros();
        let even = if even < EVEN_SHIFT { even } else { EVEN_SHIFT };
        let shift = if least > even { least } else { even };
        self.tick_shift = shift as u8;
        self.window_ticks = ticks(self.window, shift) as u32;
        self
    }

    /// The tick in which nanosecond `at` lies.
    #[inline]
    pub(crate) const fn tick(&self, at: u64) -> u64 {
        at >> self.tick_shift
    }

    /// When a tick begins, in nanoseconds; saturates.
    #[inline]
    pub(crate) const fn tick_nanos(&self, tick: u64) -> u64 {
        tick.saturating_mul(1 << self.tick_shift)
    }

    /// W in ticks, rounded up: at least 1, less than 2³⁰.
    #[inline]
    pub(crate) const fn window_ticks(&self) -> u32 {
        self.window_ticks
    }

    /// The block in ticks, rounded up: less than 2³¹ + 1.
    pub(crate) const fn block_ticks(&self) -> u64 {
        ticks(self.block, self.tick_shift as u32)
    }

    #[inline]
    pub(crate) const fn has_block(&self) -> bool {
        self.block > 0
    }
}

const fn ticks(nanos: u64, shift: u32) -> u64 {
    if shift >= 64 {
        return if nanos > 0 { 1 } else { 0 };
    }
    let whole = nanos >> shift;
    if nanos == whole << shift { whole } else { whole + 1 }
}

/// Whole nanoseconds of a duration; saturates at 584 years.
#[inline]
pub(crate) const fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}
