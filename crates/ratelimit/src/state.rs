//! The state of one key and the decision itself. It knows the window and the block; it counts time in
//! nanoseconds from a beginning that its owner remembers, and does not count verdicts.

use std::time::Duration;

use crate::counter::Counter;
use crate::log::Log;
use crate::{FOREVER, Limit, Verdict};

/// The limit is not part of it, so that many keys can share one.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The latest time seen; an earlier one counts as this.
    latest: u64,
    blocked_until: u64,
    window: Window,
}

#[derive(Clone, Debug)]
enum Window {
    Exact(Log),
    Estimated(Counter),
}

impl State {
    pub(crate) fn new(limit: &Limit) -> Self {
        let window = match limit.is_exact() {
            true => Window::Exact(Log::default()),
            false => Window::Estimated(Counter::default()),
        };
        Self { latest: 0, blocked_until: 0, window }
    }

    /// Decides, and counts what passes.
    pub(crate) fn check(&mut self, limit: &Limit, at: u64, cost: u32) -> Verdict {
        let Some(passes_at) = self.passes_at(limit, cost) else {
            return Verdict::Limited { retry_after: FOREVER };
        };
        let now = self.latest.max(at);
        self.latest = now;
        if passes_at <= now {
            self.window.take(limit, now, cost);
            return self.allowed(limit, at);
        }
        if limit.block_nanos() > 0 && now >= self.blocked_until {
            self.blocked_until = passes_at.max(now.saturating_add(limit.block_nanos()));
        }
        refused(limit, passes_at.max(self.blocked_until), at)
    }

    /// What [`Self::check`] would decide.
    pub(crate) fn peek(&self, limit: &Limit, at: u64, cost: u32) -> Verdict {
        let Some(passes_at) = self.passes_at(limit, cost) else {
            return Verdict::Limited { retry_after: FOREVER };
        };
        let now = self.latest.max(at);
        if passes_at <= now {
            return self.allowed(limit, at);
        }
        let block_over = match self.is_blocked(now) {
            true => self.blocked_until,
            false => now.saturating_add(limit.block_nanos()),
        };
        refused(limit, passes_at.max(block_over), at)
    }

    pub(crate) fn is_blocked(&self, at: u64) -> bool {
        self.latest.max(at) < self.blocked_until
    }

    /// The units that would pass now: none while blocked.
    pub(crate) fn remaining(&self, limit: &Limit, at: u64) -> u32 {
        match self.is_blocked(at) {
            true => 0,
            false => limit.capacity().saturating_sub(self.load(limit, at)),
        }
    }

    /// How long until everything is free, if nothing more comes.
    pub(crate) fn reset_after(&self, limit: &Limit, at: u64) -> Duration {
        let free_at = self.window.fits_at(limit, limit.capacity());
        Duration::from_nanos(free_at.max(self.blocked_until).saturating_sub(at))
    }

    /// Whether it says no more than a fresh one would.
    pub(crate) fn is_idle(&self, limit: &Limit, at: u64) -> bool {
        !self.is_blocked(at) && self.load(limit, at) == 0
    }

    pub(crate) fn blocked_until(&self) -> u64 {
        self.blocked_until
    }

    /// How many units count.
    pub(crate) fn load(&self, limit: &Limit, at: u64) -> u32 {
        let now = self.latest.max(at);
        match &self.window {
            Window::Exact(log) => log.load(limit, now),
            Window::Estimated(counter) => counter.load(limit, now),
        }
    }

    /// When a request passes: block over and window free; `None`: never.
    fn passes_at(&self, limit: &Limit, cost: u32) -> Option<u64> {
        match cost {
            0 => Some(0),
            _ if cost > limit.capacity() => None,
            _ => Some(self.window.fits_at(limit, cost).max(self.blocked_until)),
        }
    }

    fn allowed(&self, limit: &Limit, at: u64) -> Verdict {
        Verdict::Allowed {
            remaining: self.remaining(limit, at),
            reset: self.reset_after(limit, at),
        }
    }
}

impl Window {
    fn fits_at(&self, limit: &Limit, cost: u32) -> u64 {
        match self {
            Self::Exact(log) => log.fits_at(limit, cost),
            Self::Estimated(counter) => counter.fits_at(limit, cost),
        }
    }

    fn take(&mut self, limit: &Limit, now: u64, cost: u32) {
        match self {
            Self::Exact(log) => log.take(limit, now, cost),
            Self::Estimated(counter) => counter.take(limit, now, cost),
        }
    }
}

fn refused(limit: &Limit, passes_at: u64, at: u64) -> Verdict {
    let retry_after = Duration::from_nanos(passes_at.saturating_sub(at));
    match limit.block_nanos() {
        0 => Verdict::Limited { retry_after },
        _ => Verdict::Blocked { retry_after },
    }
}
