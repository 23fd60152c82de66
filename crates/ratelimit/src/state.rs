//! The state of one key and the decision itself. It knows the window and the block; its times are ticks. It does not
//! count verdicts, and the limit is not part of it, so that many keys share one.

use std::time::{Duration, Instant};

use crate::window::Window;
use crate::{FOREVER, Limit, Verdict};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State<W> {
    blocked_until: u32,
    window: W,
}

/// What is decided about a request, before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Passes,
    /// It passes at this tick.
    Waits(u64),
    Never,
}

/// One moment: as its caller has it, and in nanoseconds and ticks from the moment that counts as 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) now: Instant,
    pub(crate) nanos: u64,
    /// The tick, or the latest one seen, whichever is later.
    pub(crate) tick: u32,
}

impl<W: Window> State<W> {
    /// Decides; a refusal starts the block. What passes is yet to be taken.
    #[inline(always)]
    pub(crate) fn decide(&mut self, cells: &[u32], limit: &Limit, now: u32, cost: u32) -> Decision {
        self.window.advance(cells, limit, now);
        let fits = self.window.load() as u64 + u64::from(cost) <= u64::from(limit.capacity());
        if (fits && self.blocked_until <= now) || cost == 0 {
            return Decision::Passes;
        }
        self.refuse(cells, limit, now, cost)
    }

    #[cold]
    #[inline(never)]
    fn refuse(&mut self, cells: &[u32], limit: &Limit, now: u32, cost: u32) -> Decision {
        let decision = self.foresee(cells, limit, now, cost);
        if let Decision::Waits(passes_at) = decision
            && !self.is_blocked(now.into())
            && limit.has_block()
        {
            // A limit whose burst takes ages to be paid back ends the block before, and the next refusal starts one.
            self.blocked_until = u32::try_from(passes_at).unwrap_or(u32::MAX);
        }
        decision
    }

    /// What [`Self::decide`] says of a request that does not pass.
    fn foresee(&self, cells: &[u32], limit: &Limit, now: u32, cost: u32) -> Decision {
        if cost > limit.capacity() {
            return Decision::Never;
        }
        let fits_at = self.window.fits_at(cells, limit, cost);
        let block_over = match self.is_blocked(now.into()) {
            true => u64::from(self.blocked_until),
            false => u64::from(now) + limit.block_ticks(),
        };
        Decision::Waits(fits_at.max(block_over))
    }

    /// The verdict that [`Self::decide`] would lead to, with nothing changed.
    pub(crate) fn peek(&self, cells: &[u32], limit: &Limit, at: &At, cost: u32) -> Verdict {
        let mut copy = *self;
        let decision = copy.decide(cells, limit, at.tick, cost);
        copy.verdict(cells, limit, at, decision, false)
    }

    /// How many cells it needs to take `cost` units.
    #[inline]
    pub(crate) fn needs(&self, cost: u32) -> usize {
        self.window.needs(cost)
    }

    /// Counts what [`Self::decide`] has just let pass.
    #[inline]
    pub(crate) fn take(&mut self, cells: &mut [u32], limit: &Limit, now: u32, cost: u32) {
        self.window.take(cells, limit, now, cost);
    }

    /// What a decision means to the caller; of one that passes, after it was taken (if it was, and costs anything).
    #[inline(always)]
    pub(crate) fn verdict(
        &self,
        cells: &[u32],
        limit: &Limit,
        at: &At,
        decision: Decision,
        took: bool,
    ) -> Verdict {
        match decision {
            Decision::Passes => Verdict::Allowed {
                remaining: self.remaining(limit, at.tick),
                reset: at.until(limit, self.free_at(cells, limit, took)),
            },
            Decision::Waits(tick) => at.refused(limit, tick),
            Decision::Never => Verdict::Limited { retry_after: FOREVER },
        }
    }

    #[inline]
    pub(crate) fn is_blocked(&self, now: u64) -> bool {
        now < self.blocked_until.into()
    }

    /// The units that would pass, as of the last decision: none while blocked.
    #[inline]
    fn remaining(&self, limit: &Limit, now: u32) -> u32 {
        match self.is_blocked(now.into()) {
            true => 0,
            false => limit.capacity().saturating_sub(self.window.load()),
        }
    }

    /// The tick at which everything is free if nothing more comes.
    #[inline]
    fn free_at(&self, cells: &[u32], limit: &Limit, took: bool) -> u64 {
        self.window.free_at(cells, limit, took).max(self.blocked_until.into())
    }

    /// Whether it says no more than a fresh one would.
    pub(crate) fn is_idle(&self, cells: &[u32], limit: &Limit, now: u32) -> bool {
        !self.is_blocked(now.into()) && self.window.is_over(cells, limit, now)
    }

    /// How many units count.
    pub(crate) fn load_at(&self, cells: &[u32], limit: &Limit, now: u32) -> u32 {
        self.window.load_at(cells, limit, now)
    }

    /// Counts time from `by` ticks later on; it is tick `now`, of the old count.
    pub(crate) fn rebase(&mut self, cells: &mut [u32], limit: &Limit, now: u64, by: u64) {
        self.window.rebase(cells, limit, now, by);
        // No more than it was.
        self.blocked_until = u64::from(self.blocked_until).saturating_sub(by) as u32;
    }
}

impl<W> State<W> {
    pub(crate) const fn new(window: W) -> Self {
        Self { blocked_until: 0, window }
    }

    pub(crate) fn window_mut(&mut self) -> &mut W {
        &mut self.window
    }
}

impl At {
    /// `now` as so long after `began`; as `began` itself if it is before. Saturates at 584 years.
    #[inline]
    pub(crate) fn nanos_since(began: Instant, now: Instant) -> u64 {
        match now.checked_duration_since(began) {
            Some(since) => u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
            None => 0,
        }
    }

    /// The time from now until a tick begins.
    #[inline]
    fn until(&self, limit: &Limit, tick: u64) -> Duration {
        Duration::from_nanos(limit.tick_nanos(tick).saturating_sub(self.nanos))
    }

    #[cold]
    #[inline(never)]
    fn refused(&self, limit: &Limit, tick: u64) -> Verdict {
        let retry_after = self.until(limit, tick);
        match limit.has_block() {
            false => Verdict::Limited { retry_after },
            true => Verdict::Blocked { until: later(self.now, retry_after), retry_after },
        }
    }
}

/// `now` and `wait` after it, or the latest time near it that the system has.
fn later(now: Instant, wait: Duration) -> Instant {
    let mut wait = wait;
    loop {
        match now.checked_add(wait) {
            Some(then) => return then,
            None => wait /= 2,
        }
    }
}
