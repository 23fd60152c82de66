//! What is allowed: a value, without state. It does not know who is limited, nor what time it is.

use std::time::Duration;

/// Up to this N + B a limiter keeps every booking and is exact; above it counts in two buckets.
pub const EXACT_CAPACITY: u32 = 256;

/// N units in a window W, with a burst B above it and a block after a refusal.
///
/// ```
/// use std::time::Duration;
/// use tidegate_ratelimit::Limit;
///
/// let limit = Limit::new(30, Duration::from_secs(60)).burst(5).block(Duration::from_secs(30));
/// assert_eq!(limit.capacity(), 35);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    max_requests: u32,
    burst: u32,
    window: u64,
    block: u64,
    /// A tick of the exact log is `1 << tick_shift` nanoseconds.
    tick_shift: u8,
}

impl Limit {
    /// `max_requests` units in each `window`, no burst, no block.
    ///
    /// With 0 units nothing that costs something ever passes, whatever the burst. A `window` of zero is
    /// taken as 1 ns, one above 584 years as 584 years.
    pub const fn new(max_requests: u32, window: Duration) -> Self {
        let window = nanos(window);
        let window = if window == 0 { 1 } else { window };
        Self { max_requests, burst: 0, window, block: 0, tick_shift: 0 }.with_tick()
    }

    /// Lets a spike of `units` above the limit pass; it takes the place of later requests.
    /// N + B is at most `u32::MAX`, what is above is cut off.
    #[must_use]
    pub const fn burst(mut self, units: u32) -> Self {
        let most = u32::MAX - self.max_requests;
        self.burst = if units < most { units } else { most };
        self.with_tick()
    }

    /// Blocks a key for at least `block` after its first refusal. Zero: no block, the default.
    #[must_use]
    pub const fn block(mut self, block: Duration) -> Self {
        self.block = nanos(block);
        self
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

    /// The step in which an exact limiter sees time: about W / 2³⁰, so 1 ns for 1 s, 64 ns for 60 s and
    /// less than 1 ms for every window up to 8 days (with B ≤ N). `retry_after` is exact in itself whatever the step.
    pub const fn resolution(&self) -> Duration {
        Duration::from_nanos(1 << self.tick_shift)
    }

    /// The smallest power of two nanoseconds in which the bookings that count at one time, and one window
    /// more, span no more than `u32::MAX` steps.
    const fn with_tick(mut self) -> Self {
        let windows_ahead = match self.max_requests {
            0 => 0,
            n => self.burst.div_ceil(n),
        };
        let span = self.window.saturating_mul(2 + windows_ahead as u64);
        self.tick_shift = 32_u32.saturating_sub(span.leading_zeros()) as u8;
        self
    }

    pub(crate) const fn window_nanos(&self) -> u64 {
        self.window
    }

    pub(crate) const fn block_nanos(&self) -> u64 {
        self.block
    }

    /// The last tick that is not after `at` (nanoseconds).
    pub(crate) const fn tick(&self, at: u64) -> u64 {
        at >> self.tick_shift
    }

    /// When a tick begins, in nanoseconds; saturates.
    pub(crate) const fn tick_nanos(&self, tick: u64) -> u64 {
        tick.saturating_mul(1 << self.tick_shift)
    }

    /// W in ticks, rounded up.
    pub(crate) const fn window_ticks(&self) -> u64 {
        self.window.div_ceil(1 << self.tick_shift)
    }
}

/// Whole nanoseconds of a duration; saturates at 584 years.
pub(crate) const fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}
